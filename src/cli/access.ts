/** What `lockstep user` and `lockstep rule` share: any server of the pair may be asked, and the one that serves obeys. */
import { AdminFault, type AccessChange, type AccessListing, type AccessReport } from '../admin/index.ts';
import { exitCode } from './exit-codes.ts';
import { clientsOf, profileOf, type ServerName, type TargetOptions } from './target.ts';

/** Says what came of it; true: it was done. */
export async function changed(
  server: ServerName,
  options: TargetOptions,
  change: AccessChange,
  done: string,
): Promise<boolean> {
  const { own, peer } = clientsOf(await profileOf(server, options, 'look'));
  const report = await firstThatServes(
    () => own.changeAccess(change),
    () => peer.changeAccess(change),
  );
  if (report.kind === 'done') {
    console.log(done);
    tellOfRules(change, report.rules);
    return true;
  }
  console.error(`${report.kind === 'refused' ? 'refused' : 'not confirmed'}: ${report.why} [${report.code}]`);
  process.exitCode = exitCode('refused');
  return false;
}

/** As the server that serves has it; where none says that it does, as the one that was asked. */
export async function listed(server: ServerName, options: TargetOptions): Promise<AccessListing> {
  const { own, peer } = clientsOf(await profileOf(server, options, 'look'));
  const mine = await unlessSilent(() => own.access());
  if (mine?.isServing === true) return mine;
  const other = await unlessSilent(() => peer.access());
  return other?.isServing === true ? other : (mine ?? other ?? (await own.access()));
}

async function firstThatServes(
  own: () => Promise<AccessReport>,
  peer: () => Promise<AccessReport>,
): Promise<AccessReport> {
  const first = await unlessSilent(own);
  if (first !== null && !(first.kind === 'refused' && first.code === 'LS_ACCESS_ELSEWHERE')) return first;
  const second = first === null ? await peer() : await unlessSilent(peer);
  return second ?? first ?? (await peer());
}

async function unlessSilent<T>(ask: () => Promise<T>): Promise<T | null> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof AdminFault && error.code === 'LS_ADMIN_SILENT') return null;
    throw error;
  }
}

/** The first rule shuts out all that it does not allow, and the last one that goes lets everything in: nobody should find that out later. */
function tellOfRules(change: AccessChange, rules: number): void {
  if (change.type === 'addRule' && rules === 1)
    console.log('It is the only rule: what it does not allow is denied now, to everybody.');
  if (change.type === 'removeRule' && rules === 0)
    console.log('There is no rule left: every client that may connect may do everything now.');
}
