/** The backchannel alone, against what loopback does for a small program in C. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { ServerName } from '../../../src/core/pair/index.ts';
import type { Bench } from '../bench.ts';
import { answerOf } from '../limits/worker.ts';
import type { ChannelTask, SendingSpeed } from '../limits/channel-process.ts';
import { native } from '../native.ts';
import { freePorts } from '../ports.ts';
import type { Cost, Sample } from '../report.ts';
import type { Session } from '../session.ts';

const MIB = 1024 * 1024;
const SIZES = [
  { bytes: 512, count: 100_000 },
  { bytes: 16 * 1024, count: 50_000 },
  { bytes: MIB, count: 1_000 },
] as const;
const ROUNDS = 5_000;

type Shape = Readonly<{ bytes: number; count: number; rounds: number }>;

export const channel: Bench = {
  name: 'channel',
  question: 'How near is the backchannel to what loopback can do?',
  setup:
    'Frames with entries of one size from one process to another: as many as go, until the receiver says that it has all; then one there and an answer back, again and again. By the backchannel (authenticated WebSocket, frames checked, no disk), and by a program in C over plain TCP.',
  unit: 'frames a second, MB/s, ms; CPU seconds per 100,000 frames',
  columns: { frames: '1/s', speed: 'MB/s', 'round trip p50': 'ms', 'round trip p99': 'ms' },
  needsBuild: false,
  takesOthers: false,
  runs: 5,
  async run(session) {
    for (const { bytes, count } of SIZES) {
      const title = bytes < 1024 ? `${bytes} B` : bytes < MIB ? `${bytes / 1024} KiB` : `${bytes / MIB} MiB`;
      const shape = { bytes, count: session.either(count, count / 100), rounds: session.either(ROUNDS, 100) };
      await session.alternate([
        { name: `backchannel: ${title}`, measure: () => ours(session, shape) },
        { name: `C over TCP: ${title}`, measure: () => plain(shape) },
      ]);
    }
  },
};

async function ours(session: Session, shape: Shape): Promise<Sample> {
  const first = await freePorts(2);
  const ports: Record<ServerName, number> = { primary: first, secondary: first + 1 };
  const end = (server: ServerName): Promise<SendingSpeed> => {
    const task: ChannelTask = { server, ports, ...shape };
    return answerOf<SendingSpeed>(session, './channel-process.ts', task);
  };
  const [sender, receiver] = await Promise.all([end('primary'), end('secondary')]);
  return sample(shape, sender, { sender, receiver });
}

async function plain(shape: Shape): Promise<Sample> {
  const words = [shape.bytes, shape.count, shape.rounds].map(String);
  const { stdout } = await promisify(execFile)(native('loopback'), words);
  const found = JSON.parse(stdout) as SendingSpeed; // as loopback.c prints it
  return sample(shape, found, { 'both ends': { cpuSeconds: found.cpuSeconds, peakMiB: NaN } });
}

function sample(
  { bytes, count, rounds }: Shape,
  { seconds, p50Ms, p99Ms }: SendingSpeed,
  processes: Readonly<Record<string, Cost>>,
): Sample {
  return {
    figures: {
      frames: count / seconds,
      speed: (count * bytes) / seconds / 1e6,
      'round trip p50': p50Ms,
      'round trip p99': p99Ms,
    },
    processes: Object.fromEntries(
      Object.entries(processes).map(([role, { cpuSeconds, peakMiB }]) => [role, { cpuSeconds, peakMiB }]),
    ),
    messages: count + rounds,
  };
}
