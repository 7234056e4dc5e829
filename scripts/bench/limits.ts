/**
 * What idle connections cost in memory, and how far it grows when a consumer stalls. A real pair, its default limits but that of new connections
 * per address, since all clients here have one, and stalls noticed after 20 s; resident memory (VmRSS) of the active as the kernel counts it, looked at four times a second.
 * The stalled consumer subscribes and then reads nothing; a publisher sends QoS 1 as fast as it is acknowledged, 200 at a time.
 *
 *     npm run bench:limits -- [--connections 10000] [--seconds 60] [--only idle|stalled] [--set key=value …]
 */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { parseArgs } from 'node:util';
import { generate, parser, type Packet } from 'mqtt-packet';
import { PairUnderTest } from '../../test/system/pair.ts';

const { values } = parseArgs({
  options: {
    connections: { type: 'string', default: '10000' },
    seconds: { type: 'string', default: '60' },
    only: { type: 'string', default: 'idle,stalled' },
    set: { type: 'string', multiple: true, default: [] },
  },
});
const wanted = Number(values.connections);
const seconds = Number(values.seconds);
const MIB = 1024 * 1024;
/** Clients that connect at the same time. */
const AT_ONCE = 100;
const WINDOW = 200;
const SETTLING_MS = 5_000;

/** Room for a whole run: that clients come slowly on a busy machine, and that one stalls, is what is measured. */
const SETTINGS = [
  'mqtt.connectionRateMax=0',
  'mqtt.connectTimeout=600000',
  'mqtt.stallTimeout=20000',
  // As shipped; the tests' own times are shorter, and a busy machine would lose the peer.
  'timing.pingInterval=500',
  'timing.activeLockReacquisitionInterval=500',
  'timing.passiveLockAcquisitionInterval=1250',
  'timing.peerTimeout=3000',
  'timing.ackTimeout=5000',
];
const CONSUMERS = [
  [256, 0],
  [256, 1],
  [65_536, 0],
  [65_536, 1],
] as const;

type Version = 4 | 5;
const after = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function rss(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
}

/** The highest and the last of what was looked at until `isOver`. */
async function watched(pid: number, isOver: () => boolean): Promise<{ peak: number; last: number }> {
  let [peak, last] = [0, 0];
  while (!isOver()) {
    last = await rss(pid);
    peak = Math.max(peak, last);
    await after(250);
  }
  return { peak, last };
}

/** A client that has read its CONNACK. What comes later goes to `heard`. */
async function client(
  port: number,
  clientId: string,
  version: Version,
  heard: (packet: Packet) => void = () => undefined,
): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  const reading = parser({ protocolVersion: version });
  const answered = new Promise<void>((resolve) => {
    reading.on('packet', (packet) => {
      if (packet.cmd === 'connack') resolve();
      else heard(packet);
    });
  });
  socket.on('data', (bytes) => void reading.parse(bytes));
  const packet = { cmd: 'connect', protocolId: 'MQTT', clientId, clean: true, keepalive: 0 } as const;
  socket.write(generate({ ...packet, protocolVersion: version }, { protocolVersion: version }));
  await answered;
  return socket;
}

async function idle(pair: PairUnderTest, version: Version | null): Promise<void> {
  const { active } = await pair.protected();
  const { pid } = pair.server(active);
  const port = pair.ports[active].mqtt;
  const before = await rss(pid);
  const sockets: Socket[] = [];
  while (sockets.length < wanted) {
    const first = sockets.length;
    const some = Array.from({ length: Math.min(AT_ONCE, wanted - first) }, async (_, n) => {
      if (version !== null) return client(port, `idle-${version}-${first + n}`, version);
      const socket = connect(port, '127.0.0.1');
      await once(socket, 'connect');
      return socket;
    });
    sockets.push(...(await Promise.all(some)));
  }
  await after(SETTLING_MS);
  const there = await rss(pid);
  for (const socket of sockets) socket.destroy();
  await after(SETTLING_MS);
  const name = version === null ? 'that have not said CONNECT' : version === 5 ? 'MQTT 5' : 'MQTT 3.1.1';
  const each = (there - before) / wanted / 1024;
  const cells = [
    `${wanted} idle, ${name}`,
    mib(before),
    mib(there),
    `${each.toFixed(1)} KiB`,
    mib(await rss(pid)),
  ];
  console.log(`| ${cells.join(' | ')} |`);
}

async function stalled(pair: PairUnderTest, payloadBytes: number, qos: 0 | 1): Promise<void> {
  const { active } = await pair.protected();
  const { pid } = pair.server(active);
  const port = pair.ports[active].mqtt;
  const before = await rss(pid);
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
  setTimeout(() => (isOver = true), seconds * 1000);
  const { peak } = await watched(pid, () => isOver);
  const rate = acked / ((performance.now() - began) / 1000);
  const isEnded = pair.server(active).lines.some((text) => text.includes('LS_STALLED'));
  await after(SETTLING_MS);
  const fate = isEnded ? 'disconnected (LS_STALLED)' : 'still connected';
  const cells = [
    `QoS ${qos}, ${payloadBytes} B at ${rate.toFixed(0)} messages/s`,
    mib(before),
    mib(peak),
    mib(await rss(pid)),
    fate,
  ];
  console.log(`| ${cells.join(' | ')} |`);
  writer.destroy();
  slow.destroy();
}

const mib = (bytes: number): string => `${(bytes / MIB).toFixed(0)} MiB`;

/** A pair of its own for each line: memory that a process had once, it keeps. */
async function withPair(measure: (pair: PairUnderTest) => Promise<void>): Promise<void> {
  const pair = await PairUnderTest.create([...SETTINGS, ...values.set]);
  try {
    await pair.startBoth();
    await measure(pair);
  } finally {
    await pair.close();
  }
}

const isAsked = (part: string): boolean => values.only.split(',').includes(part);
console.log('| connections | RSS before | with them | each | when they have gone |\n|---|--:|--:|--:|--:|');
for (const version of isAsked('idle') ? ([null, 4, 5] as const) : [])
  await withPair((pair) => idle(pair, version));
console.log(
  '\n| a stalled consumer | RSS before | highest | at the end | the consumer |\n|---|--:|--:|--:|---|',
);
for (const [bytes, qos] of isAsked('stalled') ? CONSUMERS : [])
  await withPair((pair) => stalled(pair, bytes, qos));
process.exit();
