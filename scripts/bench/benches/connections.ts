/** Many connections: what they take, idle and each publishing now and then. */
import type { Bench } from '../bench.ts';
import { startedPair } from '../brokers.ts';
import { crowd, type Version } from '../clients.ts';
import { costOf, isSound, load } from '../load.ts';
import { memoryMiB, watch } from '../processes.ts';
import type { Cost, Sample } from '../report.ts';
import { after, type Session } from '../session.ts';

const SETTLING_MS = 5_000;

export const connections: Bench = {
  name: 'connections',
  question: 'What do ten thousand connections take, idle and each publishing once a second?',
  setup:
    'A pair of its own for each run, its default limits but that of new connections per address, since all clients here have one; resident memory of the active. Publishing: QoS 1, 256 B, one subscriber of all; the time of a message counts from when it was due.',
  unit: 'MiB resident, KiB for each connection; CPU seconds of the time with them, or per 100,000 messages; ms',
  columns: {
    before: 'MiB',
    with: 'MiB',
    each: 'KiB',
    'when they have gone': 'MiB',
    acknowledged: '1/s',
    'ack p50': 'ms',
    'ack p99': 'ms',
    'ack max': 'ms',
    lost: '',
  },
  needsBuild: true,
  takesOthers: false,
  runs: 5,
  options: {
    connections: { default: '10000', text: 'how many' },
    seconds: { default: '30', text: 'how long they publish' },
  },
  async run(session) {
    const count = session.either(session.number('connections'), 500);
    await session.alternate([
      { name: `${count} idle without CONNECT`, measure: () => idle(session, count, null) },
      { name: `${count} idle MQTT 3.1.1`, measure: () => idle(session, count, 4) },
      { name: `${count} idle MQTT 5`, measure: () => idle(session, count, 5) },
      { name: `${count} publishing once a second`, measure: () => publishing(session, count) },
    ]);
  },
};

/** Memory that a process had once, it keeps; so each run has a pair of its own. */
async function idle(session: Session, count: number, version: Version | null): Promise<Sample> {
  const { pair, active, roles, end } = await startedPair(session);
  const { pid } = pair.server(active);
  const resident = (): number => memoryMiB(pid, 'VmRSS');
  const before = resident();
  const sockets = await crowd(pair.ports[active].mqtt, count, version);
  const cost = watch(await roles());
  await after(SETTLING_MS);
  const with_ = resident();
  const processes = cost();
  for (const socket of sockets) socket.destroy();
  await after(SETTLING_MS);
  const gone = resident();
  await end();
  const each = ((with_ - before) / count) * 1024;
  return { figures: { before, with: with_, each, 'when they have gone': gone }, processes };
}

async function publishing(session: Session, count: number): Promise<Sample> {
  const { pair, active, endpoints, roles, end } = await startedPair(session);
  const before = memoryMiB(pair.server(active).pid, 'VmRSS');
  const cost = watch(await roles());
  const found = await load(session, {
    endpoints,
    seconds: session.either(session.number('seconds'), 2),
    publishers: count,
    subscribers: 1,
    window: 8,
    rate: count,
    topics: 'shared',
    more: ['--open', '--setup', 120],
  });
  const processes: Record<string, Cost> = { ...cost(), load: costOf(found) };
  await end();
  if (!isSound(found)) process.exitCode = 1;
  return {
    figures: {
      before,
      with: processes['active']?.peakMiB ?? NaN,
      acknowledged: found.acksPerSec,
      'ack p50': found.ackMs.p50,
      'ack p99': found.ackMs.p99,
      'ack max': found.ackMs.max,
      lost: found.lost,
    },
    processes,
    messages: found.acked,
  };
}
