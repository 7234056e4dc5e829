/** How long a message takes at a fixed rate. */
import type { Bench } from '../bench.ts';
import type { Subject } from '../brokers.ts';
import { costOf, isSound, load } from '../load.ts';
import { watch } from '../processes.ts';
import { median } from '../statistics.ts';
import type { Point, Session } from '../session.ts';
import { subjects } from './throughput.ts';

const PUBLISHERS = 16;
const RATES = [1_000, 10_000];
/** More than is ever under way: what was due goes out, whatever is late. */
const WINDOW = 4_096;

export const latency: Bench = {
  name: 'latency',
  question: 'How long does a message take to its acknowledgement and to its subscriber at a fixed rate?',
  setup:
    'MQTT 3.1.1, QoS 1, 256 B, 16 publishers and 16 durable subscribers, one for each. The time of a message counts from when it was due, so a server that stops for a while pays for all that waited. Half of the maximum: half of what 16 publishers with 64 messages each reach in the same run.',
  unit: 'ms',
  columns: {
    rate: '1/s',
    'ack p50': 'ms',
    'ack p99': 'ms',
    'ack p99.9': 'ms',
    'ack max': 'ms',
    'end to end p50': 'ms',
    'end to end p99': 'ms',
    'end to end p99.9': 'ms',
    'end to end max': 'ms',
    lost: '',
  },
  needsBuild: true,
  takesOthers: true,
  runs: 5,
  options: { seconds: { default: '20', text: 'measured time of each run, after one second' } },
  async run(session) {
    const found = await subjects(session);
    const halves = new Map<string, number>();
    for (const { name, endpoints } of found) {
      const rates: number[] = [];
      for (let run = 0; run < session.either(3, 1); run += 1) {
        const traffic = {
          endpoints,
          seconds: session.either(5, 1),
          publishers: PUBLISHERS,
          subscribers: PUBLISHERS,
        };
        rates.push((await load(session, traffic)).acksPerSec);
      }
      halves.set(name, median(rates) / 2);
      session.tell(`${name}: at most ${Math.round(median(rates))}/s`);
    }
    for (const rate of RATES)
      await session.alternate(found.map((subject) => point(session, subject, `${rate}/s`, rate)));
    await session.alternate(
      found.map((subject) => point(session, subject, 'half of the maximum', halves.get(subject.name) ?? 0)),
    );
  },
};

const point = (
  session: Session,
  { name, endpoints, roles }: Subject,
  title: string,
  rate: number,
): Point => ({
  name: `${name}: ${title}`,
  measure: async () => {
    const cost = watch(await roles());
    const found = await load(session, {
      endpoints,
      seconds: session.either(session.number('seconds'), 1),
      publishers: PUBLISHERS,
      subscribers: PUBLISHERS,
      window: WINDOW,
      rate,
      more: ['--open'],
    });
    const processes = { ...cost(), load: costOf(found) };
    if (!isSound(found) && !session.asked.against.includes(name)) process.exitCode = 1;
    const { ackMs, e2eMs } = found;
    return {
      figures: {
        rate: found.acksPerSec,
        'ack p50': ackMs.p50,
        'ack p99': ackMs.p99,
        'ack p99.9': ackMs.p999,
        'ack max': ackMs.max,
        'end to end p50': e2eMs.p50,
        'end to end p99': e2eMs.p99,
        'end to end p99.9': e2eMs.p999,
        'end to end max': e2eMs.max,
        lost: found.drainTimedOut === 1 ? NaN : found.lost,
      },
      processes,
      messages: found.acked,
    };
  },
});
