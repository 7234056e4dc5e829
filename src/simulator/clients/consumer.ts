/**
 * Consumes everything. A durable one subscribes once and expects its session to be there for good; a clean one subscribes on each connection.
 * Both acknowledge after a while, or lose their connection instead now and then.
 */
import { SimClient, type Delivery, type SimClientParts } from './sim-client.ts';
import type { ConsumerLog, Traffic } from './traffic.ts';

const ACK_MS_MAX = 30;

export class Consumer {
  readonly log: ConsumerLog;
  readonly #client: SimClient;
  readonly #parts: SimClientParts;
  readonly #traffic: Traffic;
  /** Rises with each connection: an acknowledgement belongs to its own. */
  #connection = 0;

  constructor(parts: SimClientParts, traffic: Traffic) {
    this.#parts = parts;
    this.#traffic = traffic;
    this.log = traffic.consumer(parts.clientId, !parts.isClean);
    this.#client = new SimClient(parts, {
      connected: (isPresent) => this.#connected(isPresent),
      subscribed: () => {
        this.log.subscribedAt ??= parts.clock.now();
      },
      delivered: (delivery) => this.#delivered(delivery),
      lost: () => {
        this.#connection += 1;
      },
    });
  }

  start(): void {
    this.#client.start();
  }

  stop(): void {
    this.#client.stop();
  }

  drop(): void {
    this.#client.drop();
  }

  #connected(isPresent: boolean): void {
    const { isDurable, subscribedAt, name } = this.log;
    if (isDurable && subscribedAt !== null) {
      if (!isPresent) this.#traffic.broken(`the durable session of ${name} is gone`);
      return;
    }
    this.#client.subscribe('#');
  }

  #delivered(delivery: Delivery): void {
    this.#traffic.wasReceived(this.log, delivery);
    if (delivery.packetId === 0) return;
    const { clock, random } = this.#parts;
    const connection = this.#connection;
    if (random.chance(0.002)) return this.drop();
    clock.after(random.unit() * ACK_MS_MAX, () => {
      if (connection === this.#connection) this.#client.acknowledge(delivery.packetId);
    });
  }
}
