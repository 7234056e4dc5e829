/** `lockstep stop`: a clean end, and what became of the service. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { costOfStop, isServing, type AdminClient } from '../admin/index.ts';
import { CliFault, cliFaults } from './faults.ts';
import { exitCode } from './exit-codes.ts';
import {
  clientsOf,
  onServer,
  otherServer,
  profileOf,
  type ServerName,
  type TargetOptions,
} from './target.ts';

/** Draining has a bound of its own well below this. */
const STOP_SECONDS_MAX = 60;
/** Longer than a takeover after a clean stop takes. */
const TAKEOVER_SECONDS = 5;
const LOOK_MS = 100;

export function addStop(program: Command): void {
  onServer(program, 'stop', 'stops a server cleanly and says what became of the service')
    .option('--why <text>', 'the reason, for both consoles', 'asked for by an operator')
    .action(async (server: ServerName, options: TargetOptions & { why: string }) => {
      const { own, peer } = clientsOf(await profileOf(server, options, 'look'));
      const status = await own.status();
      const cost = status === null ? null : costOfStop(status, await peer.status());
      if (cost !== null) console.log(cost);
      const { pid } = await own.stop(options.why);
      await gone(server, pid, own);
      console.log(`${server} has stopped (process ${pid}); ${await whatRemains(otherServer(server), peer)}`);
    });
}

/** The process when it is of this machine, else its admin port. */
async function gone(server: ServerName, pid: number, own: AdminClient): Promise<void> {
  const isLocal = isRunning(pid);
  for (let waited = 0; waited < STOP_SECONDS_MAX * 1000; waited += LOOK_MS) {
    const isThere = isLocal ? isRunning(pid) : (await own.status()) !== null;
    if (!isThere) return;
    await sleep(LOOK_MS);
  }
  const text = cliFaults.LS_CLI_STILL_RUNNING(server, pid, STOP_SECONDS_MAX);
  throw new CliFault('LS_CLI_STILL_RUNNING', text, exitCode('refused'));
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function whatRemains(other: ServerName, peer: AdminClient): Promise<string> {
  let status = await peer.status();
  for (
    let waited = 0;
    status !== null && !isServing(status) && waited < TAKEOVER_SECONDS * 1000;
    waited += LOOK_MS
  ) {
    await sleep(LOOK_MS);
    status = await peer.status();
  }
  if (status === null) return `${other} does not answer, so nobody serves`;
  const serves = isServing(status) ? 'serves' : 'does not serve, see its console';
  return `${other} ${serves} (${status.state})`;
}
