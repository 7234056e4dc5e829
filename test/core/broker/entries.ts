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
  type PagingSizes,
  type Qos,
  type QueueBounds,
  type Session,
  type StateReader,
  type StoredPair,
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

/** The whole of what the session's subscriptions have still to bring, each recall in one piece. */
export const recalls = (broker: Broker, session: Session): Op[] =>
  [...session.recalls.all()].map((recall) => {
    const { filter, through } = recall;
    const addresses = broker.retainedAddresses(recall, session.subscriptions.get(filter)?.qos ?? 0);
    return { type: 'recall', clientId: session.clientId, filter, through, addresses, after: null };
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

/** A state store in memory. */
export class MemoryStore implements StateReader {
  /** By the key in hexadecimal, whose order is that of the bytes. */
  readonly #pairs = new Map<string, StoredPair>();
  readonly #names: string[] = [];
  /** Keys that were found, by the number of their kind; and how often something was asked for. */
  readonly #reads = new Map<number, number>();
  #asked = 0;

  take(changes: Iterable<Change>): void {
    for (const { key, value } of changes) {
      const name = Buffer.from(key).toString('hex');
      const at = this.#indexOf(name);
      const isNew = this.#names[at] !== name;
      if (value === null && isNew) throw new Error(`key ${name} is taken away and was never there`);
      if (value === null) this.#names.splice(at, 1);
      else if (isNew) this.#names.splice(at, 0, name);
      if (value === null) this.#pairs.delete(name);
      else this.#pairs.set(name, { key: Buffer.from(key), value: Buffer.from(value) });
    }
  }

  /** A whole checkpoint of a broker that reads from here, or from nowhere. */
  checkpoint(broker: Broker): void {
    this.take(broker.changes());
    broker.stored();
  }

  get size(): number {
    return this.#pairs.size;
  }

  entries(): StoredPair[] {
    return this.#between(0, this.#names.length);
  }

  /** How many keys of a kind were read since this was last asked. */
  takeReads(kind: number): number {
    const reads = this.#reads.get(kind) ?? 0;
    this.#reads.delete(kind);
    return reads;
  }

  /** How often something was asked for since this was last asked, found or not. */
  takeAsked(): number {
    const asked = this.#asked;
    this.#asked = 0;
    return asked;
  }

  get(key: Uint8Array): Buffer | null {
    this.#asked += 1;
    const found = this.#pairs.get(Buffer.from(key).toString('hex'));
    return found === undefined ? null : this.#read(found).value;
  }

  *range(from: Uint8Array, to: Uint8Array | null): Iterable<StoredPair> {
    this.#asked += 1;
    const end = to === null ? this.#names.length : this.#indexOf(Buffer.from(to).toString('hex'));
    for (const pair of this.#between(this.#indexOf(Buffer.from(from).toString('hex')), end))
      yield this.#read(pair);
  }

  last(from: Uint8Array, through: Uint8Array): StoredPair | null {
    this.#asked += 1;
    const [start, end] = [from, through].map((key) => this.#indexOf(Buffer.from(key).toString('hex')));
    const isThere = this.#pairs.has(Buffer.from(through).toString('hex'));
    const found = this.#between(start ?? 0, (end ?? 0) + (isThere ? 1 : 0)).at(-1);
    return found === undefined ? null : this.#read(found);
  }

  #between(from: number, to: number): StoredPair[] {
    return this.#names.slice(from, to).flatMap((name) => this.#pairs.get(name) ?? []);
  }

  #read(pair: StoredPair): StoredPair {
    const kind = pair.key.readUInt8(0);
    this.#reads.set(kind, (this.#reads.get(kind) ?? 0) + 1);
    return pair;
  }

  /** Where the name stands, or would stand. */
  #indexOf(name: string): number {
    let [low, high] = [0, this.#names.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#names[middle] ?? '') < name) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Pages so small, and so little memory for them, that every backlog is paged. */
export const TINY_PAGES: PagingSizes = { pageMessages: 3, pageBytes: 200, memoryBytes: 0, tidyMax: 20 };

/** A broker that reads back what it has stored, and the store. */
export function pagedBroker(
  sizes: PagingSizes = TINY_PAGES,
): Readonly<{ broker: Broker; store: MemoryStore }> {
  const store = new MemoryStore();
  const broker = new Broker(sizes);
  broker.load(store);
  return { broker, store };
}
