/**
 * What the files on the share hold, as bytes: a block is two copies of `{ announced, record }`, each a fixed 8192 bytes of text that
 * `cat` shows, under a checksum; the mark is one line in the lock file. Reading is strict: a copy of a wrong shape is a bad copy, and
 * bad copies are outvoted or make the block damaged, but are never guessed at.
 * Source: PROTOCOL.md §1 (what exists, on the share), §2 Write; REASONS.md A2, A3, W4.
 */
import { crc32 } from 'node:zlib';
import { assert } from '../../base/index.ts';
import {
  claimId,
  epoch,
  lockId,
  pairId,
  seq,
  stampText,
  storeId,
  version,
  type ArbitrationRecord,
  type Forced,
  type InSync,
  type Mark,
  type ServerName,
  type ShareReading,
  type Stamp,
  type Version,
} from './words.ts';

export const COPY_BYTES = 8192;
/** Copy 1 begins at 0, copy 2 right behind it. */
export const BLOCK_BYTES = 2 * COPY_BYTES;
export const MARK_BYTES = 128;

/** `announced` is never below the version of `record`. */
export type BlockContent = Readonly<{ announced: Version; record: ArbitrationRecord | null }>;
export const emptyContent: BlockContent = { announced: version(0), record: null };

/** `blank`: never written. */
export type CopyReading = Readonly<
  { kind: 'blank' } | { kind: 'bad' } | { kind: 'good'; content: BlockContent }
>;

export type BlockReading = Readonly<
  /** Never written, or its first write was cut short. */
  | { kind: 'empty' }
  /** The highest of the good copies. `isSettled`: both copies carry `record`. */
  | { kind: 'good'; announced: Version; record: ArbitrationRecord | null; isSettled: boolean }
  /** Bytes, but no good copy: nobody claims until an operator decides. */
  | { kind: 'damaged' }
>;

const NEWLINE = 0x0a;
const HEAD = 'lockstep block 1, checksum ';
const HEAD_BYTES = HEAD.length + 8 + 1;
const checksumOf = (bytes: Uint8Array): string => crc32(bytes).toString(16).padStart(8, '0');

/** One copy, `COPY_BYTES` long. The checksum covers all that follows the first line, padding too. */
export function encodeCopy(content: BlockContent): Buffer {
  assert(readContent(content) !== null, `no content for a block: ${JSON.stringify(content)}`);
  const text = JSON.stringify(content, null, 2);
  assert(
    fits(text),
    `a block's content of ${Buffer.byteLength(text)} bytes has no room in a copy of ${COPY_BYTES}`,
  );
  const bytes = Buffer.alloc(COPY_BYTES, ' ');
  bytes.write(text, HEAD_BYTES);
  bytes[COPY_BYTES - 1] = NEWLINE;
  bytes.write(`${HEAD}${checksumOf(bytes.subarray(HEAD_BYTES))}\n`);
  return bytes;
}

const fits = (text: string): boolean => HEAD_BYTES + Buffer.byteLength(text) + 1 <= COPY_BYTES;

/** Whether a block has room for the record. Only a long history of `forced` can fill it. */
export const recordFits = (record: ArbitrationRecord): boolean =>
  fits(JSON.stringify({ announced: Number.MAX_SAFE_INTEGER, record }, null, 2));

export function decodeCopy(bytes: Uint8Array): CopyReading {
  if (bytes.every((byte) => byte === 0)) return { kind: 'blank' };
  if (bytes.length !== COPY_BYTES) return { kind: 'bad' };
  const head = Buffer.from(bytes.subarray(0, HEAD_BYTES)).toString('latin1');
  const body = bytes.subarray(HEAD_BYTES);
  if (head !== `${HEAD}${checksumOf(body)}\n`) return { kind: 'bad' };
  const content = readContent(parsed(Buffer.from(body).toString('utf8')));
  return content === null ? { kind: 'bad' } : { kind: 'good', content };
}

/** A block file's bytes; null where there is no file. */
export function decodeBlock(bytes: Uint8Array | null): BlockReading {
  if (bytes === null) return { kind: 'empty' };
  return combineCopies(
    decodeCopy(bytes.subarray(0, COPY_BYTES)),
    decodeCopy(bytes.subarray(COPY_BYTES, BLOCK_BYTES)),
  );
}

/**
 * One block from its two copies. A copy 1 that is torn where copy 2 was never written is the first write ever, cut short: whoever made
 * it announced nothing that anybody acted on.
 */
export function combineCopies(first: CopyReading, second: CopyReading): BlockReading {
  if (second.kind === 'blank' && first.kind !== 'good') return { kind: 'empty' };
  const contents = [first, second].flatMap((copy) => (copy.kind === 'good' ? [copy.content] : []));
  const [one, two] = contents;
  if (one === undefined) return { kind: 'damaged' };
  if (two === undefined) return { kind: 'good', ...one, isSettled: one.record === null };
  const isSame = one.record?.version === two.record?.version;
  // A version is given once. Two records that share one are nobody's doing that this protocol knows.
  if (isSame && JSON.stringify(one.record) !== JSON.stringify(two.record)) return { kind: 'damaged' };
  const isFirstHigher = versionOf(one.record) >= versionOf(two.record);
  return {
    kind: 'good',
    announced: one.announced > two.announced ? one.announced : two.announced,
    record: isFirstHigher ? one.record : two.record,
    isSettled: isSame,
  };
}

const noVersion = version(0);
export const versionOf = (record: ArbitrationRecord | null): Version => record?.version ?? noVersion;

/** Numbers are odd in the primary's block and even in the secondary's, so that no two writers ever choose the same. */
export const isNumberOf = (server: ServerName, number: Version): boolean =>
  number % 2 === (server === 'primary' ? 1 : 0);

/** R over both blocks. A block that carries a record with the other server's kind of number is damaged: somebody copied files. */
export function readShare(primary: BlockReading, secondary: BlockReading, mark: Mark | null): ShareReading {
  const blocks = { primary, secondary };
  const damaged = damagedBlocks(blocks);
  if (damaged.length > 0) return { kind: 'damaged', blocks: damaged, mark };
  const best = [primary, secondary]
    .flatMap((block) =>
      block.kind === 'good' && block.record !== null ? [{ ...block, record: block.record }] : [],
    )
    .sort((a, b) => b.record.version - a.record.version)[0];
  return best === undefined
    ? { kind: 'none', mark }
    : { kind: 'record', record: best.record, isSettled: best.isSettled, mark };
}

export function damagedBlocks(blocks: Readonly<Record<ServerName, BlockReading>>): ServerName[] {
  const names: ServerName[] = ['primary', 'secondary'];
  return names.filter((name) => {
    const block = blocks[name];
    if (block.kind !== 'good') return block.kind === 'damaged';
    return block.record !== null && !isNumberOf(name, block.record.version);
  });
}

/** The mark as it stands in the lock file: `MARK_BYTES` of one line, so that a shorter one leaves nothing of a longer one behind. */
export function encodeMark(mark: Mark): Buffer {
  const text = `${mark.holder} ${stampText(mark.stamp)} ${mark.at}`;
  const line = `lockstep mark 1, checksum ${checksumOf(Buffer.from(text))}: ${text}`;
  assert(Buffer.byteLength(line) < MARK_BYTES, `a mark of ${line.length} characters`);
  return Buffer.from(`${line.padEnd(MARK_BYTES - 1)}\n`);
}

const MARK = /^lockstep mark 1, checksum ([0-9a-f]{8}): ((primary|secondary) (\d+)\/(\d+) (\S+)) *\n$/;

/** Null where it is empty or bad: the mark only ever makes a claim less likely, and says who held the lock. */
export function decodeMark(bytes: Uint8Array): Mark | null {
  const found = MARK.exec(Buffer.from(bytes.subarray(0, MARK_BYTES)).toString('utf8'));
  if (found === null) return null;
  const [, checksum, text = '', holder, epochText, seqText, at = ''] = found;
  if (checksum !== checksumOf(Buffer.from(text))) return null;
  const stamp = readStamp({ epoch: Number(epochText), seq: Number(seqText) });
  return stamp === null ? null : { holder: holder === 'primary' ? 'primary' : 'secondary', stamp, at };
}

// Reading of shapes: strict, and by hand because the core has no library for it.

type Shape = Readonly<Record<string, unknown>>;

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
};
const isShape = (value: unknown): value is Shape =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const hasExactly = (value: unknown, keys: readonly string[]): value is Shape =>
  isShape(value) &&
  Object.keys(value).length === keys.length &&
  keys.every((key) => Object.hasOwn(value, key));
const isWhole = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';

function readContent(value: unknown): BlockContent | null {
  if (!hasExactly(value, ['announced', 'record']) || !isWhole(value['announced'])) return null;
  const announced = version(value['announced']);
  if (value['record'] === null) return { announced, record: null };
  const record = readRecord(value['record']);
  return record === null || record.version > announced ? null : { announced, record };
}

const RECORD_KEYS = [
  'pairId',
  'lockId',
  'version',
  'epoch',
  'claimId',
  'holder',
  'inSync',
  'floor',
  'forced',
];

/** The record in a value of unknown origin (a block, a store's identity, a frame); null where it is none. */
export function readRecord(value: unknown): ArbitrationRecord | null {
  if (!hasExactly(value, RECORD_KEYS)) return null;
  const { pairId: pair, lockId: lock, version: number, epoch: claim, claimId: by, holder } = value;
  const inSync = readInSync(value['inSync']);
  const floor = readFloor(value['floor']);
  const forced = readForcedList(value['forced']);
  if (!isText(pair) || !isText(lock) || !isText(by) || !isWhole(number) || number === 0 || !isWhole(claim))
    return null;
  if (holder !== 'primary' && holder !== 'secondary') return null;
  if (inSync === null || floor === null || forced === null) return null;
  return {
    pairId: pairId(pair),
    lockId: lockId(lock),
    version: version(number),
    epoch: epoch(claim),
    claimId: claimId(by),
    holder,
    inSync,
    floor,
    forced,
  };
}

function readInSync(value: unknown): InSync | null {
  if (!isShape(value)) return null;
  const { primary, secondary, ...others } = value;
  const names = [primary, secondary].filter((name) => name !== undefined);
  if (names.length === 0 || !names.every(isText) || Object.keys(others).length > 0) return null;
  return {
    ...(isText(primary) ? { primary: storeId(primary) } : {}),
    ...(isText(secondary) ? { secondary: storeId(secondary) } : {}),
  };
}

function readFloor(value: unknown): Readonly<Record<string, Stamp>> | null {
  if (!isShape(value)) return null;
  const stamps = Object.entries(value).flatMap(([store, stamp]) => {
    const read = readStamp(stamp);
    return read === null ? [] : [[store, read] as const];
  });
  return stamps.length === Object.keys(value).length ? Object.fromEntries(stamps) : null;
}

function readStamp(value: unknown): Stamp | null {
  if (!hasExactly(value, ['epoch', 'seq']) || !isWhole(value['epoch']) || !isWhole(value['seq'])) return null;
  return { epoch: epoch(value['epoch']), seq: seq(value['seq']) };
}

function readForcedList(value: unknown): readonly Forced[] | null {
  if (!Array.isArray(value)) return null;
  const list = value.flatMap((one) => readForced(one) ?? []);
  return list.length === value.length ? list : null;
}

function readForced(value: unknown): Forced | null {
  if (!hasExactly(value, ['by', 'why', 'at', 'epoch'])) return null;
  const { by, why, at, epoch: claim } = value;
  if (typeof by !== 'string' || typeof why !== 'string' || typeof at !== 'string' || !isWhole(claim))
    return null;
  return { by, why, at, epoch: epoch(claim) };
}
