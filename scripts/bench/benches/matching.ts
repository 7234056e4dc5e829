/** Matching alone: the broker's own trees, without network or disk, each size in a process of its own (matching/worker.ts). */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { Bench } from '../bench.ts';
import { KINDS, type Figures, type Job } from '../matching/jobs.ts';
import type { Session } from '../session.ts';
import { digits } from '../statistics.ts';

export const matching: Bench = {
  name: 'matching',
  question:
    'Does a publish cost what it matches, however many subscriptions there are, and a wildcard subscription what it finds, however much is retained?',
  setup:
    "The broker's own trees, without network or disk, each size in a process of its own; the columns are sizes. Memory: heap in use after a full collection, without the filters' and addresses' own texts, which sessions and messages hold anyway.",
  unit: 'processor time, user and system, with the collector’s threads; a second, µs, s, ms or bytes, as each line says',
  columns: {},
  needsBuild: false,
  takesOthers: false,
  runs: 5,
  options: {
    sizes: { default: '1000,100000,1000000', text: 'how many subscriptions, or retained messages' },
    kinds: { default: KINDS.join(','), text: 'which trees' },
  },
  async run(session) {
    const sizes = session.asked.isQuick ? [1000] : session.option('sizes').split(',').map(Number);
    session.report.define(Object.fromEntries(sizes.map((size) => [digits(size), ''])));
    for (const size of sizes)
      for (const kind of KINDS.filter((each) => session.option('kinds').split(',').includes(each)))
        for (const shape of kind === 'subscriptions'
          ? (['mixed', 'own', 'flat', 'shared'] as const)
          : (['mixed'] as const)) {
          session.tell(`${kind} ${shape} ${size}`);
          const figures = await inOwnProcess(session, { kind, shape, size, runs: session.asked.runs });
          for (const [name, figure] of Object.entries(figures)) {
            const point = kind === 'subscriptions' ? `${kind}, ${shape}: ${name}` : `${kind}: ${name}`;
            session.report.spread(point, digits(size), { ...figure, runs: session.asked.runs });
          }
        }
  },
};

async function inOwnProcess(session: Session, job: Job): Promise<Figures> {
  const child = fork(new URL('../matching/worker.ts', import.meta.url).pathname, [], {
    execArgv: [...process.execArgv, '--expose-gc', '--max-old-space-size=8192'],
  });
  const forget = session.closeLater(() => void child.kill('SIGKILL'));
  const answer = once(child, 'message');
  child.send(job);
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`${job.kind} ${job.shape} ${job.size}: ended with ${String(code)} before it answered`);
  });
  ended.catch(() => undefined);
  const [figures] = (await Promise.race([answer, ended])) as [Figures]; // what `measure` has made
  await forget();
  return figures;
}
