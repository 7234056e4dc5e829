/** What a process of its own does for a benchmark of one part: it is given its task, and its answer is one value. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { Cost } from '../report.ts';
import type { Session } from '../session.ts';

/** The answer of `file` to `task`. Ends with the session. */
export async function answerOf<T>(session: Session, file: string, task: unknown): Promise<T> {
  const child = fork(new URL(file, import.meta.url).pathname, [], { execArgv: process.execArgv });
  const forget = session.closeLater(() => void child.kill('SIGKILL'));
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`${file} ended with ${String(code)} before it answered`);
  });
  ended.catch(() => undefined);
  const answer = once(child, 'message');
  child.send(task as object);
  const [value] = (await Promise.race([answer, ended])) as [T]; // what the file gives to `answering`
  await forget();
  return value;
}

/** In the process itself: one task, one answer. */
export function answering(act: (task: unknown) => Promise<Cost>): void {
  process.once('message', (task) => {
    void act(task).then((answer) => process.send?.(answer, () => process.exit()));
  });
}

/** Of this process, since `before`. */
export function ownCost(before = 0): Cost {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  return { cpuSeconds: (userCPUTime + systemCPUTime) / 1e6 - before, peakMiB: maxRSS / 1024 };
}
