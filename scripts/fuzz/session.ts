/**
 * Whole conversations of clients whose packets are spoilt, for as long as wanted, against a server in memory; the short form of it is
 * `test/fuzz/conversations.test.ts`, what is looked at is in `test/fuzz/`. Ends with status 1 where something was found, which a rise of
 * what is left in memory after each season is, too.
 *
 *     npm run fuzz:session -- [--packets 1000000] [--seed 1]
 */
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { converse, SEASON_PACKETS, type ConversationTally } from '../../test/fuzz/conversations.ts';

const { values } = parseArgs({
  options: {
    packets: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
  },
});
const seed = Number(values.seed);
const packets = Number(values.packets);
const began = performance.now();

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const MIB = 2 ** 20;
/** Heap and resident set (MiB) after a collection. */
function memory(): readonly [number, number] {
  collect();
  const { heapUsed, rss } = process.memoryUsage();
  return [heapUsed / MIB, rss / MIB];
}

/** After the first seasons the machine code is there, and what is kept for good. */
const WARM_SEASONS = 4;
const RISE_MAX_MIB = 32;
/** While the server lives; when it is gone, so is what it left. */
let atFirst: readonly [number, number] | null = null;
let atLast: readonly [number, number] | null = null;

const figures = (tally: ConversationTally): string => {
  const seconds = (performance.now() - began) / 1000;
  const [heap, rss] = memory();
  return [
    `${tally.mutated} spoilt packets of ${tally.sent} in ${seconds.toFixed(0)} s (${(tally.mutated / seconds).toFixed(0)}/s)`,
    `${tally.connections} connections`,
    `${tally.bystanding} messages to bystanders`,
    `heap ${heap.toFixed(1)} MiB, resident ${rss.toFixed(0)} MiB`,
  ].join(', ');
};

/** What the heap has risen to, where that is too much. */
function risen(
  first: readonly [number, number] | null,
  last: readonly [number, number] | null,
): readonly (readonly [string, string])[] {
  if (first === null || last === null) return [];
  const said = ([heap, rss]: readonly [number, number]): string =>
    `heap ${heap.toFixed(1)} MiB, resident ${rss.toFixed(0)} MiB`;
  console.log(`after season ${WARM_SEASONS}: ${said(first)}; at the end: ${said(last)}`);
  return last[0] > first[0] + RISE_MAX_MIB ? [[first[0].toFixed(1), last[0].toFixed(1)]] : [];
}

function fail(finding: string): void {
  console.error(finding);
  console.error(`again: npm run fuzz:session -- --packets ${packets} --seed ${seed}`);
  process.exitCode = 1;
}

process.on('uncaughtException', (failure) => {
  fail(`nobody caught: ${failure.stack ?? failure.message}`);
  process.exit(1);
});

console.log(`seed ${seed}`);
const tally = await converse(seed, packets, (so) => {
  atLast = memory();
  if (so.seasons === WARM_SEASONS) atFirst = atLast;
  if (so.seasons % 10 === 0 || so.mutated < SEASON_PACKETS * WARM_SEASONS) console.log(figures(so));
});
console.log(figures(tally));
for (const [kind, count] of [...tally.answers].sort(([, a], [, b]) => b - a))
  console.log(`${String(count).padStart(9)}  ${kind}`);
for (const [code, count] of tally.warnings) console.log(`${String(count).padStart(9)}  warned of ${code}`);
for (const finding of tally.findings) fail(finding);
for (const [first, last] of risen(atFirst, atLast))
  fail(`what is left in memory has grown from ${first} to ${last} MiB`);
