/**
 * The last retained message of each address, for those who subscribe later. One whose time is over stays until an operation takes it away, but
 * nobody is sent it. All of them are in memory: any new subscription may want any of them. Source: MQTT-3.3.1-5 to MQTT-3.3.1-11; MQTT 5.0 §3.3.2.3.3.
 */
import type { Ledger } from './ledger.ts';
import type { Message, Place } from './message.ts';
import { inOrderOfPublication } from './publication-order.ts';
import { keyOf, retainedValue, type StoredRetained } from './stored.ts';
import { TopicTree } from './topic-tree.ts';

/** How much is retained at most. */
export type RetainedBounds = Readonly<{
  messages: number;
  /** Of topics, payloads and properties. */
  bytes: number;
  /** Messages of one publisher. */
  perClient: number;
}>;

/** A message that is to be kept, as far as bounds look at it. `bytes`: of payload and properties. */
export type Retaining = Readonly<{ address: string; bytes: number; publisher: string }>;

/** `publisher`: the client whose message this is; null: not known. */
type Kept = Readonly<{ message: Message; publisher: string | null }>;

export class Retained {
  readonly #messages = new TopicTree<Kept>();
  #bytes = 0;
  /** How many each publisher has. */
  readonly #byPublisher = new Map<string, number>();
  /** Those that expire, and how far the round through them has come. */
  readonly #expiring = new Set<Message>();
  #round = this.#expiring.values();
  /** Those that no checkpoint has seen. */
  readonly #fresh = new Set<Kept>();
  /** Those that are stored under keys of their own, which they share with queues. */
  readonly #shared = new Set<Message>();
  readonly #ledger: Ledger;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  get count(): number {
    return this.#messages.size;
  }

  /** Of topics, payloads and properties. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Which bound this message would go beyond; null: it may be kept. One whose address has a retained message already takes its place. Asked by
   * whoever proposes: what is on its way meanwhile comes on top.
   */
  excess({ address, bytes, publisher }: Retaining, bounds: RetainedBounds): keyof RetainedBounds | null {
    const former = this.#messages.get(address);
    if (former === undefined && this.count >= bounds.messages) return 'messages';
    const freed = former === undefined ? 0 : sizeOf(former.message);
    if (this.#bytes - freed + address.length + bytes > bounds.bytes) return 'bytes';
    const isOwn = former?.publisher === publisher;
    return !isOwn && (this.#byPublisher.get(publisher) ?? 0) >= bounds.perClient ? 'perClient' : null;
  }

  /** An empty payload takes the retained message of its address away. */
  set(message: Message, publisher: string | null): void {
    this.#take(message.address);
    if (message.payload.length === 0) return;
    this.#fresh.add(this.#put(message, publisher));
    this.#ledger.began({ message, bytes: message.bytes });
  }

  /** There are some that expire. */
  get hasExpiring(): boolean {
    return this.#expiring.size > 0;
  }

  /**
   * Addresses whose messages' time is over at `now` (pair time), found among the next `count` of those that expire: call after call goes round
   * all of them.
   */
  expired(now: number, count: number): readonly string[] {
    const found: string[] = [];
    for (let left = Math.min(count, this.#expiring.size); left > 0; left -= 1) {
      let next = this.#round.next();
      if (next.done === true) {
        this.#round = this.#expiring.values();
        next = this.#round.next();
      }
      if (next.value?.hasExpired(now) === true) found.push(next.value.address);
    }
    return found;
  }

  /** The address' message goes, where its time is over at `at` (pair time). */
  expire(address: string, at: number): void {
    if (this.#messages.get(address)?.message.hasExpired(at) === true) this.#take(address);
  }

  #take(address: string): void {
    const former = this.#messages.get(address);
    if (former === undefined) return;
    const { message } = former;
    this.#messages.delete(address);
    this.#bytes -= sizeOf(message);
    this.#count(former, -1);
    this.#expiring.delete(message);
    if (this.#fresh.delete(former)) {
      this.#ledger.gone({ message, bytes: message.bytes });
      return;
    }
    this.#ledger.drop(keyOf('retained', message.place));
    if (this.#shared.delete(message)) this.#ledger.bodies.release(message.place);
  }

  /** As the stored state has it. */
  restore(place: Place, { message, publisher }: StoredRetained): void {
    const kept = message ?? this.#ledger.bodies.get(place);
    this.#put(kept, publisher);
    if (message === null) this.#shared.add(kept);
  }

  #put(message: Message, publisher: string | null): Kept {
    const kept = { message, publisher };
    this.#messages.set(message.address, kept);
    this.#bytes += sizeOf(message);
    this.#count(kept, 1);
    if (message.expiresAt !== null) this.#expiring.add(message);
    return kept;
  }

  #count({ publisher }: Kept, change: 1 | -1): void {
    if (publisher === null) return;
    const count = (this.#byPublisher.get(publisher) ?? 0) + change;
    if (count === 0) this.#byPublisher.delete(publisher);
    else this.#byPublisher.set(publisher, count);
  }

  /** The message of this address; null: there is none. */
  at(address: string): Message | null {
    return this.#messages.get(address)?.message ?? null;
  }

  /** In the order in which they were published, on both servers and after loading: the order in which a subscriber gets them. */
  matching(filter: string): readonly Message[] {
    return inOrderOfPublication(this.#messages.matching(filter).map(({ message }) => message));
  }

  /** In no order to rely on. */
  all(): Iterable<Kept> {
    return this.#messages.all();
  }

  /** Adds to the ledger what is new since the last checkpoint. */
  collect(): void {
    for (const { message, publisher } of this.#fresh) {
      message.compact();
      const isShared = this.#ledger.storesHolder(message);
      if (isShared) this.#shared.add(message);
      this.#ledger.put(keyOf('retained', message.place), retainedValue(publisher, isShared ? null : message));
    }
    this.#fresh.clear();
  }
}

const sizeOf = ({ address, bytes }: Message): number => address.length + bytes;
