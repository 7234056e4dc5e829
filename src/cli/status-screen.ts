/** What `lockstep status` shows: a row for each thing to know, a column for each server. Pure. */
import { timeOfDay, verdict, type ServerStatus } from '../admin/index.ts';

export type PairStatus = Readonly<{ primary: ServerStatus | null; secondary: ServerStatus | null }>;

const LABEL_WIDTH = 12;
const COLUMN_WIDTH = 46;

type Row = readonly [label: string, of: (status: ServerStatus) => string];

const ROWS: readonly Row[] = [
  ['state', (s) => s.state],
  ['since', (s) => `${timeOfDay(s.since)} (${durationText(Date.now() - s.since)})`],
  ['why', (s) => s.why],
  ['peer', (s) => `${s.peer.state} since ${timeOfDay(s.peer.since)}`],
  [
    'lock',
    (s) =>
      `${s.lock.isHeld ? 'held' : 'not held'}${s.lock.isKeeperAlive ? '' : ', its keeper does not answer'}`,
  ],
  ['lock file', (s) => s.lock.path],
  ['epoch', (s) => String(s.epoch)],
  ['in sync', (s) => (s.inSync.length === 0 ? 'nobody yet' : s.inSync.join(', '))],
  ['stamp', (s) => `${s.stamp.epoch}/${s.stamp.seq}`],
  ['lag', (s) => (s.lag === null ? '-' : `${s.lag.entries} entries, ${bytesText(s.lag.bytes)}`)],
  ['sync', ({ sync }) => (sync === null ? '-' : syncText(sync))],
  ['clients', (s) => String(s.clients)],
  ['queued', (s) => `${s.queuedMessages} messages`],
  ['share', (s) => shareText(s.share)],
  ['gateway', (s) => gatewayText(s.gateway)],
  ['store', (s) => s.store.path],
  ['store id', (s) => s.store.storeId],
  ['process', (s) => `${s.pid}, version ${s.version}`],
];

export function statusScreen({ primary, secondary }: PairStatus): string {
  const both = [primary, secondary] as const;
  const cells = ROWS.map(([label, of]) => [label, ...both.map((s) => (s === null ? '' : of(s)))] as const);
  const words = ['verdict', verdict(primary, secondary).text, verdict(secondary, primary).text] as const;
  const [state, ...rest] = cells;
  const rows = [
    ['', 'primary', 'secondary'] as const,
    words,
    ...(state === undefined ? [] : [state]),
    ...rest,
  ];
  return rows.flatMap(([label = '', left = '', right = '']) => rowLines(label, left, right)).join('\n');
}

function rowLines(label: string, left: string, right: string): string[] {
  const columns = [wrapped(left), wrapped(right)] as const;
  const height = Math.max(columns[0].length, columns[1].length);
  return Array.from({ length: height }, (_, line) =>
    [
      (line === 0 ? label : '').padEnd(LABEL_WIDTH),
      (columns[0][line] ?? '').padEnd(COLUMN_WIDTH + 2),
      columns[1][line] ?? '',
    ]
      .join('')
      .trimEnd(),
  );
}

/** By words; a word longer than the column (a path) is cut, not dropped. */
function wrapped(text: string): string[] {
  const lines: string[] = [''];
  for (const word of text
    .split(' ')
    .flatMap((part) => part.match(new RegExp(`.{1,${COLUMN_WIDTH}}`, 'g')) ?? [])) {
    const line = lines.at(-1) ?? '';
    if (line === '') lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length <= COLUMN_WIDTH) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}

const syncText = (sync: NonNullable<ServerStatus['sync']>): string =>
  `${Math.floor(sync.percent)} %, ${sync.megabytesPerSecond.toFixed(1)} MB/s, ${sync.entriesToGo} entries to go`;

const shareText = ({ isReachable, recordVersion }: ServerStatus['share']): string =>
  `${isReachable ? 'reachable' : 'does not answer'}, ${recordVersion === null ? 'no record yet' : `record ${recordVersion}`}`;

function gatewayText({ hasEverAnswered, lastAnswered }: ServerStatus['gateway']): string {
  if (lastAnswered === null) return 'not asked yet';
  if (lastAnswered) return 'answers';
  return hasEverAnswered ? 'silent' : 'never answered: look at gateway.host and gateway.port';
}

export function bytesText(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 ** 2) return `${(bytes / 1024).toFixed(1)} KiB`;
  return bytes < 1024 ** 3
    ? `${(bytes / 1024 ** 2).toFixed(1)} MiB`
    : `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
}

function durationText(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3_600)} h` : `${Math.floor(seconds / 86_400)} days`;
}
