/** How far memory grows when a consumer stalls. */
import { generate } from 'mqtt-packet';
import type { Bench } from '../bench.ts';
import { startedPair } from '../brokers.ts';
import { client } from '../clients.ts';
import { memoryMiB, watch } from '../processes.ts';
import type { Sample } from '../report.ts';
import { after, type Session } from '../session.ts';

const WINDOW = 200;
const SETTLING_MS = 5_000;
const LOOK_MS = 250;

/** As shipped, where a benchmark has room for more; a stall is noticed within the time that is measured. */
const SETTINGS = ['mqtt.queueMessagesMax=1000000', 'mqtt.queueSizeMax=1 GiB', 'mqtt.stallTimeout=20000'];
const CONSUMERS = [
  [256, 0],
  [256, 1],
  [65_536, 0],
  [65_536, 1],
] as const;

export const limits: Bench = {
  name: 'limits',
  question: 'How far does memory grow when a consumer stalls?',
  setup:
    'A pair of its own for each run, its default limits but stalls noticed after 20 s; resident memory of the active, looked at four times a second. The stalled consumer subscribes and then reads nothing; a publisher sends QoS 1 as fast as it is acknowledged, 200 at a time. What connections take when idle: connections.',
  unit: 'MiB resident; messages a second',
  columns: {
    acknowledged: '1/s',
    before: 'MiB',
    highest: 'MiB',
    'at the end': 'MiB',
    'disconnected (LS_STALLED)': '1: yes',
  },
  needsBuild: true,
  takesOthers: false,
  runs: 5,
  options: { seconds: { default: '60', text: 'how long it is published' } },
  async run(session) {
    await session.alternate(
      CONSUMERS.map(([bytes, qos]) => ({
        name: `consumer with QoS ${qos} of ${bytes} B`,
        measure: () => stalled(session, bytes, qos),
      })),
    );
  },
};

async function stalled(session: Session, payloadBytes: number, qos: 0 | 1): Promise<Sample> {
  const { pair, active, roles, end } = await startedPair(session, SETTINGS);
  const { pid } = pair.server(active);
  const port = pair.ports[active].mqtt;
  const resident = (): number => memoryMiB(pid, 'VmRSS');
  const before = resident();
  const cost = watch(await roles());
  const slow = await client(port, 'stalled', 5);
  const v5 = { protocolVersion: 5 } as const;
  const subscription = { topic: 'bench', qos, nl: false, rap: false, rh: 0 } as const;
  slow.write(generate({ cmd: 'subscribe', messageId: 1, subscriptions: [subscription] }, v5));
  await after(500);
  slow.pause();
  let [acked, id] = [0, 0];
  const payload = Buffer.alloc(payloadBytes, 'x');
  const publish = (): void => {
    id = (id % 65_535) + 1;
    const packet = { cmd: 'publish', topic: 'bench', payload, qos: 1, messageId: id } as const;
    writer.write(generate({ ...packet, retain: false, dup: false }, v5));
  };
  let isOver = false;
  const writer = await client(port, 'writer', 5, (packet) => {
    if (packet.cmd !== 'puback') return;
    acked += 1;
    if (!isOver) publish();
  });
  for (let n = 0; n < WINDOW; n += 1) publish();
  const began = performance.now();
  const until = began + session.either(session.number('seconds'), 3) * 1000;
  let highest = before;
  while (performance.now() < until) {
    highest = Math.max(highest, resident());
    await after(LOOK_MS);
  }
  isOver = true;
  const acknowledged = acked / ((performance.now() - began) / 1000);
  const isEnded = pair.server(active).lines.some((text) => text.includes('LS_STALLED'));
  const processes = cost();
  const messages = acked;
  await after(SETTLING_MS);
  const atEnd = resident();
  writer.destroy();
  slow.destroy();
  await end();
  return {
    figures: {
      acknowledged,
      before,
      highest,
      'at the end': atEnd,
      'disconnected (LS_STALLED)': isEnded ? 1 : 0,
    },
    processes,
    messages,
  };
}
