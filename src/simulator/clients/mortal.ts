/**
 * A client with a will. It lives until it dies without a farewell, for good, or says farewell; then another is born under another name. Each
 * connection has a will of its own, so that what is published tells whose it was. Source: MQTT-3.1.2-8, MQTT-3.14.4-3.
 */
import { SimClient, type SimClientParts } from './sim-client.ts';
import type { SentMessage, Traffic } from './traffic.ts';

/** The will of one connection that was accepted. */
export type WillLog = Readonly<{
  message: SentMessage;
  /** When its client had gone, and how. */
  endedAt: number;
  end: 'died' | 'farewell';
  /** Wills of the same client's CONNECTs that were never answered: one that hung on its way takes the place of a later one, and leaves its own. */
  hanging: readonly string[];
}>;

export class Mortal {
  readonly #parts: SimClientParts;
  readonly #traffic: Traffic;
  readonly #wills: WillLog[] = [];
  #client: SimClient | null = null;
  #lives = 0;
  #connections = 0;
  #will: SentMessage | null = null;
  /** Of this life. */
  #unanswered: string[] = [];

  constructor(parts: SimClientParts, traffic: Traffic) {
    this.#parts = parts;
    this.#traffic = traffic;
  }

  /** Of those that have gone with a connection that stood. */
  get wills(): readonly WillLog[] {
    return this.#wills;
  }

  get isConnected(): boolean {
    return this.#client?.isConnected === true;
  }

  start(): void {
    this.#lives += 1;
    const clientId = `${this.#parts.clientId}-${this.#lives}`;
    this.#unanswered = [];
    this.#client = new SimClient(
      { ...this.#parts, clientId },
      {
        will: () => this.#nextWill(),
        connected: () => this.#unanswered.pop(),
      },
    );
    this.#client.start();
  }

  drop(): void {
    this.#client?.drop();
  }

  /** Gone without a farewell; another is born. */
  die(): void {
    this.#note('died');
    this.#client?.die();
    this.start();
  }

  /** Gone with a farewell, which arrives: for when all is well. */
  sayFarewell(): void {
    this.#note('farewell');
    this.#client?.stop();
    this.#client = null;
  }

  /** What a client whose last connection did not stand has left is not known: the server may have taken its CONNECT or not. */
  #note(end: WillLog['end']): void {
    const message = this.#will;
    if (message === null || !this.isConnected) return;
    this.#wills.push({ message, endedAt: this.#parts.clock.now(), end, hanging: this.#unanswered });
  }

  #nextWill(): { topic: string; payload: string } {
    this.#connections += 1;
    const { clientId, clock } = this.#parts;
    const id = `${clientId}:${this.#connections}`;
    this.#will = {
      id,
      // Each connection is a publisher of its own: a CONNECT that hung on its way comes after later ones, and so does its will.
      publisher: id,
      number: this.#connections,
      topic: `wills/${clientId}`,
      payload: `${id}|`,
      qos: 1,
      isRetained: false,
      sentAt: clock.now(),
      isSentAgain: false,
      isAcknowledged: false,
    };
    this.#unanswered.push(id);
    this.#traffic.made(this.#will);
    return this.#will;
  }
}
