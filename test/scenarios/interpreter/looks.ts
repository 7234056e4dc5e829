/** What can be looked at, in a line for each: the record, the blocks, the stores. Identifiers are named in the order in which they are first seen. */
import {
  COPY_BYTES,
  decodeBlock,
  isNewer,
  stampText,
  type ArbitrationRecord,
  type ServerName,
} from '../../../src/core/pair/index.ts';
import { SERVERS } from '../../../src/simulator/pair/sim-pair.ts';
import { line } from './consoles.ts';
import type { Scene } from './scene.ts';

/** `v7 epoch 4 holder primary in sync primary+secondary`, or what stands there instead. */
export function recordText(scene: Scene): string {
  const reading = scene.pair.share.reading();
  if (reading.kind === 'none') return 'none';
  if (reading.kind === 'damaged') return `the block of ${reading.blocks.join(' and ')} is damaged`;
  return recordLine(scene, reading.record);
}

function recordLine(scene: Scene, { version, epoch, holder, inSync, forced }: ArbitrationRecord): string {
  const named = SERVERS.flatMap((name) => {
    const store = inSync[name];
    if (store === undefined) return [];
    return [store === scene.machine(name).disk.current ? name : `${name} (a store that is not there)`];
  });
  const by = forced.map(({ by: who, why }) => ` forced by ${who}: ${why}`);
  return `v${version} epoch ${epoch} holder ${holder} in sync ${named.join('+')}${by.join('')}`;
}

/** The record with what a claim is held against besides: floors and mark. */
export function recordInFull(scene: Scene): string[] {
  const reading = scene.pair.share.reading();
  const mark = reading.mark === null ? 'none' : `${reading.mark.holder} ${stampText(reading.mark.stamp)}`;
  if (reading.kind !== 'record') return [line('record', recordText(scene)), line('', `mark ${mark}`)];
  const { floor } = reading.record;
  const floors = SERVERS.flatMap((name) => {
    const stamp = floor[reading.record.inSync[name] ?? ''];
    return stamp === undefined ? [] : [`${name} ${stampText(stamp)}`];
  });
  return [line('record', recordText(scene)), line('', `floor ${floors.join(', ')}; mark ${mark}`)];
}

/** Both blocks as their bytes are: what is announced, and the record's version in each of both copies. */
export const blocksText = (scene: Scene): string[] =>
  SERVERS.map((name) => {
    const file = scene.pair.share.blocks[name];
    if (file === null) return line('block', `${name}: empty`);
    const copies = ([1, 2] as const).map((copy) => {
      const { announced, version } = copyIn(file.bytes, copy);
      return announced === null
        ? `copy ${copy} bad`
        : `copy ${copy} announces ${announced}, carries v${version}`;
    });
    return line('block', `${name}: ${copies.join('; ')}`);
  });

/** One copy, read alone. `announced` null: it is no good copy. */
export function copyIn(bytes: Buffer, copy: 1 | 2): { announced: number | null; version: number } {
  const half = bytes.subarray((copy - 1) * COPY_BYTES, copy * COPY_BYTES);
  const reading = decodeBlock(Buffer.concat([half, half]));
  if (reading.kind !== 'good') return { announced: null, version: 0 };
  return { announced: reading.announced, version: reading.record?.version ?? 0 };
}

/** A server's disk: how far its store has come, what it has seen, its epochs, and what else lies there. */
export const storesText = (scene: Scene): string[] =>
  SERVERS.map((name) => line(name, storeText(scene, name)));

function storeText(scene: Scene, name: ServerName): string {
  const { disk } = scene.machine(name);
  if (disk.current === null) return 'no store';
  const { identity, journal, state } = disk.contentOf(disk.current);
  const { last, epochs } = journal.positionAt(journal.lastSeq);
  const table = epochs.map(({ epoch, firstSeq }) => `${epoch} from ${firstSeq}`).join(', ');
  const seen = identity.recordSeen === null ? 'no record' : `record v${identity.recordSeen.version}`;
  return [
    `journal ${journal.start.last.seq + 1}-${last.seq} of epoch ${last.epoch}, state at ${state.appliedSeq}`,
    `epochs ${table === '' ? 'none' : table}`,
    `has seen ${seen}`,
    ...(identity.isComplete ? [] : ['not complete']),
    ...(disk.cutTails.length === 0 ? [] : [`cut tails: ${disk.cutTails.map(({ file }) => file).join(', ')}`]),
    ...disk.keptAside.map(({ why }) => `a store kept aside: ${why}`),
  ].join('; ');
}

/** Whether one store's last entry is the other's too, and both states are equal; otherwise why not. */
export function storesEqual(scene: Scene): string {
  const [one, other] = [scene.pair.primary.server, scene.pair.secondary.server];
  if (one === null || other === null) return 'not compared: a server does not run';
  const [a, b] = [one.replication.replica, other.replication.replica];
  const [mine, theirs] = [a.view().stamp, b.view().stamp];
  if (isNewer(mine, theirs) || isNewer(theirs, mine))
    return `differ: the primary is at ${stampText(mine)}, the secondary at ${stampText(theirs)}`;
  if (a.appliedSeq !== b.appliedSeq)
    return `differ: the primary has applied ${a.appliedSeq}, the secondary ${b.appliedSeq}`;
  return one.broker.digest() === other.broker.digest()
    ? `equal, both at ${stampText(mine)}`
    : 'differ in their states';
}

/** Which servers' present stores hold the message, in the journal or in the state. */
export function holdersOf(scene: Scene, id: string): ServerName[] {
  const wanted = Buffer.from(`${id}|`);
  return SERVERS.filter((name) => {
    const { disk } = scene.machine(name);
    if (disk.current === null) return false;
    const { journal, state } = disk.contentOf(disk.current);
    return (
      journal.entries.some(({ bytes }) => bytes.includes(wanted)) ||
      state.pairs().some(({ value }) => value.includes(wanted))
    );
  });
}
