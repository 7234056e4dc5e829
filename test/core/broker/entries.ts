/** What broker tests share: operations as entries, and a store that keeps what `changes` gives. */
import { ByteWriter } from '../../../src/base/index.ts';
import {
  Broker,
  encodeOp,
  NEVER_EXPIRES,
  NO_PROPERTIES,
  plainSubscription,
  type Change,
  type Content,
  type Op,
  type Outcome,
  type Qos,
  type QueueBounds,
  type Session,
} from '../../../src/core/broker/index.ts';

export function bodyOf(...ops: readonly Op[]): Buffer {
  const writer = new ByteWriter();
  for (const op of ops) encodeOp(writer, op);
  return writer.taken();
}

/** Commits operations to a broker, each call one entry. */
export class Committer {
  readonly broker: Broker;
  seq: number;

  constructor(broker = new Broker(), seq = 0) {
    this.broker = broker;
    this.seq = seq;
  }

  commit(...ops: readonly Op[]): readonly Outcome[] {
    this.seq += 1;
    return this.broker.apply(bodyOf(...ops), this.seq);
  }
}

export const bytes = (text: string): Buffer => Buffer.from(text);

export const open = (clientId: string, more: Partial<Extract<Op, { type: 'openSession' }>> = {}): Op => ({
  type: 'openSession',
  clientId,
  user: null,
  isClean: false,
  expirySeconds: NEVER_EXPIRES,
  queue: roomFor(1000),
  will: null,
  ...more,
});

/** A clean session that is not durable. */
export const openLocally = (clientId: string): Op => open(clientId, { isClean: true, expirySeconds: 0 });

export const roomFor = (messages: number): QueueBounds => ({ messages, bytes: 1e9, whenFull: 'dropOldest' });

export const subscribe = (clientId: string, filter: string, qos: Qos = 1): Op => ({
  type: 'subscribe',
  clientId,
  subscriptions: [plainSubscription(filter, qos)],
});

export const unsubscribe = (clientId: string, ...filters: readonly string[]): Op => ({
  type: 'unsubscribe',
  clientId,
  filters: filters.map((filter) => ({ filter, group: null })),
});

export const publish = (
  address: string,
  text: string,
  more: Partial<Content & { from: string }> = {},
): Op => ({
  type: 'publish',
  ...contentOf(address, text),
  from: null,
  ...more,
});

export const contentOf = (address: string, text: string): Content => ({
  address,
  payload: bytes(text),
  qos: 1,
  isRetained: false,
  properties: NO_PROPERTIES,
  expiresAt: null,
});

export const receive = (clientId: string, packetId: number, address: string, text: string): Op => ({
  type: 'receive',
  clientId,
  packetId,
  ...contentOf(address, text),
  qos: 2,
});

/** What stands in a session's queue, oldest first: the number, the payload, and `r` where it was retained. */
export function queueOf(session: Session): string[] {
  const found: string[] = [];
  for (let next = session.queue.from(0); next !== null; next = session.queue.from(next.number + 1))
    found.push(
      `${next.number}:${Buffer.from(next.message.payload).toString()}${next.isRetained ? ':r' : ''}`,
    );
  return found;
}

export const passingOf = (session: Session): string[] =>
  session
    .takePassing()
    .map(({ message, isRetained }) => `${Buffer.from(message.payload).toString()}${isRetained ? ':r' : ''}`);

/** A state store in memory: keys in their order, as the real one gives them. */
export class MemoryStore {
  readonly #values = new Map<string, Uint8Array>();

  take(changes: Iterable<Change>): void {
    for (const { key, value } of changes) {
      const name = Buffer.from(key).toString('hex');
      if (value !== null) this.#values.set(name, Uint8Array.from(value));
      else if (!this.#values.delete(name)) throw new Error(`key ${name} is taken away and was never there`);
    }
  }

  get size(): number {
    return this.#values.size;
  }

  entries(): { key: Buffer; value: Buffer }[] {
    return [...this.#values]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => ({ key: Buffer.from(name, 'hex'), value: Buffer.from(value) }));
  }
}
