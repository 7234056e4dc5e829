/** Runs the load generator (load/mqload.c) and reads what it says. It ends with the session. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { native } from './native.ts';
import type { Cost } from './report.ts';
import type { Session } from './session.ts';

type Latency = Readonly<Record<'p50' | 'p99' | 'p999' | 'max', number>>;

/** Times in ms; rates a second, within the measured time; counts of the whole run. */
export type LoadReport = Readonly<{
  seconds: number;
  acksPerSec: number;
  delivPerSec: number;
  ackMs: Latency;
  e2eMs: Latency;
  sent: number;
  acked: number;
  lost: number;
  dups: number;
  order: number;
  /** 1: what was missing might still have come. */
  drainTimedOut: 0 | 1;
  cpuSecTotal: number;
  peakMiB: number;
  /** Of `failover`. */
  gapAckMs?: number;
  gapDelivMs?: number;
  sessionLost?: number;
  /** Of `--series`: when the first interval began, by the clock of `process.hrtime`, and the acknowledgements of each. */
  beginNs?: string;
  series?: readonly number[];
  error: string;
}>;

export type Traffic = Readonly<{
  mode?: 'throughput' | 'failover';
  /** `host:port`, the first to be tried first. */
  endpoints: readonly string[];
  publishers?: number;
  subscribers?: number;
  window?: number;
  payload?: number;
  seconds: number;
  /** Of all publishers together, a second; without it as fast as it is acknowledged. */
  rate?: number;
  topics?: 'per-pub' | 'shared' | 'group';
  more?: readonly (string | number)[];
}>;

export type RunningLoad = Readonly<{
  report: Promise<LoadReport>;
  /** No more messages; those under way are seen to their end. */
  finish: () => Promise<LoadReport>;
}>;

export function startLoad(session: Session, traffic: Traffic): RunningLoad {
  const { publishers = 1, subscribers = 1, window = 64, payload = 256, seconds, rate } = traffic;
  const words = [
    traffic.mode ?? 'throughput',
    ...['-e', traffic.endpoints.join(','), '-P', publishers, '-S', subscribers, '-W', window],
    ...['-B', payload, '-d', seconds, '-t', traffic.topics ?? 'per-pub', '--drain-max', 60, '-j'],
    ...(rate === undefined ? [] : ['-r', rate / publishers]),
    ...(traffic.more ?? []),
  ];
  const child = spawn(native('mqload'), words.map(String), { stdio: ['ignore', 'pipe', 'pipe'] });
  const closed = once(child, 'close');
  const forget = session.closeLater(async () => {
    child.kill('SIGKILL');
    await closed;
  });
  let [said, complained] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complained += text));
  const report = closed.then(async () => {
    await forget();
    const line = said.split('\n').find((text) => text.startsWith('{'));
    if (line === undefined) throw new Error(complained.trim() || 'the load generator was ended');
    const found = JSON.parse(line) as LoadReport; // as mqload prints it
    if (found.error !== '') throw new Error(`the load generator: ${found.error}`);
    return found;
  });
  // Whoever waits for something else first hears of it later.
  report.catch(() => undefined);
  return {
    report,
    finish: () => {
      child.kill('SIGTERM');
      return report;
    },
  };
}

export const load = (session: Session, traffic: Traffic): Promise<LoadReport> =>
  startLoad(session, traffic).report;

export const costOf = (report: LoadReport): Cost => ({
  cpuSeconds: report.cpuSecTotal,
  peakMiB: report.peakMiB,
});

/** How far from what was promised: nothing acknowledged is lost, and nobody's order is broken. */
export const isSound = ({ lost, order, drainTimedOut }: LoadReport): boolean =>
  order === 0 && (lost === 0 || drainTimedOut === 1);
