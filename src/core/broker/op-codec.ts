/**
 * Operations as bytes of a journal entry's body: operations one after the other.
 *
 *     u8 kind, then by kind; texts and bytes have their size in front, a list its number of items
 *     1 publish      content (see bits.ts), from (empty: none)
 *     2 openSession  flags (1: clean, 2: has a will, 4: a full queue refuses), clientId, user (empty: none), u32 expirySeconds, u32 messages,
 *                    u64 bytes, will
 *     3 subscribe    clientId, list of subscriptions (see subscription.ts)
 *     4 unsubscribe  clientId, list of names (see subscription.ts)
 *     5 settle       clientId, list of u64 numbers
 *     6 fireWill     clientId, u64 at
 *     7 dropWill     clientId
 *     8 barrier
 *     9 receive      clientId, u16 packetId, content
 *    10 release      clientId, u16 packetId
 *    11 assign       clientId, u64 through
 *    12 complete     clientId, list of u64 numbers
 *    13 closeSession clientId, u64 at, u8 1: u32 expirySeconds follow
 *    14 claimed      u64 at
 *    15 endSession   clientId, u64 detachedAt
 *    16 drop         clientId, list of u64 numbers
 *    17 dropRetained list of addresses, u64 at
 *    18 reserve      clientId, u32 count
 *    19 hand         place of the group, clientId, list of u64 numbers
 *    20 settleShared place of the group, list of u64 numbers
 *    21 bring        place of the group, content
 *    22 recall       clientId, filter, place through, u8 1: place after follows, list of addresses
 *    23 endShared    place of the group
 *    32 access       bytes (see core/access/access-op.ts)
 *
 *     place: u64 seq, u32 index
 *     will: content, u32 delaySeconds, u32 patienceMs, u8 1: u32 expirySeconds follow
 */
import { assert, ByteReader, unreachable, type ByteWriter } from '../../base/index.ts';
import { decodeAccessOp, encodeAccessOp } from '../access/index.ts';
import { decodeContent, decodePlace, encodeContent, encodePlace, list, writeList } from './bits.ts';
import type { Op, QueueBounds, Will } from './op.ts';
import { decodeFilter, decodeSubscription, encodeFilter, encodeSubscription } from './subscription.ts';

const KINDS = {
  publish: 1,
  openSession: 2,
  subscribe: 3,
  unsubscribe: 4,
  settle: 5,
  fireWill: 6,
  dropWill: 7,
  barrier: 8,
  receive: 9,
  release: 10,
  assign: 11,
  complete: 12,
  closeSession: 13,
  claimed: 14,
  endSession: 15,
  drop: 16,
  dropRetained: 17,
  reserve: 18,
  hand: 19,
  settleShared: 20,
  bring: 21,
  recall: 22,
  endShared: 23,
  access: 32,
} as const satisfies Record<Op['type'], number>;

export function encodeOp(writer: ByteWriter, op: Op): void {
  writer.u8(KINDS[op.type]);
  switch (op.type) {
    case 'publish':
      encodeContent(writer, op);
      writer.text(op.from ?? '');
      return;
    case 'openSession':
      encodeOpen(writer, op);
      return;
    case 'closeSession':
      writer.text(op.clientId).u64(op.at);
      encodeOptional(writer, op.expirySeconds);
      return;
    case 'claimed':
      writer.u64(op.at);
      return;
    case 'endSession':
      writer.text(op.clientId).u64(op.detachedAt);
      return;
    case 'subscribe':
      writer.text(op.clientId);
      writeList(writer, op.subscriptions, (each) => encodeSubscription(writer, each));
      return;
    case 'unsubscribe':
      writer.text(op.clientId);
      writeList(writer, op.filters, (each) => encodeFilter(writer, each));
      return;
    case 'recall':
      encodePlace(writer.text(op.clientId).text(op.filter), op.through);
      writer.u8(op.after === null ? 0 : 1);
      if (op.after !== null) encodePlace(writer, op.after);
      writeList(writer, op.addresses, (address) => writer.text(address));
      return;
    case 'receive':
      encodeContent(writer.text(op.clientId).u16(op.packetId), op);
      return;
    case 'release':
      writer.text(op.clientId).u16(op.packetId);
      return;
    case 'assign':
      writer.text(op.clientId).u64(op.through);
      return;
    case 'settle':
    case 'complete':
    case 'drop':
      writeNumbers(writer.text(op.clientId), op.numbers);
      return;
    case 'reserve':
      writer.text(op.clientId).u32(op.count);
      return;
    case 'hand':
      encodePlace(writer, op.group);
      writeNumbers(writer.text(op.clientId), op.numbers);
      return;
    case 'settleShared':
      encodePlace(writer, op.group);
      writeNumbers(writer, op.numbers);
      return;
    case 'bring':
      encodePlace(writer, op.group);
      encodeContent(writer, op);
      return;
    case 'endShared':
      encodePlace(writer, op.group);
      return;
    case 'dropRetained':
      writeList(writer, op.addresses, (address) => writer.text(address));
      writer.u64(op.at);
      return;
    case 'fireWill':
      writer.text(op.clientId).u64(op.at);
      return;
    case 'dropWill':
      writer.text(op.clientId);
      return;
    case 'access':
      writer.bytes(encodeAccessOp(op.change));
      return;
    case 'barrier':
      return;
    default:
      unreachable(op);
  }
}

/** The operations of one body, in order. Payloads are views into it. A body that is none is our own fault: entries are checksummed. */
export function* decodeOps(body: Uint8Array): Iterable<Op> {
  const reader = new ByteReader(body);
  while (reader.left > 0) yield decodeOp(reader);
}

function decodeOp(reader: ByteReader): Op {
  const kind = reader.u8();
  switch (kind) {
    case KINDS.publish: {
      const content = decodeContent(reader);
      const from = reader.text();
      return { type: 'publish', ...content, from: from === '' ? null : from };
    }
    case KINDS.openSession:
      return decodeOpen(reader);
    case KINDS.closeSession: {
      const clientId = reader.text();
      const at = reader.u64();
      return { type: 'closeSession', clientId, at, expirySeconds: decodeOptional(reader) };
    }
    case KINDS.claimed:
      return { type: 'claimed', at: reader.u64() };
    case KINDS.endSession:
      return { type: 'endSession', clientId: reader.text(), detachedAt: reader.u64() };
    case KINDS.subscribe: {
      const clientId = reader.text();
      return { type: 'subscribe', clientId, subscriptions: list(reader, () => decodeSubscription(reader)) };
    }
    case KINDS.unsubscribe:
      return {
        type: 'unsubscribe',
        clientId: reader.text(),
        filters: list(reader, () => decodeFilter(reader)),
      };
    case KINDS.recall: {
      const [clientId, filter, through] = [reader.text(), reader.text(), decodePlace(reader)];
      const after = reader.u8() === 0 ? null : decodePlace(reader);
      return {
        type: 'recall',
        clientId,
        filter,
        through,
        after,
        addresses: list(reader, () => reader.text()),
      };
    }
    case KINDS.receive: {
      const clientId = reader.text();
      const packetId = reader.u16();
      return { type: 'receive', clientId, packetId, ...decodeContent(reader) };
    }
    case KINDS.release:
      return { type: 'release', clientId: reader.text(), packetId: reader.u16() };
    case KINDS.assign:
      return { type: 'assign', clientId: reader.text(), through: reader.u64() };
    case KINDS.settle:
      return { type: 'settle', clientId: reader.text(), numbers: numbersIn(reader) };
    case KINDS.complete:
      return { type: 'complete', clientId: reader.text(), numbers: numbersIn(reader) };
    case KINDS.drop:
      return { type: 'drop', clientId: reader.text(), numbers: numbersIn(reader) };
    case KINDS.dropRetained: {
      const addresses = list(reader, () => reader.text());
      return { type: 'dropRetained', addresses, at: reader.u64() };
    }
    case KINDS.reserve:
      return { type: 'reserve', clientId: reader.text(), count: reader.u32() };
    case KINDS.hand: {
      const group = decodePlace(reader);
      return { type: 'hand', group, clientId: reader.text(), numbers: numbersIn(reader) };
    }
    case KINDS.settleShared:
      return { type: 'settleShared', group: decodePlace(reader), numbers: numbersIn(reader) };
    case KINDS.bring:
      return { type: 'bring', group: decodePlace(reader), ...decodeContent(reader) };
    case KINDS.endShared:
      return { type: 'endShared', group: decodePlace(reader) };
    case KINDS.fireWill:
      return { type: 'fireWill', clientId: reader.text(), at: reader.u64() };
    case KINDS.dropWill:
      return { type: 'dropWill', clientId: reader.text() };
    case KINDS.access:
      return { type: 'access', change: decodeAccessOp(reader.bytes()) };
    default:
      assert(kind === KINDS.barrier, `an operation of unknown kind ${kind}`);
      return { type: 'barrier' };
  }
}

const writeNumbers = (writer: ByteWriter, numbers: readonly number[]): void =>
  writeList(writer, numbers, (number) => writer.u64(number));

const numbersIn = (reader: ByteReader): number[] => list(reader, () => reader.u64());

type Open = Extract<Op, { type: 'openSession' }>;
const [CLEAN, HAS_WILL, REFUSES] = [1, 2, 4] as const;

function encodeOpen(writer: ByteWriter, open: Open): void {
  const { clientId, user, isClean, expirySeconds, queue, will } = open;
  const refuses = queue.whenFull === 'refuse' ? REFUSES : 0;
  writer
    .u8((isClean ? CLEAN : 0) + (will === null ? 0 : HAS_WILL) + refuses)
    .text(clientId)
    .text(user ?? '')
    .u32(expirySeconds)
    .u32(queue.messages)
    .u64(queue.bytes);
  if (will !== null) encodeWill(writer, will);
}

function decodeOpen(reader: ByteReader): Op {
  const bits = reader.u8();
  const clientId = reader.text();
  const user = reader.text();
  const expirySeconds = reader.u32();
  const whenFull = (bits & REFUSES) === 0 ? 'dropOldest' : 'refuse';
  const queue: QueueBounds = { messages: reader.u32(), bytes: reader.u64(), whenFull };
  const will = (bits & HAS_WILL) === 0 ? null : decodeWill(reader);
  return {
    type: 'openSession',
    clientId,
    user: user === '' ? null : user,
    isClean: (bits & CLEAN) !== 0,
    expirySeconds,
    queue,
    will,
  };
}

export function encodeWill(writer: ByteWriter, will: Will): void {
  encodeContent(writer, { ...will, expiresAt: null });
  writer.u32(will.delaySeconds).u32(will.patienceMs);
  encodeOptional(writer, will.expirySeconds);
}

export function decodeWill(reader: ByteReader): Will {
  const { expiresAt: _, ...content } = decodeContent(reader);
  const [delaySeconds, patienceMs] = [reader.u32(), reader.u32()];
  return { ...content, delaySeconds, patienceMs, expirySeconds: decodeOptional(reader) };
}

function encodeOptional(writer: ByteWriter, value: number | null): void {
  writer.u8(value === null ? 0 : 1);
  if (value !== null) writer.u32(value);
}

const decodeOptional = (reader: ByteReader): number | null => (reader.u8() === 0 ? null : reader.u32());
