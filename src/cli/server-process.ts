/**
 * A server as a child process, its lines on our console behind its name. It has a process group of its own, so that Ctrl-C reaches it
 * only through us, and a line to us whose end tells it that we are gone.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { present } from '../base/index.ts';
import { exitCode } from './exit-codes.ts';
import type { ServerName } from './target.ts';

/** A clean stop drains and tells the peer; what takes longer hangs. */
const STOP_MS_MAX = 20_000;

export type ServerEnding = Readonly<{
  code: number;
  /** `has stopped`, `was killed by SIGKILL`. */
  words: string;
}>;

export type ServerProcess = Readonly<{
  pid: number;
  ended: Promise<ServerEnding>;
  isRunning(): boolean;
  /** Asks for a clean stop and waits for the end; ends it by force when it takes too long. */
  stop(): Promise<void>;
  kill(): void;
}>;

export function startServer(server: ServerName, more: readonly string[]): ServerProcess {
  const program = present(process.argv[1], 'the path of this program');
  const child = spawn(process.execPath, [...process.execArgv, program, 'serve', server, ...more], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    detached: true,
  });
  prefixed(child, server);
  const ended = new Promise<ServerEnding>((settle) => {
    child.once('error', (error) =>
      settle({ code: exitCode('fault'), words: `could not be started: ${error.message}` }),
    );
    child.once('close', (code, signal) => settle(ending(code, signal)));
  });
  const isRunning = (): boolean =>
    child.pid !== undefined && child.exitCode === null && child.signalCode === null;
  return {
    pid: child.pid ?? 0,
    ended,
    isRunning,
    kill: () => void child.kill('SIGKILL'),
    stop: async () => {
      if (!isRunning()) return;
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX);
      child.kill('SIGTERM');
      // One that is stopped (SIGSTOP) hears nothing else before it is woken.
      child.kill('SIGCONT');
      await ended;
      clearTimeout(timer);
    },
  };
}

function ending(code: number | null, signal: NodeJS.Signals | null): ServerEnding {
  if (signal !== null) return { code: exitCode('fault'), words: `was killed by ${signal}` };
  if (code === 0) return { code: 0, words: 'has stopped' };
  return { code: code ?? exitCode('fault'), words: `has ended with exit code ${code ?? '?'}` };
}

function prefixed(child: ChildProcess, server: ServerName): void {
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on('line', (line) => console.log(`${server.padEnd(9)} | ${line}`));
  }
}
