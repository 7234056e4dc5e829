/**
 * `lockstep pair`, which is what `npm start` runs: both servers of a shipped profile as two processes on one console. Ctrl-C stops
 * both cleanly, the passive first; a server that ends is reported, and the other goes on.
 */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { isServing } from '../admin/index.ts';
import type { Profile } from '../profile/index.ts';
import { exitCode } from './exit-codes.ts';
import { whatToTry } from './pair-hints.ts';
import { startServer, type ServerProcess } from './server-process.ts';
import { ENDING_SIGNALS, onSignals } from './signals.ts';
import { clientsOf, profileOf, type ServerName } from './target.ts';

const SERVERS: readonly ServerName[] = ['primary', 'secondary'];
const LOOK_MS = 250;

type Running = Readonly<{ profile: Profile; process: ServerProcess }>;

export function addPair(program: Command): void {
  program
    .command('pair')
    .description('runs both servers of a profile on this machine and this console')
    .option('--profile <name>', 'a directory of profiles/, or a path with a slash', 'haprofile1')
    .action(async (options: { profile: string }) => {
      process.exitCode = await runPair(options.profile);
    });
}

async function runPair(name: string): Promise<number> {
  const target = { profile: name, kind: 'peer', set: [] };
  const profiles = await Promise.all(SERVERS.map((server) => profileOf(server, target, 'look')));
  for (const { lock } of profiles) await mkdir(dirname(lock.file), { recursive: true });
  const pair = profiles.map((profile) => ({
    profile,
    process: startServer(profile.server, ['--profile', name]),
  }));
  const wish = { isStopping: false };
  const forget = onSignals(
    ENDING_SIGNALS,
    () => {
      wish.isStopping = true;
      say('stopping both servers, the passive first; Ctrl-C again ends them at once');
      void stopAll(pair);
    },
    () => {
      for (const running of pair) running.process.kill();
    },
  );
  for (const running of pair) void report(running, { pair, name, isStopping: () => wish.isStopping });
  void explain(pair, name);
  const endings = await Promise.all(pair.map((running) => running.process.ended));
  forget();
  say(`both servers have ended`);
  const bad = endings.find(({ code }) => code !== 0);
  return wish.isStopping && bad === undefined ? exitCode('done') : (bad?.code ?? exitCode('fault'));
}

type PairRun = Readonly<{ pair: readonly Running[]; name: string; isStopping: () => boolean }>;

async function report(
  { process: ended, profile }: Running,
  { pair, name, isStopping }: PairRun,
): Promise<void> {
  const { words } = await ended.ended;
  const other = pair.find((running) => running.profile.server !== profile.server);
  const rest =
    other?.process.isRunning() === true && !isStopping()
      ? `; ${other.profile.server} goes on. Start it again from another terminal: scripts/server.sh ${profile.server} --profile ${name}`
      : '';
  say(`${profile.server} ${words}${rest}`);
}

/** Once one serves and the other stands by, says what to try; says nothing when one has ended before. */
async function explain(pair: readonly Running[], name: string): Promise<void> {
  while (pair.every((running) => running.process.isRunning())) {
    const states = await Promise.all(pair.map(({ profile }) => stateOf(profile)));
    const active = pair[states.findIndex((state) => state === 'ACTIVE')];
    if (active !== undefined && states.includes('PASSIVE')) {
      const pids = pair.map((running) => ({ server: running.profile.server, pid: running.process.pid }));
      for (const line of whatToTry(
        pair.map(({ profile }) => profile),
        active.profile.server,
        { name, pids },
      ))
        say(line);
      return;
    }
    await sleep(LOOK_MS, null, { ref: false });
  }
}

const stateOf = async (profile: Profile): Promise<string | null> =>
  (
    await clientsOf(profile)
      .own.status()
      .catch(() => null)
  )?.state ?? null;

/** The one that does not serve first, so that nobody takes over in the last moment. */
async function stopAll(pair: readonly Running[]): Promise<void> {
  const known = await Promise.all(
    pair.map(async (running) => {
      const status = await clientsOf(running.profile)
        .own.status()
        .catch(() => null);
      return { running, serving: status !== null && isServing(status) };
    }),
  );
  for (const { running } of known.sort((a, b) => Number(a.serving) - Number(b.serving)))
    await running.process.stop();
}

const say = (text: string): void => console.log(`${'pair'.padEnd(9)} | ${text}`);
