/**
 * The MQTT decoder under spoilt packets, for as long as wanted; the short form of it is `test/core/mqtt/fuzz.test.ts`, what is looked at is in
 * `test/core/mqtt/fuzz.ts`. Ends with status 1 where something was found.
 *
 *     npm run fuzz -- [--packets 1000000] [--seed 1]
 */
import { parseArgs } from 'node:util';
import { fuzz, type FuzzTally } from '../../test/core/mqtt/fuzz.ts';

const { values } = parseArgs({
  options: {
    packets: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 32)) },
  },
});
const seed = Number(values.seed);
const began = performance.now();
const memory = (): string => `${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MiB`;
const figures = ({ packets, accepted, violations }: FuzzTally): string => {
  const seconds = (performance.now() - began) / 1000;
  return `${packets} packets in ${seconds.toFixed(0)} s (${(packets / seconds).toFixed(0)}/s), ${accepted} in order, ${violations.size} kinds of violations, ${memory()}`;
};

console.log(`seed ${seed}`);
const tally = fuzz(seed, Number(values.packets), (so) => {
  if (so.packets % 100_000 === 0) console.log(figures(so));
});
console.log(figures(tally));
for (const [kind, count] of [...tally.violations].sort(([, a], [, b]) => b - a))
  console.log(`${String(count).padStart(9)}  ${kind}`);
for (const finding of tally.findings) console.error(finding);
process.exitCode = tally.findings.length === 0 ? 0 : 1;
