/**
 * Operations: everything that changes the replicated state, as bytes of a journal entry's body. A body is operations one after the
 * other; what one does depends on nothing but the state and the operation. Source: PROTOCOL.md §1 (state), §2 Ack.
 *
 *     u8 kind, then by kind; `flags` is one byte, texts and payloads have their size in front, a list its number of items
 *     1 publish      flags (1: QoS 1, 2: retained, 4: QoS 2), address, payload
 *     2 openSession  flags (1: durable, 2: has a will), clientId, u32 queueMessagesMax, will: flags as of publish, address, payload, u32 patienceMs
 *     3 subscribe    clientId, list of (filter, u8 QoS)
 *     4 unsubscribe  clientId, list of filters
 *     5 settle       clientId, list of u64 numbers
 *     6 fireWill     clientId
 *     7 dropWill     clientId
 *     8 barrier
 *     9 receive      flags (2: retained), clientId, u16 packetId, address, payload
 *    10 release      clientId, u16 packetId
 *    11 assign       clientId, u64 through
 *    12 complete     clientId, list of u64 numbers
 */
import { assert, ByteReader, unreachable, type ByteWriter } from '../../base/index.ts';
import type { Qos } from './message.ts';

export type Subscription = Readonly<{ filter: string; qos: Qos }>;

/** What is published for a client that went without a farewell. */
export type Will = Readonly<{
  address: string;
  payload: Uint8Array;
  qos: Qos;
  isRetained: boolean;
  /** How long a server that takes over waits for the client to come back before it publishes the will. */
  patienceMs: number;
}>;

export type Op = Readonly<
  | { type: 'publish'; address: string; payload: Uint8Array; qos: Qos; isRetained: boolean }
  /**
   * A client has connected. Durable: its session goes on or begins. Not durable: a durable session of that name ends. Its former will
   * makes way for this one. The bound of its queue comes along, so that both servers keep to the same.
   */
  | { type: 'openSession'; clientId: string; isDurable: boolean; queueMessagesMax: number; will: Will | null }
  | { type: 'subscribe'; clientId: string; subscriptions: readonly Subscription[] }
  | { type: 'unsubscribe'; clientId: string; filters: readonly string[] }
  /**
   * A message with QoS 2 from the client of a durable session: published, unless it was received before under that packet identifier and
   * not released since.
   */
  | {
      type: 'receive';
      clientId: string;
      packetId: number;
      address: string;
      payload: Uint8Array;
      isRetained: boolean;
    }
  /** The client will not send that message again: its packet identifier may mean another one. Safe to repeat. */
  | { type: 'release'; clientId: string; packetId: number }
  /** From now on the session's messages numbered below `through` may be on their way to the client with QoS 2. */
  | { type: 'assign'; clientId: string; through: number }
  /** The consumer has taken these and keeps nothing of them; after `settle`, which a message with QoS 2 does not end with. */
  | { type: 'complete'; clientId: string; numbers: readonly number[] }
  /** The consumer is done with these, or has taken them with QoS 2; by their numbers in the session's queue. */
  | { type: 'settle'; clientId: string; numbers: readonly number[] }
  | { type: 'fireWill'; clientId: string }
  | { type: 'dropWill'; clientId: string }
  /** Changes nothing: for answers that must wait for a commit round. */
  | { type: 'barrier' }
>;

/** What applying an operation says to its proposer. */
export type Outcome = Readonly<
  | { type: 'applied' }
  /** `isPresent`: the session had been there before. */
  | { type: 'opened'; isPresent: boolean }
  /** The operation names a session or a will that is not there; nothing was changed. */
  | { type: 'absent' }
>;

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
} as const satisfies Record<Op['type'], number>;

const flags = (first: boolean, second: boolean): number => (first ? 1 : 0) + (second ? 2 : 0);

/** QoS 2 has a bit of its own: bodies written before it was known say what they said. */
const messageFlags = (qos: Qos, isRetained: boolean): number =>
  flags(qos === 1, isRetained) + (qos === 2 ? 4 : 0);
const qosIn = (bits: number): Qos => ((bits & 4) !== 0 ? 2 : (bits & 1) !== 0 ? 1 : 0);
const isRetainedIn = (bits: number): boolean => (bits & 2) !== 0;

export const qosFrom = (byte: number): Qos => (byte === 2 ? 2 : byte === 1 ? 1 : 0);

export function encodeOp(writer: ByteWriter, op: Op): void {
  writer.u8(KINDS[op.type]);
  switch (op.type) {
    case 'publish':
      writer.u8(messageFlags(op.qos, op.isRetained)).text(op.address).bytes(op.payload);
      return;
    case 'openSession':
      writer
        .u8(flags(op.isDurable, op.will !== null))
        .text(op.clientId)
        .u32(op.queueMessagesMax);
      if (op.will !== null) encodeWill(writer, op.will);
      return;
    case 'subscribe':
      encodeSubscriptions(writer.text(op.clientId), op.subscriptions);
      return;
    case 'unsubscribe':
      writer.text(op.clientId).u32(op.filters.length);
      for (const filter of op.filters) writer.text(filter);
      return;
    case 'receive':
      writer
        .u8(messageFlags(0, op.isRetained))
        .text(op.clientId)
        .u16(op.packetId)
        .text(op.address)
        .bytes(op.payload);
      return;
    case 'release':
      writer.text(op.clientId).u16(op.packetId);
      return;
    case 'assign':
      writer.text(op.clientId).u64(op.through);
      return;
    case 'settle':
    case 'complete':
      writer.text(op.clientId).u32(op.numbers.length);
      for (const number of op.numbers) writer.u64(number);
      return;
    case 'fireWill':
    case 'dropWill':
      writer.text(op.clientId);
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
      const bits = reader.u8();
      const address = reader.text();
      return {
        type: 'publish',
        address,
        payload: reader.bytes(),
        qos: qosIn(bits),
        isRetained: isRetainedIn(bits),
      };
    }
    case KINDS.openSession: {
      const bits = reader.u8();
      const clientId = reader.text();
      const queueMessagesMax = reader.u32();
      const will = (bits & 2) === 0 ? null : decodeWill(reader);
      return { type: 'openSession', clientId, isDurable: (bits & 1) !== 0, queueMessagesMax, will };
    }
    case KINDS.subscribe:
      return { type: 'subscribe', clientId: reader.text(), subscriptions: decodeSubscriptions(reader) };
    case KINDS.unsubscribe:
      return { type: 'unsubscribe', clientId: reader.text(), filters: list(reader, () => reader.text()) };
    case KINDS.settle:
      return { type: 'settle', clientId: reader.text(), numbers: list(reader, () => reader.u64()) };
    case KINDS.receive: {
      const isRetained = isRetainedIn(reader.u8());
      const clientId = reader.text();
      const packetId = reader.u16();
      const address = reader.text();
      return { type: 'receive', clientId, packetId, address, payload: reader.bytes(), isRetained };
    }
    case KINDS.release:
      return { type: 'release', clientId: reader.text(), packetId: reader.u16() };
    case KINDS.assign:
      return { type: 'assign', clientId: reader.text(), through: reader.u64() };
    case KINDS.complete:
      return { type: 'complete', clientId: reader.text(), numbers: list(reader, () => reader.u64()) };
    case KINDS.fireWill:
      return { type: 'fireWill', clientId: reader.text() };
    case KINDS.dropWill:
      return { type: 'dropWill', clientId: reader.text() };
    default:
      assert(kind === KINDS.barrier, `an operation of unknown kind ${kind}`);
      return { type: 'barrier' };
  }
}

export function encodeWill(writer: ByteWriter, will: Will): void {
  writer
    .u8(messageFlags(will.qos, will.isRetained))
    .text(will.address)
    .bytes(will.payload)
    .u32(will.patienceMs);
}

export function decodeWill(reader: ByteReader): Will {
  const bits = reader.u8();
  const address = reader.text();
  const payload = reader.bytes();
  return { address, payload, qos: qosIn(bits), isRetained: isRetainedIn(bits), patienceMs: reader.u32() };
}

export function encodeSubscriptions(writer: ByteWriter, subscriptions: readonly Subscription[]): void {
  writer.u32(subscriptions.length);
  for (const { filter, qos } of subscriptions) writer.text(filter).u8(qos);
}

export const decodeSubscriptions = (reader: ByteReader): Subscription[] =>
  list(reader, () => ({ filter: reader.text(), qos: qosFrom(reader.u8()) }));

/** A list as it is written: its number of items, then the items. */
export function list<T>(reader: ByteReader, item: () => T): T[] {
  const items: T[] = [];
  for (let left = reader.u32(); left > 0; left -= 1) items.push(item());
  return items;
}
