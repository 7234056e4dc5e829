/** What is read of the share, by the very functions that read the real one. Source: PROTOCOL.md §1, §2 Write. */
import {
  combineCopies,
  readShare,
  type BlockReading,
  type CopyReading,
  type ServerName,
  type ShareReading,
  type ShareSight,
} from '../core/pair/index.ts';
import type { Block, LatePut, Share } from './world.ts';

const readings = new WeakMap<Block, BlockReading>();

export function readBlock(block: Block): BlockReading {
  const known = readings.get(block);
  if (known !== undefined) return known;
  const copy = (content: Block[0]): CopyReading =>
    content === null ? { kind: 'blank' } : { kind: 'good', content };
  const reading = combineCopies(copy(block[0]), copy(block[1]));
  readings.set(block, reading);
  return reading;
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

export const putCopy = (block: Block, { copy, content }: LatePut): Block =>
  copy === 1 ? [content, block[1]] : [block[0], content];

/** The block file that a keeper begins with: whole, both copies alike. */
export function renewed(block: Block): Block {
  const reading = readBlock(block);
  if (reading.kind !== 'good') return block;
  const content = { announced: reading.announced, record: reading.record };
  return [content, content];
}

export const isWhole = (block: Block): boolean => JSON.stringify(block[0]) === JSON.stringify(block[1]);

/** `share` with a change that touches one server's file only. */
export const withBlock = (share: Share, server: ServerName, block: Block): Share => ({
  ...share,
  [server]: block,
});
