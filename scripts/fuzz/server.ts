/**
 * Conversations of clients whose packets are spoilt with a real pair on loopback, over TCP, for as long as wanted; the short form of it is
 * `test/system/fuzz.test.ts`, what is looked at is in `test/fuzz/attack.ts`. Ends with status 1 where something was found.
 *
 *     npm run fuzz:server -- [--packets 20000] [--seed 1]
 */
import { parseArgs } from 'node:util';
import { attack, ATTACKED, type AttackTally } from '../../test/fuzz/attack.ts';
import { PairUnderTest } from '../../test/system/pair.ts';

const { values } = parseArgs({
  options: {
    packets: { type: 'string', default: '20000' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
  },
});
const seed = Number(values.seed);
const packets = Number(values.packets);
/** On a machine that is busy. */
const START_MS = 120_000;
const began = performance.now();
const figures = ({ mutated, sent, connections, bystanding, resident }: AttackTally): string => {
  const seconds = (performance.now() - began) / 1000;
  return [
    `${mutated} spoilt packets of ${sent} in ${seconds.toFixed(0)} s (${(mutated / seconds).toFixed(0)}/s)`,
    `${connections} connections`,
    `${bystanding} messages to bystanders`,
    `the server's resident memory ${resident.before.toFixed(0)} to ${resident.after.toFixed(0)} MiB`,
  ].join(', ');
};

console.log(`seed ${seed}`);
const pair = await PairUnderTest.create(ATTACKED);
try {
  for (const name of ['primary', 'secondary'] as const) pair.start(name);
  const { active } = await pair.protected(START_MS);
  const tally = await attack({
    pair,
    server: pair.server(active),
    seed,
    packets,
    progress: (so) => console.log(figures(so)),
  });
  console.log(figures(tally));
  for (const [kind, count] of [...tally.answers].sort(([, a], [, b]) => b - a))
    console.log(`${String(count).padStart(9)}  ${kind}`);
  for (const finding of tally.findings) console.error(finding);
  if (tally.findings.length > 0) {
    console.error(`${pair.transcript()}\nagain: npm run fuzz:server -- --packets ${packets} --seed ${seed}`);
    process.exitCode = 1;
  }
} finally {
  await pair.close();
}
