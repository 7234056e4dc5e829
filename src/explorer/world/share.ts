/** What is read of the share, by the very functions that read the real one. Source: PROTOCOL.md §1, §2 Write. */
import {
  combineCopies,
  readShare,
  type BlockReading,
  type CopyReading,
  type ServerName,
  type ShareReading,
  type ShareSight,
} from '../../core/pair/index.ts';
import { unreachable } from '../../base/index.ts';
import type { Block, Copy, LatePut, Share } from './world.ts';

const readings = new WeakMap<Block, BlockReading>();

export function readBlock(block: Block): BlockReading {
  const known = readings.get(block);
  if (known !== undefined) return known;
  const reading = combineCopies(readCopy(block[0]), readCopy(block[1]));
  readings.set(block, reading);
  return reading;
}

function readCopy(copy: Copy): CopyReading {
  if (copy === null) return { kind: 'blank' };
  return copy === 'torn' ? { kind: 'bad' } : { kind: 'good', content: copy };
}

/**
 * Without the mark: it carries committed stamps only, and a store that may claim holds all that is committed (an invariant here), so it
 * never refuses a claim that the rest would let pass.
 */
export const readBoth = (blocks: Pick<Share, ServerName>): ShareReading =>
  readShare(readBlock(blocks.primary), readBlock(blocks.secondary), null);

export function sightOf(reading: ShareReading): ShareSight {
  if (reading.kind !== 'record') return { kind: reading.kind };
  const { record, isSettled } = reading;
  return { kind: 'record', lockId: record.lockId, version: record.version, record, isSettled };
}

/** What a server or its keeper does to the share. */
export type ShareChange = Readonly<
  | { type: 'put'; server: ServerName; copy: 1 | 2; content: Copy }
  /** The copy was reported failed, and is still on its way. */
  | { type: 'putLater'; server: ServerName; late: LatePut }
  | { type: 'lateLanded'; server: ServerName }
  /** A keeper begins with a block file of its own: what is still on its way to the old one hits a file nobody reads (REASONS.md W5). */
  | { type: 'fileRenewed'; server: ServerName }
  | { type: 'lockTaken'; server: ServerName }
  | { type: 'lockFreed'; server: ServerName }
  /** Its lock is free, and its block file one of a former keeper. */
  | { type: 'keeperGone'; server: ServerName }
>;

export function changedShare(share: Share, change: ShareChange): Share {
  const { server } = change;
  switch (change.type) {
    case 'put':
      return { ...share, [server]: putCopy(share[server], change.copy, change.content) };
    case 'putLater':
      return { ...share, late: { ...share.late, [server]: change.late } };
    case 'lateLanded': {
      const late = share.late[server];
      if (late === null) return share;
      const landed = { ...share, [server]: putCopy(share[server], late.copy, late.content) };
      return asNew({ ...landed, late: { ...share.late, [server]: null } }, server);
    }
    case 'fileRenewed':
      return share.isFormer[server] ? renewed(share, server) : share;
    case 'lockTaken':
      return { ...share, holders: [...withoutHolder(share, server), server].sort() };
    case 'lockFreed':
      return { ...share, holders: withoutHolder(share, server) };
    case 'keeperGone': {
      const isFormer = { ...share.isFormer, [server]: true };
      return asNew({ ...share, holders: withoutHolder(share, server), isFormer }, server);
    }
    default:
      return unreachable(change);
  }
}

const withoutHolder = ({ holders }: Share, server: ServerName): readonly ServerName[] =>
  holders.filter((holder) => holder !== server);

const putCopy = (block: Block, copy: 1 | 2, content: Copy): Block =>
  copy === 1 ? [content, block[1]] : [block[0], content];

/** Both copies alike, as a keeper begins. */
function renewed(share: Share, server: ServerName): Share {
  const reading = readBlock(share[server]);
  const content = reading.kind === 'good' ? { announced: reading.announced, record: reading.record } : null;
  return {
    ...share,
    ...(content === null ? {} : { [server]: [content, content] }),
    late: { ...share.late, [server]: null },
    isFormer: { ...share.isFormer, [server]: false },
  };
}

/** A file to which nothing is on its way, and with both copies alike, is as good as one that a new keeper begins with. */
function asNew(share: Share, server: ServerName): Share {
  const [first, second] = share[server];
  const isWhole = first !== 'torn' && JSON.stringify(first) === JSON.stringify(second);
  if (!isWhole || share.late[server] !== null) return share;
  return { ...share, isFormer: { ...share.isFormer, [server]: false } };
}
