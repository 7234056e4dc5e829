/** `lockstep status`: one screen for both servers, or JSON. The exit code tells a script whether the pair is protected. */
import type { Command } from 'commander';
import { verdict, type AdminClient, type ServerStatus } from '../admin/index.ts';
import { exitCode, type Ending } from './exit-codes.ts';
import { statusScreen, type PairStatus } from './status-screen.ts';
import {
  clientsOf,
  onServer,
  otherServer,
  profileOf,
  type ServerName,
  type TargetOptions,
} from './target.ts';

export function addStatus(program: Command): void {
  onServer(program, 'status', 'shows both servers, asked with the profile of one')
    .option('--json', 'prints what both servers answered as one JSON object', false)
    .action(async (server: ServerName, options: TargetOptions & { json: boolean }) => {
      const { own, peer } = clientsOf(await profileOf(server, options, 'look'));
      const pair = await pairStatus(server, own, peer);
      console.log(options.json ? JSON.stringify(withVerdicts(pair), null, 2) : statusScreen(pair));
      process.exitCode = exitCode(endingOf(pair));
    });
}

export async function pairStatus(
  server: ServerName,
  own: AdminClient,
  peer: AdminClient,
): Promise<PairStatus> {
  const [mine, other] = await Promise.all([own.status(), peer.status()]);
  const given = { [server]: mine, [otherServer(server)]: other };
  return { primary: given['primary'] ?? null, secondary: given['secondary'] ?? null };
}

const withVerdicts = ({ primary, secondary }: PairStatus) => ({
  primary: { verdict: verdict(primary, secondary), status: primary },
  secondary: { verdict: verdict(secondary, primary), status: secondary },
});

/** A server that does not answer here is judged by what the other sees of it. */
export function endingOf({ primary, secondary }: PairStatus): Ending {
  const kinds = [verdict(primary, secondary).kind, verdict(secondary, primary).kind];
  const answering = [primary, secondary].filter((status): status is ServerStatus => status !== null);
  if (answering.length === 0) return 'silent';
  if (kinds.includes('alone')) return 'alone';
  if (kinds.includes('protected')) return 'done';
  return 'down';
}
