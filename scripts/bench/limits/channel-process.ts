/** One end of a backchannel: the primary sends frames of entries and measures, the secondary says what it has. */
import { once, EventEmitter } from 'node:events';
import {
  claimId,
  epoch,
  incarnation,
  otherServer,
  type Frame,
  type ServerName,
} from '../../../src/core/pair/index.ts';
import { WsChannel } from '../../../src/io/channel/index.ts';
import { SystemClock, SystemRandom } from '../../../src/io/system/index.ts';
import type { Cost } from '../report.ts';
import { quantile } from '../statistics.ts';
import { answering, ownCost } from './worker.ts';

export type ChannelTask = Readonly<{
  server: ServerName;
  ports: Readonly<Record<ServerName, number>>;
  bytes: number;
  count: number;
  rounds: number;
}>;
export type SendingSpeed = Readonly<{ seconds: number; p50Ms: number; p99Ms: number }> & Cost;

const session = { epoch: epoch(1), claimId: claimId('benchmark'), number: 1 };
/** What may wait for the network before the sender waits too. */
const BACKLOG_BYTES_MAX = 4 * 1024 * 1024;

answering(async (asked): Promise<SendingSpeed> => {
  const task = asked as ChannelTask; // of benches/channel.ts
  const { server, ports } = task;
  const random = new SystemRandom();
  const channel = new WsChannel({
    server,
    incarnation: incarnation(random.id()),
    pairName: 'benchmark',
    secret: 'both ends are in this benchmark',
    listen: { host: '127.0.0.1', port: ports[server] },
    peer: { host: '127.0.0.1', port: ports[otherServer(server)] },
    options: { dialInterval: 50 },
    clock: new SystemClock(),
    random,
    log: { say: () => undefined },
  });
  const events = new EventEmitter();
  let received = 0;
  const isUp = once(events, 'up');
  await channel.open({
    up: () => void events.emit('up'),
    frame: (frame) => {
      received += 1;
      events.emit('frame', frame);
    },
    lost: () => void events.emit('lost'),
    refused: () => undefined,
  });
  await isUp;
  const before = ownCost().cpuSeconds;
  const speed = server === 'primary' ? await sent(channel, events, task) : await taken(channel, events, task);
  const cost = ownCost(before);
  if (server === 'secondary' && received < task.count + task.rounds) throw new Error('frames are missing');
  return { ...speed, ...cost };
});

async function sent(
  channel: WsChannel,
  events: EventEmitter,
  { bytes, count, rounds }: ChannelTask,
): Promise<Omit<SendingSpeed, keyof Cost>> {
  const frame: Frame = { type: 'entries', session, committed: 0, body: Buffer.alloc(bytes, 'x') };
  const began = performance.now();
  const all = once(events, 'frame');
  for (let n = 0; n < count; n += 1) {
    channel.send(frame);
    while (channel.backlog() > BACKLOG_BYTES_MAX) await new Promise((resolve) => setImmediate(resolve));
  }
  await all;
  const seconds = (performance.now() - began) / 1000;
  const took: number[] = [];
  for (let n = 0; n < rounds; n += 1) {
    const start = performance.now();
    const answer = once(events, 'frame');
    channel.send(frame);
    await answer;
    took.push(performance.now() - start);
  }
  return { seconds, p50Ms: quantile(took, 0.5), p99Ms: quantile(took, 0.99) };
}

/** Answers when it has all of the stream, and then each frame; it lives until the other end goes. */
async function taken(
  channel: WsChannel,
  events: EventEmitter,
  { count }: ChannelTask,
): Promise<Omit<SendingSpeed, keyof Cost>> {
  let seen = 0;
  events.on('frame', () => {
    seen += 1;
    if (seen >= count) channel.send({ type: 'durable', session, seq: seen });
  });
  await once(events, 'lost');
  return { seconds: 0, p50Ms: 0, p99Ms: 0 };
}
