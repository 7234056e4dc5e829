/**
 * All bystanders: a publisher of each version with every QoS, and consumers of each, with a clean session and with a durable one, one that comes
 * and goes, two that share. `check`: everything is there that is owed.
 */
import { v3, v5, type Packets } from '../conformance/harness/packets.ts';
import {
  Bystander,
  BystandingConsumer,
  BystandingPublisher,
  BYSTANDER,
  BYSTANDERS_TOPIC,
  Disturbed,
} from './bystander.ts';
import type { MemoryWire } from './memory-wire.ts';

const EVERYTHING = ['0', '1', '2'].map((qos) => [`${BYSTANDERS_TOPIC}+/${qos}`, 2] as const);
const KEPT = EVERYTHING.slice(1);
const SHARED = [[`$share/${BYSTANDER}/${BYSTANDERS_TOPIC}+/shared`, 2]] as const;
const FOR_EVER = [['sessionExpiry', 0xffff_ffff]] as const;
/** Each leaves four messages in its queue. */
const ROUNDS_AWAY_MAX = 10;

export class Bystanders {
  readonly #dial: () => MemoryWire;
  readonly #packetSizeMax: number;
  readonly #publishers: readonly BystandingPublisher[];
  readonly #consumers: readonly BystandingConsumer[];
  readonly #visitor: BystandingConsumer;
  #left: readonly MemoryWire[] = [];
  /** By consumer and topic: the last number that it took. */
  readonly #last = new Map<string, number>();
  readonly #shared = new Map<string, number>();
  #sharedCount = 0;
  #roundsAway = 0;
  /** Messages that were taken. */
  taken = 0;

  constructor(dial: () => MemoryWire, packetSizeMax: number) {
    this.#dial = dial;
    this.#packetSizeMax = packetSizeMax;
    this.#publishers = [
      new BystandingPublisher(v3, { clientId: `${BYSTANDER}p-3` }, packetSizeMax),
      new BystandingPublisher(v5, { clientId: `${BYSTANDER}p-5` }, packetSizeMax),
    ];
    const all = (packets: Packets, name: string, more: Parameters<typeof v5.connect>[0] = {}) =>
      this.#consumer(packets, name, EVERYTHING, more);
    this.#visitor = this.#consumer(v3, 'visitor', KEPT, { clean: false });
    this.#consumers = [
      all(v3, 'clean-3'),
      all(v5, 'clean-5', { properties: [['topicAliasMaximum', 3]] }),
      all(v3, 'durable-3', { clean: false }),
      all(v5, 'durable-5', {
        clean: false,
        keepAlive: 300,
        properties: [...FOR_EVER, ['receiveMaximum', 3]],
      }),
      this.#visitor,
      this.#sharing(v3, 'shared-3'),
      this.#sharing(v5, 'shared-5', { clean: false, properties: FOR_EVER }),
    ];
  }

  get count(): number {
    return this.#all.filter(({ wire }) => wire !== null).length;
  }

  /** Sessions that outlive their connections. */
  readonly durableCount = 4;

  connect(): void {
    for (const each of this.#all) each.connect(this.#dial());
  }

  subscribe(): void {
    for (const each of this.#consumers) each.subscribe();
  }

  /** One more round of messages. */
  publish(): void {
    // Away for longer, it would find its queue full, and the oldest gone.
    this.#roundsAway = this.isVisited ? 0 : this.#roundsAway + 1;
    if (this.#roundsAway > ROUNDS_AWAY_MAX) this.move();
    for (const each of this.#publishers) {
      for (const qos of [0, 1, 2]) each.publish(String(qos), qos);
      each.publish('shared', 1 + (this.#sharedCount % 2));
    }
    this.#sharedCount += 1;
  }

  ping(): void {
    for (const each of this.#all) if (each.isWatched) each.say(each.packets.pingreq());
  }

  /** The one that comes and goes does. */
  move(): void {
    const { wire } = this.#visitor;
    if (wire === null) this.#visitor.connect(this.#dial());
    else {
      this.#visitor.leave();
      this.#left = [...this.#left, wire];
    }
  }

  deliver(): boolean {
    this.#left = this.#left.filter(({ isGone }) => !isGone);
    const wires = [...this.#left, ...this.#all.flatMap(({ wire }) => wire ?? [])];
    return wires.map((wire) => wire.deliver()).includes(true);
  }

  hear(): boolean {
    return this.#all.map((each) => each.hear()).includes(true);
  }

  get isVisited(): boolean {
    return this.#visitor.wire !== null;
  }

  /** Throws `Disturbed` where something is missing. */
  check(): void {
    for (const publisher of this.#publishers) {
      if (!publisher.isSettled) throw new Disturbed(`${publisher.clientId} was not answered`);
      for (const [topic, number] of publisher.published) this.#checkTopic(topic, number);
    }
    for (const each of this.#consumers)
      if (!each.isSubscribed || each.isPresent === null)
        throw new Disturbed(`${each.clientId} is not subscribed`);
  }

  get #all(): readonly Bystander[] {
    return [...this.#publishers, ...this.#consumers];
  }

  #checkTopic(topic: string, number: number): void {
    if (topic.endsWith('/shared')) {
      const taken = this.#shared.get(topic) ?? 0;
      if (taken !== number) throw new Disturbed(`of ${number} on ${topic} those that share took ${taken}`);
      return;
    }
    for (const each of this.#consumers) {
      if (each.clientId.includes('shared')) continue;
      if (each === this.#visitor && (!this.isVisited || topic.endsWith('/0'))) continue;
      const last = this.#last.get(`${each.clientId} ${topic}`) ?? 0;
      if (last !== number) throw new Disturbed(`${each.clientId} has ${last} on ${topic} and not ${number}`);
    }
  }

  #took(topic: string, number: number, { clientId }: BystandingConsumer): void {
    this.taken += 1;
    if (topic.endsWith('/shared')) {
      // Each goes to one of them, and on one's own connection they come in order.
      this.#shared.set(topic, (this.#shared.get(topic) ?? 0) + 1);
      const own = `${clientId} ${topic}`;
      const last = this.#last.get(own) ?? 0;
      if (number <= last) throw new Disturbed(`${clientId} took ${number} on ${topic} after ${last}`);
      this.#last.set(own, number);
      return;
    }
    const key = `${clientId} ${topic}`;
    const last = this.#last.get(key) ?? 0;
    if (number !== last + 1) throw new Disturbed(`${clientId} took ${number} on ${topic} after ${last}`);
    this.#last.set(key, number);
  }

  #sharing(packets: Packets, name: string, more: Parameters<typeof v5.connect>[0] = {}): BystandingConsumer {
    return this.#consumer(packets, name, SHARED, more);
  }

  #consumer(
    packets: Packets,
    name: string,
    filters: readonly (readonly [string, number])[],
    more: Parameters<typeof v5.connect>[0] = {},
  ): BystandingConsumer {
    return new BystandingConsumer({
      packets,
      fields: { ...more, clientId: `${BYSTANDER}${name}` },
      packetSizeMax: this.#packetSizeMax,
      filters,
      took: (topic, number, by) => this.#took(topic, number, by),
    });
  }
}
