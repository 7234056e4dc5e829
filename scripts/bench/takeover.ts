/**
 * How long do clients wait when the active is killed, and is anything lost? Each round: a publisher of QoS 1 messages at a steady rate and a durable
 * subscriber, `kill -9` of the active, the killed server is started again and the pair protects again; then acknowledged is held against
 * delivered. The gap is the client's: from the last acknowledgement before to the first after.
 *
 *     npm run bench:takeover -- [--rounds 20] [--rate 2000] [--signal SIGKILL] [--set key=value …]
 */
import { parseArgs } from 'node:util';
import { connected, judge, Publisher, Subscriber } from '../../test/system/clients.ts';
import { PairUnderTest } from '../../test/system/pair.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    rate: { type: 'string', default: '2000' },
    signal: { type: 'string', default: 'SIGKILL' },
    set: { type: 'string', multiple: true, default: [] },
  },
});
const rounds = Number(values.rounds);
const rate = Number(values.rate);
const signal = values.signal as NodeJS.Signals; // as given on the command line

const pair = await PairUnderTest.create(values.set);
const gaps: number[] = [];
try {
  await pair.startBoth();
  const subscriber = await Subscriber.subscribe(pair);
  const publisher = new Publisher(pair, 'publisher');
  await connected(publisher.client);
  publisher.start(rate);
  console.log('| round | killed | gap ms | acknowledged so far |\n|--:|---|--:|--:|');
  for (let round = 1; round <= rounds; round++) {
    const { active, passive } = await pair.protected();
    const before = publisher.acked.size;
    await pair.until('a second of traffic', async () => (publisher.acked.size > before + rate ? true : null));
    const since = performance.now() - 20;
    pair.server(active).kill(signal);
    await pair.reaches(passive, 'STANDALONE');
    const after = publisher.acked.size;
    await pair.until('traffic again', async () => (publisher.acked.size > after + rate / 2 ? true : null));
    const gap = publisher.longestGap(since);
    gaps.push(gap);
    console.log(`| ${round} | ${active} | ${gap.toFixed(0)} | ${publisher.acked.size} |`);
    await pair.server(active).ended;
    pair.start(active);
    await pair.protected();
  }
  await publisher.finish();
  await subscriber.drained([publisher]);
  const verdict = judge([publisher], subscriber);
  const sorted = gaps.toSorted((a, b) => a - b);
  const at = (share: number): string =>
    (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0).toFixed(0);
  console.log(
    `\n${rounds} rounds of ${signal} at ${rate} messages/s: gap median ${at(0.5)} ms, min ${at(0)}, max ${at(1)}; ` +
      `sent ${publisher.sent}, acknowledged ${publisher.acked.size}, lost ${verdict.lost}, unexpected ${verdict.unexpected}, ` +
      `duplicates ${verdict.duplicates}, out of order ${verdict.outOfOrder}`,
  );
  await publisher.end();
  await subscriber.end();
  process.exitCode = verdict.lost + verdict.unexpected + verdict.outOfOrder === 0 ? 0 : 1;
} finally {
  await pair.close();
}
