/**
 * Publishes numbered messages, mostly with QoS 1, some retained, some with QoS 0, and half with QoS 2 where its session is durable; keeps what
 * is not acknowledged to the end and says it again on the next connection, in order and first of all. Source: MQTT-4.4.0-1, MQTT-4.3.3-1.
 */
import type { SimRandom } from '../time/sim-random.ts';
import type { SimQos } from './mqtt-bytes.ts';
import { SimClient, type SimClientParts } from './sim-client.ts';
import type { SentMessage, Traffic } from './traffic.ts';

/** The names that publishers may have. */
export const PUBLISHERS = ['p1', 'p2', 'p3'] as const;

/** One that speaks MQTT 5. */
export const PUBLISHER_5 = 'p5';

const UNACKNOWLEDGED_MAX = 20;
const FILLER_BYTES = { usual: 120, rare: 3_000 };

export class Publisher {
  readonly #client: SimClient;
  readonly #parts: SimClientParts;
  readonly #traffic: Traffic;
  readonly #random: SimRandom;
  readonly #intervalMs: number;
  /** Neither PUBACK nor PUBREC has come for these. */
  readonly #waiting = new Map<number, SentMessage>();
  /** PUBREC has come for these, PUBCOMP not yet. */
  readonly #releasing = new Set<number>();
  #hasSession = false;
  /**
   * One for all: order is promised for one QoS only (MQTT-4.6.0-6). What is sent again with QoS 1 would be retained behind a later message with
   * QoS 2, whose repeat is known and goes no further.
   */
  readonly #retainedQos: SimQos;
  #number = 0;
  #isMaking = false;

  constructor(parts: SimClientParts, traffic: Traffic, intervalMs: number) {
    this.#parts = parts;
    this.#traffic = traffic;
    this.#random = parts.random;
    this.#intervalMs = intervalMs;
    this.#retainedQos = this.#drawKeptQos();
    this.#client = new SimClient(parts, {
      connected: (isPresent) => this.#connected(isPresent),
      blamed: (what) => traffic.broken(`${parts.clientId} ${what}`),
      acknowledged: (packetId) => this.#acknowledged(packetId, 'PUBACK'),
      taken: (packetId) => this.#taken(packetId),
      completed: (packetId) => void this.#releasing.delete(packetId),
    });
  }

  start(): void {
    this.#isMaking = true;
    this.#client.start();
    this.#later();
  }

  /** Makes nothing new; what is not acknowledged is still sent. */
  finish(): void {
    this.#isMaking = false;
  }

  /** Everything it has made is acknowledged to the end. */
  get isDrained(): boolean {
    return this.#waiting.size + this.#releasing.size === 0;
  }

  stop(): void {
    this.#client.stop();
  }

  drop(): void {
    this.#client.drop();
  }

  #later(): void {
    this.#parts.clock.after(this.#random.unit() * 2 * this.#intervalMs, () => {
      if (!this.#isMaking) return;
      if (this.#waiting.size + this.#releasing.size < UNACKNOWLEDGED_MAX) this.#make();
      this.#later();
    });
  }

  #make(): void {
    this.#number += 1;
    const packetId = (this.#number % 0xffff) + 1;
    const { clientId } = this.#client;
    const isRetained = this.#random.chance(0.1);
    const filler = this.#random.below(this.#random.chance(0.03) ? FILLER_BYTES.rare : FILLER_BYTES.usual);
    const message: SentMessage = {
      id: `${clientId}:${this.#number}`,
      publisher: clientId,
      number: this.#number,
      topic: `${isRetained ? 'kept' : 'plain'}/${clientId}`,
      payload: `${clientId}:${this.#number}|${'x'.repeat(filler)}`,
      qos: this.#drawQos(isRetained),
      isRetained,
      sentAt: null,
      isSentAgain: false,
      isAcknowledged: false,
    };
    this.#traffic.made(message);
    if (message.qos !== 0) this.#waiting.set(packetId, message);
    this.#send(message, packetId);
  }

  #drawQos(isRetained: boolean): SimQos {
    if (isRetained) return this.#retainedQos;
    return this.#random.chance(0.1) ? 0 : this.#drawKeptQos();
  }

  #drawKeptQos(): SimQos {
    return !this.#parts.isClean && this.#random.chance(0.5) ? 2 : 1;
  }

  #send(message: SentMessage, packetId: number): void {
    if (!this.#client.isConnected) return;
    const isDup = message.sentAt !== null;
    message.isSentAgain = isDup;
    message.sentAt ??= this.#parts.clock.now();
    const { topic, payload, qos, isRetained } = message;
    this.#client.publish({ topic, payload, qos, packetId, isRetained, isDup });
  }

  #connected(isPresent: boolean): void {
    const { clientId, isClean } = this.#parts;
    if (this.#hasSession && !isPresent && !isClean)
      this.#traffic.broken(`the durable session of ${clientId} is gone`);
    this.#hasSession = true;
    for (const packetId of this.#releasing) this.#client.release(packetId);
    for (const [packetId, message] of this.#waiting) this.#send(message, packetId);
  }

  #acknowledged(packetId: number, by: 'PUBACK' | 'PUBREC'): void {
    const message = this.#waiting.get(packetId);
    if (message === undefined || message.sentAt === null || (message.qos === 2) !== (by === 'PUBREC'))
      return this.#traffic.broken(
        `${this.#client.clientId} got a ${by} for ${packetId}, which waits for none`,
      );
    this.#waiting.delete(packetId);
    this.#traffic.wasAcknowledged(message);
  }

  #taken(packetId: number): void {
    if (!this.#releasing.has(packetId)) this.#acknowledged(packetId, 'PUBREC');
    this.#releasing.add(packetId);
    this.#client.release(packetId);
  }
}
