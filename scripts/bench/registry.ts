/** All benchmarks. `npm run bench` lists them, and docs/PERFORMANCE.md says how to run each; both are made from here. */
import type { Bench } from './bench.ts';
import { PEERS } from './peers.ts';
import { backlog } from './benches/backlog.ts';
import { channel } from './benches/channel.ts';
import { connections } from './benches/connections.ts';
import { gap } from './benches/gap.ts';
import { journal } from './benches/journal.ts';
import { latency } from './benches/latency.ts';
import { limits } from './benches/limits.ts';
import { matching } from './benches/matching.ts';
import { profile } from './benches/profile.ts';
import { startup } from './benches/startup.ts';
import { sync } from './benches/sync.ts';
import { takeover } from './benches/takeover.ts';
import { throughput } from './benches/throughput.ts';

export const BENCHES: readonly Bench[] = [
  throughput,
  latency,
  gap,
  takeover,
  sync,
  startup,
  backlog,
  connections,
  limits,
  journal,
  channel,
  matching,
  profile,
];

/** The options that every benchmark takes. */
export const COMMON_OPTIONS: Readonly<Record<string, string>> = {
  'runs N': 'so many runs of each point; compared variants go in turn',
  'only PART[,PART…]': 'only the points whose name has one of these in it',
  all: 'all points, where only some are measured otherwise',
  quick: 'one short run of each point, to see that it works; its figures mean nothing',
  'against BROKER[,BROKER…]': `other brokers in the same run (throughput, latency): ${PEERS.join(', ')}; each needs its packages (scripts/bench/peers/run-peer.sh), and where they are missing it is left out`,
  'set KEY=VALUE': 'an option of the servers; may be given again and again',
  'json FILE': 'all figures as JSON too',
  'directory DIR':
    'where the stores are: the disk that is measured (the system’s directory for temporary files)',
};

const WIDTH = 140;

/** The part of docs/PERFORMANCE.md that says how each is run. */
export function benchesPage(): string {
  const entries = BENCHES.map((bench) => {
    const own = Object.entries(bench.options ?? {}).map(
      ([key, option]) => `\`--${key}\` (${option.default}): ${option.text}`,
    );
    const rest = own.length === 0 ? '' : ` Of its own: ${own.join('; ')}.`;
    return [
      `### ${bench.name}`,
      wrapped(bench.question),
      `    npm run bench -- ${bench.name}`,
      wrapped(`${bench.setup} Unit: ${bench.unit}. Runs: ${bench.runs}.${rest}`),
    ].join('\n\n');
  });
  const common = Object.entries(COMMON_OPTIONS).map(([words, text]) =>
    wrapped(`- \`--${words}\`: ${text}`, '  '),
  );
  return [common.join('\n'), ...entries].join('\n\n');
}

/** In lines; `indent` before all but the first. */
function wrapped(text: string, indent = ''): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = `${indent}${word}`;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].join('\n');
}
