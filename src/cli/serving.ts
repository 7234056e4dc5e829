/**
 * One server's process from start to end. A signal stops it cleanly; a second one, later, ends it at once. A server that was started by
 * another process of ours stops when that one is gone, so that none is left behind.
 */
import { openConsole, type Console } from '../io/console/index.ts';
import type { Profile } from '../profile/index.ts';
import { runServer, type RunningServer } from '../server/index.ts';
import { cliFaults, codeOf, exitCodeOf } from './faults.ts';
import { exitCode } from './exit-codes.ts';
import { endingSignals, onReloadSignal, onSignals } from './signals.ts';

/** Runs a server until it has ended; the exit code. Every line of it goes to the console that the profile describes. */
export async function serve(profile: Profile, newPair: boolean): Promise<number> {
  const log = openConsole({
    server: profile.server,
    ...profile.log,
    secrets: [profile.pair.secret, profile.tls.keyPassphrase],
    output: process.stdout,
  });
  try {
    return await served(profile, newPair, log);
  } catch (error) {
    // The profile's faults have places of their own; all others go onto the console like any line.
    const text = error instanceof Error ? error.message : String(error);
    const code = codeOf(error);
    if (code !== null) log.say({ level: 'error', text, code });
    else log.say({ level: 'error', text: cliFaults.LS_CLI_FAULT(stackOf(error)), code: 'LS_CLI_FAULT' });
    return exitCodeOf(error);
  } finally {
    await log.close();
  }
}

async function served(profile: Profile, newPair: boolean, log: Console): Promise<number> {
  // What asks for a stop before the server is up is kept until it is.
  const wish: { why: string | null; server: RunningServer | null } = { why: null, server: null };
  const end = (why: string): void => {
    if (wish.why !== null) return;
    wish.why = why;
    if (wish.server !== null) void stopped(wish.server, why, log);
  };
  const forget = onSignals(
    endingSignals(),
    (signal) => end(`${signal} received`),
    () => process.exit(exitCode('interrupted')),
  );
  // A server that is not up yet reads its files in any case.
  const forgetReload = onReloadSignal((signal) => void reloaded(wish.server, `${signal} received`, log));
  const orphaned = (): void => end('the process that started it is gone');
  process.on('disconnect', orphaned);
  // A reader of the console that is gone is no reason to end in a hurry.
  process.stdout.on('error', () => undefined);
  process.stderr.on('error', () => undefined);
  try {
    const server = await runServer({ profile, log, newPair });
    wish.server = server;
    if (wish.why !== null) void stopped(server, wish.why, log);
    return await server.done;
  } finally {
    process.off('disconnect', orphaned);
    forget();
    forgetReload();
  }
}

async function stopped(server: RunningServer, why: string, log: Console): Promise<void> {
  log.say({ level: 'info', text: `Stopping: ${why}` });
  try {
    await server.stop(why);
  } catch (error) {
    log.say({ level: 'error', text: cliFaults.LS_CLI_STOP(String(error)), code: 'LS_CLI_STOP' });
    process.exit(exitCode('fault'));
  }
}

async function reloaded(server: RunningServer | null, why: string, log: Console): Promise<void> {
  try {
    await server?.reload(why);
  } catch (error) {
    log.say({ level: 'error', text: cliFaults.LS_CLI_RELOAD(stackOf(error)), code: 'LS_CLI_RELOAD' });
  }
}

/** A fault of ours needs the place where it happened. */
const stackOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);
