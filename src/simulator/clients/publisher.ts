/**
 * Publishes numbered messages, mostly with QoS 1, some retained, some with QoS 0; keeps what is not acknowledged and sends it again on the
 * next connection, in order and first of all. Source: MQTT-4.4.0-1.
 */
import type { SimRandom } from '../sim-random.ts';
import { SimClient, type SimClientParts } from './sim-client.ts';
import type { SentMessage, Traffic } from './traffic.ts';

const UNACKNOWLEDGED_MAX = 20;
const FILLER_BYTES = { usual: 120, rare: 3_000 };

export class Publisher {
  readonly #client: SimClient;
  readonly #parts: SimClientParts;
  readonly #traffic: Traffic;
  readonly #random: SimRandom;
  readonly #intervalMs: number;
  readonly #waiting = new Map<number, SentMessage>();
  #number = 0;
  #isMaking = false;

  constructor(parts: SimClientParts, traffic: Traffic, intervalMs: number) {
    this.#parts = parts;
    this.#traffic = traffic;
    this.#random = parts.random;
    this.#intervalMs = intervalMs;
    this.#client = new SimClient(parts, {
      connected: () => this.#sendAgain(),
      acknowledged: (packetId) => this.#acknowledged(packetId),
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

  /** Everything it has made is acknowledged. */
  get isDrained(): boolean {
    return this.#waiting.size === 0;
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
      if (this.#waiting.size < UNACKNOWLEDGED_MAX) this.#make();
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
      isRetained,
      sentAt: null,
      isAcknowledged: false,
    };
    this.#traffic.made(message);
    if (!isRetained && this.#random.chance(0.1)) return this.#send(message, 0);
    this.#waiting.set(packetId, message);
    this.#send(message, packetId);
  }

  #send(message: SentMessage, packetId: number): void {
    if (!this.#client.isConnected) return;
    const isDup = message.sentAt !== null;
    message.sentAt ??= this.#parts.clock.now();
    const { topic, payload, isRetained } = message;
    this.#client.publish({ topic, payload, packetId, isRetained, isDup });
  }

  #sendAgain(): void {
    for (const [packetId, message] of this.#waiting) this.#send(message, packetId);
  }

  #acknowledged(packetId: number): void {
    const message = this.#waiting.get(packetId);
    if (message === undefined || message.sentAt === null)
      return this.#traffic.broken(
        `${this.#client.clientId} got a PUBACK for ${packetId}, which it never sent`,
      );
    this.#waiting.delete(packetId);
    this.#traffic.wasAcknowledged(message);
  }
}
