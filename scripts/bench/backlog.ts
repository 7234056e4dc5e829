/**
 * What does a long backlog cost? A durable session that nobody is connected to is sent so many messages; the server is stopped and started again;
 * then the client comes and takes them all. How much memory does the server's process take meanwhile, how soon does it serve again, how fast is
 * the backlog drained, and how long does the event loop stand still at most? One server that serves alone, every message acknowledged after its
 * fdatasync; the load is made by this process.
 *
 *     npm run bench:backlog -- [--messages 1000000] [--size 256] [--set key=value …] [--kill]
 *
 * Memory is what the kernel counts as resident: anonymous (the process' own) and file (pages of the store that it has looked at, which the kernel
 * can take back at any time).
 */
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { PairUnderTest } from '../../test/system/pair.ts';
import { publishAll, served, subscribed, takeAll } from './mqtt-load.ts';

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '1000000' },
    size: { type: 'string', default: '256' },
    set: { type: 'string', multiple: true, default: [] },
    /** The server is killed with its backlog and not stopped. */
    kill: { type: 'boolean', default: false },
  },
});
const messages = Number(values.messages);
const size = Number(values.size);
const PUBLISHERS = 4;
const WINDOW = 500;
const STEADY = Math.min(messages, 300_000);

const base = join(tmpdir(), 'lockstep-bench');
mkdirSync(base, { recursive: true });
process.env.TMPDIR = base;

const MIB = 1024 * 1024;
const pair = await PairUnderTest.create([
  'mqtt.queueMessagesMax=100000000',
  `mqtt.queueSizeMax=${1024 * 1024 * MIB}`,
  'mqtt.inFlightMax=1000',
  ...values.set,
]);
const loopDelay = new URL('./loop-delay.mjs', import.meta.url).pathname;
pair.places.primary = {
  ...pair.places.primary,
  environment: { NODE_OPTIONS: `--import ${loopDelay}` },
};
const { mqtt: port } = pair.ports.primary;

type Memory = Readonly<{ anon: number; file: number }>;

function memory(): Memory {
  const status = readFileSync(`/proc/${pair.server('primary').pid}/status`, 'utf8');
  const mib = (name: string): number =>
    Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1024;
  return { anon: mib('RssAnon'), file: mib('RssFile') };
}

const both = ({ anon, file }: Memory): number => anon + file;

/** Looks at the server's memory while something is done: what it took at most, and at the end. */
async function watched<T>(what: string, work: (count: (n: number) => void) => Promise<T>): Promise<number> {
  let most: Memory = { anon: 0, file: 0 };
  let mostTogether = 0;
  let done = 0;
  const look = (): void => {
    const now = memory();
    most = { anon: Math.max(most.anon, now.anon), file: Math.max(most.file, now.file) };
    mostTogether = Math.max(mostTogether, both(now));
  };
  const timer = setInterval(look, 200);
  const progress = setInterval(() => console.error(`  ${what}: ${done}`), 10_000);
  const lines = pair.server('primary').lines.length;
  const cpu = cpuSeconds();
  const began = performance.now();
  await work((n) => (done += n)).finally(() => clearInterval(timer));
  const seconds = (performance.now() - began) / 1000;
  const used = cpuSeconds() - cpu;
  clearInterval(timer);
  clearInterval(progress);
  look();
  const after = memory();
  const delays = pair
    .server('primary')
    .lines.slice(lines)
    .flatMap((line) => /^loop-delay (\d+)/.exec(line)?.[1] ?? [])
    .map(Number);
  const rate = done / seconds;
  console.log(
    `| ${what} | ${done} | ${rate.toFixed(0)} | ${((used / done) * 100_000).toFixed(2)} | ${most.anon.toFixed(0)} | ${most.file.toFixed(0)} | ` +
      `${mostTogether.toFixed(0)} | ${after.anon.toFixed(0)} + ${after.file.toFixed(0)} | ${Math.max(0, ...delays)} |`,
  );
  return rate;
}

/** Of the server, since it began. */
function cpuSeconds(): number {
  const fields =
    readFileSync(`/proc/${pair.server('primary').pid}/stat`, 'utf8')
      .split(') ')[1]
      ?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function started(): Promise<number> {
  const began = performance.now();
  pair.start('primary', ['--new-pair']);
  const life = { hasEnded: false };
  void pair.server('primary').ended.then(() => (life.hasEnded = true));
  for (;;) {
    if (life.hasEnded) throw new Error('the server has ended');
    try {
      await served(port);
      return performance.now() - began;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

async function storeMib(): Promise<number> {
  const stores = await readdir(pair.storePath('primary'));
  const sizes = stores.map((name) => {
    try {
      return statSync(join(pair.storePath('primary'), name, 'state', 'data.mdb')).size;
    } catch {
      return 0;
    }
  });
  return sizes.reduce((a, b) => a + b, 0) / MIB;
}

const publish = (topic: string, count: number, told: (n: number) => void): Promise<unknown> =>
  Promise.all(
    Array.from({ length: PUBLISHERS }, () =>
      publishAll(port, { topic, size, count: count / PUBLISHERS, window: WINDOW }, told),
    ),
  );

const idle = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

try {
  console.log(`${messages} messages of ${size} B\n`);
  const emptyMs = await started();
  console.log(
    '| phase | messages | per second | server CPU s per 100,000 | anon MiB, most | file MiB, most | together, most | at its end | loop stood still ms, most |',
  );
  console.log('|---|--:|--:|--:|--:|--:|--:|--:|--:|');
  await subscribed(port, 'steady', 'steady');
  const steady = await watched('steady: published, delivered at once', (count) =>
    Promise.all([
      publish('steady', STEADY, () => undefined),
      takeAll(port, { clientId: 'steady', count: STEADY }, count),
    ]),
  );
  await subscribed(port, 'away', 'backlog');
  await watched('filled: nobody connected', (count) => publish('backlog', messages, count));
  await idle(6000);
  const filled = memory();
  const stored = await storeMib();
  pair.server('primary').kill(values.kill ? 'SIGKILL' : 'SIGTERM');
  const stopping = performance.now();
  await pair.server('primary').ended;
  const stopMs = performance.now() - stopping;
  const startMs = await started();
  const fresh = memory();
  const drain = await watched('drained after the start', (count) =>
    takeAll(port, { clientId: 'away', count: messages }, count),
  );
  await idle(6000);
  const drained = memory();
  console.log(
    `\nfilled and at rest: ${filled.anon.toFixed(0)} MiB anonymous + ${filled.file.toFixed(0)} MiB of files; the store has ${stored.toFixed(0)} MiB` +
      `\n${values.kill ? 'killed' : 'stopped'} in ${stopMs.toFixed(0)} ms; serves ${startMs.toFixed(0)} ms after its start (${emptyMs.toFixed(0)} ms with an empty store), with ${both(fresh).toFixed(0)} MiB` +
      `\ndrained at ${((drain / steady) * 100).toFixed(0)} % of the steady rate; at rest then ${drained.anon.toFixed(0)} + ${drained.file.toFixed(0)} MiB`,
  );
} catch (failure) {
  console.error(pair.transcript());
  throw failure;
} finally {
  await pair.close();
}
