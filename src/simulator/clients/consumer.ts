/**
 * Consumes everything, alone or as a member of a group. A durable one subscribes once and expects its session to be there for good; a clean one
 * subscribes on each connection.
 * Both acknowledge after a while, or lose their connection instead now and then. With QoS 2 a message is consumed when it comes, and its packet
 * identifier kept until PUBREL: what comes under it before is a repeat. Source: MQTT-4.3.3-2.
 */
import type { SimQos } from './mqtt-bytes.ts';
import { SimClient, type Delivery, type SimClientParts } from './sim-client.ts';
import type { ConsumerLog, Traffic } from './traffic.ts';

const ACK_MS_MAX = 30;

export type ConsumerOptions = Readonly<{
  qos: SimQos;
  /** What the group that it is a member of has received, whoever did; null: it is a member of none. */
  group: ConsumerLog | null;
}>;

/** Whether a session has been subscribed with. */
type Subscribing = { subscribedAt: number | null };

export class Consumer {
  readonly log: ConsumerLog;
  readonly #client: SimClient;
  readonly #parts: SimClientParts;
  readonly #traffic: Traffic;
  readonly #options: ConsumerOptions;
  readonly #subscribing: Subscribing;
  /** Payloads by packet identifier. */
  readonly #unreleased = new Map<number, string>();
  #session = 0;
  /** Rises with each connection: an acknowledgement belongs to its own. */
  #connection = 0;

  /** `twinOf`: the consumer whose name this one bears as well; then it has one connection, and doesn't come back. */
  constructor(
    parts: SimClientParts,
    traffic: Traffic,
    options: Partial<ConsumerOptions> = {},
    twinOf: Consumer | null = null,
  ) {
    this.#parts = parts;
    this.#traffic = traffic;
    const { qos, group } = (this.#options = { qos: 1, group: null, ...options });
    this.log = twinOf?.log ?? group ?? traffic.consumer(parts.clientId, !parts.isClean, qos);
    if (twinOf !== null) this.#subscribing = twinOf.#subscribing;
    else this.#subscribing = group === null ? this.log : { subscribedAt: null };
    this.#client = new SimClient(parts, {
      connected: (isPresent) => this.#connected(isPresent),
      blamed: (what) => traffic.broken(`${parts.clientId} ${what}`),
      subscribed: () => {
        this.#subscribing.subscribedAt ??= parts.clock.now();
        this.log.subscribedAt ??= parts.clock.now();
      },
      delivered: (delivery) => this.#delivered(delivery),
      released: (packetId) => this.#released(packetId),
      lost: () => {
        this.#connection += 1;
        if (twinOf !== null) this.#client.die();
      },
    });
  }

  start(): void {
    this.#client.start();
  }

  stop(): void {
    this.#connection += 1;
    this.#client.stop();
  }

  /** Goes without a farewell, for good. */
  die(): void {
    this.#connection += 1;
    this.#client.die();
  }

  /** Another client of the same name: whichever connects takes the session, and what either receives the consumer has received. */
  twin(): Consumer {
    return new Consumer(this.#parts, this.#traffic, this.#options, this);
  }

  drop(): void {
    this.#client.drop();
  }

  #connected(isPresent: boolean): void {
    const { isDurable, name } = this.log;
    const { qos, group } = this.#options;
    // MQTT-3.1.2-6: a clean session begins with nothing.
    if (!isDurable) {
      this.#unreleased.clear();
      this.#session = this.#traffic.session();
    }
    if (isDurable && this.#subscribing.subscribedAt !== null) {
      if (!isPresent) this.#traffic.broken(`the durable session of ${name} is gone`);
      return;
    }
    this.#client.subscribe(group === null ? '#' : `$share/${name}/#`, qos);
  }

  #delivered(delivery: Delivery): void {
    const { qos, packetId } = delivery;
    if (qos === 2 && this.#unreleased.has(packetId)) this.#repeated(delivery);
    else this.#traffic.wasReceived(this.log, delivery, this.#session);
    if (qos === 0) return;
    if (qos === 2) this.#unreleased.set(packetId, delivery.payload);
    this.#answer(() => (qos === 1 ? this.#client.acknowledge(packetId) : this.#client.take(packetId)));
  }

  /** Source: MQTT-2.3.1-4, MQTT-3.3.1-1. */
  #repeated({ packetId, payload, isDup }: Delivery): void {
    if (this.#unreleased.get(packetId) !== payload)
      this.#traffic.broken(
        `${this.log.name} got another message under ${packetId}, which it had not released`,
      );
    if (!isDup) this.#traffic.broken(`${this.log.name} got ${packetId} again, and it was not marked DUP`);
  }

  #released(packetId: number): void {
    this.#unreleased.delete(packetId);
    this.#answer(() => this.#client.complete(packetId));
  }

  /** After a while, on the same connection; or the connection is lost. */
  #answer(send: () => void): void {
    const { clock, random } = this.#parts;
    const connection = this.#connection;
    if (random.chance(0.002)) return this.drop();
    clock.after(random.unit() * ACK_MS_MAX, () => {
      if (connection === this.#connection) send();
    });
  }
}
