/** How many messages a second, side by side. */
import type { Bench } from '../bench.ts';
import { startedAlone, startedPair, type Subject } from '../brokers.ts';
import { costOf, isSound, load, type Traffic } from '../load.ts';
import { startedPeer } from '../peers.ts';
import { watch } from '../processes.ts';
import type { Point, Session } from '../session.ts';

type Shape = Readonly<{ payload: number; publishers: number; window: number; to: Readers }>;
/** Who reads: everyone gets his own publisher's messages, or all of them, or eight share them. */
type Readers = 'each' | 'one' | 'fan-out 10' | 'fan-out 100' | 'shared by 8';

const PAYLOADS = [256, 1024, 16_384];
const PUBLISHERS = [1, 16, 200];
const WINDOWS = [1, 10, 100];
const READERS: readonly Readers[] = ['one', 'fan-out 10', 'fan-out 100', 'shared by 8'];

/** What is compared with other brokers. */
const COMPARED: readonly Shape[] = [
  { payload: 256, publishers: 1, window: 1, to: 'each' },
  { payload: 256, publishers: 1, window: 64, to: 'each' },
  { payload: 256, publishers: 16, window: 64, to: 'each' },
  { payload: 1024, publishers: 16, window: 64, to: 'each' },
];

/** One thing changes at a time. */
const CHOSEN: readonly Shape[] = [
  ...PUBLISHERS.map((publishers) => ({ payload: 256, publishers, window: 10, to: 'one' as const })),
  ...WINDOWS.map((window) => ({ payload: 256, publishers: 16, window, to: 'one' as const })),
  ...PAYLOADS.map((payload) => ({ payload, publishers: 16, window: 100, to: 'one' as const })),
  ...READERS.map((to) => ({ payload: 256, publishers: 16, window: 10, to })),
];

const ALL: readonly Shape[] = PAYLOADS.flatMap((payload) =>
  PUBLISHERS.flatMap((publishers) =>
    WINDOWS.flatMap((window) => READERS.map((to) => ({ payload, publishers, window, to }))),
  ),
);

const nameOf = ({ payload, publishers, window, to }: Shape): string =>
  `${payload} B ${publishers}×${window} ${to === 'each' ? 'one reader each' : to === 'one' ? 'one reader' : to}`;

const shapes = ({ asked }: Session): readonly Shape[] => {
  if (asked.against.length > 0) return COMPARED;
  const wanted = [...COMPARED, ...(asked.isAll ? ALL : CHOSEN)];
  const named = new Map(wanted.map((shape) => [nameOf(shape), shape]));
  return [...named.values()];
};

function trafficOf({ payload, publishers, window, to }: Shape): Omit<Traffic, 'endpoints' | 'seconds'> {
  const common = { payload, publishers, window };
  switch (to) {
    case 'each':
      return { ...common, subscribers: publishers };
    case 'one':
      return { ...common, subscribers: 1, topics: 'shared' };
    case 'fan-out 10':
      return { ...common, subscribers: 10, topics: 'shared' };
    case 'fan-out 100':
      return { ...common, subscribers: 100, topics: 'shared' };
    case 'shared by 8':
      return { ...common, subscribers: 8, topics: 'group' };
  }
}

/** Every subject, all of them started; those that can't be are noted. */
export async function subjects(session: Session): Promise<readonly Subject[]> {
  const starts = new Map<string, () => Promise<Subject>>([
    ['pair', () => startedPair(session)],
    ['standalone', () => startedAlone(session)],
    ...session.asked.against.map((name) => [name, () => startedPeer(session, name)] as const),
  ]);
  const found: Subject[] = [];
  for (const [name, start] of starts)
    try {
      found.push(await start());
    } catch (failure) {
      if (session.isClosing) break;
      session.report.note(name, failure instanceof Error ? failure.message : String(failure));
    }
  return found;
}

export const throughput: Bench = {
  name: 'throughput',
  question: 'How many messages a second are acknowledged and delivered, at what cost?',
  setup:
    'MQTT 3.1.1, QoS 1, durable subscribers; each publisher has at most so many messages unacknowledged (publishers×window). Pair: both servers fsync before the acknowledgement; standalone: one does. All brokers of a run are started first, warmed up, and then measured in turn; those whose turn it is not are idle. Load generator and brokers share the machine.',
  unit: 'messages a second; CPU seconds per 100,000 acknowledged messages; MiB',
  columns: {
    acknowledged: '1/s',
    delivered: '1/s',
    'ack p50': 'ms',
    'ack p99': 'ms',
    lost: '',
  },
  needsBuild: true,
  takesOthers: true,
  runs: 5,
  options: { seconds: { default: '8', text: 'measured time of each run, after one second' } },
  async run(session) {
    const found = await subjects(session);
    const seconds = session.either(session.number('seconds'), 1);
    for (const { endpoints, name } of found) {
      session.tell(`warming up ${name}`);
      await load(session, { endpoints, seconds: session.either(6, 1), publishers: 16, subscribers: 16 });
    }
    for (const shape of shapes(session))
      await session.alternate(found.map((subject) => point(session, subject, shape, seconds)));
  },
};

const point = (session: Session, subject: Subject, shape: Shape, seconds: number): Point => ({
  name: `${subject.name}: ${nameOf(shape)}`,
  measure: async () => {
    const cost = watch(await subject.roles());
    const found = await load(session, { ...trafficOf(shape), endpoints: subject.endpoints, seconds });
    const processes = { ...cost(), load: costOf(found) };
    if (!isSound(found) && !session.asked.against.includes(subject.name)) process.exitCode = 1;
    return {
      figures: {
        acknowledged: found.acksPerSec,
        delivered: found.delivPerSec,
        'ack p50': found.ackMs.p50,
        'ack p99': found.ackMs.p99,
        lost: found.drainTimedOut === 1 ? NaN : found.lost,
      },
      processes,
      messages: found.acked,
    };
  },
});
