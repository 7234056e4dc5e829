/**
 * A message as the broker holds it: one body, shared by every queue that it stands in. Its name is the place of its operation in the
 * journal, so both servers call it the same.
 */

/** 0: to whoever is connected. 1: kept until the consumer has settled it. 2: that, and never given to it twice. */
export type Qos = 0 | 1 | 2;

export const lowerQos = (a: Qos, b: Qos): Qos => (a < b ? a : b);

/** The place of an operation in the journal: its entry's seq and its number within that entry, from 0. */
export type Place = Readonly<{ seq: number; index: number }>;

export const NO_PROPERTIES: Uint8Array = new Uint8Array(0);

/** What a publisher gives, however it comes: by an operation, as a will, or past the journal. */
export type Content = Readonly<{
  address: string;
  payload: Uint8Array;
  qos: Qos;
  /** It is to be kept for those who subscribe later. */
  isRetained: boolean;
  /**
   * What goes along with the payload and is passed on unaltered: MQTT 5's payload format, content type, response topic, correlation data and
   * user properties, as a PUBLISH has them, without their length. Empty mostly. Source: MQTT 5.0 §3.3.2.3.
   */
  properties: Uint8Array;
  /** Pair time (ms) from which on nobody is given it; null: never. */
  expiresAt: number | null;
}>;

export class Message {
  readonly place: Place;
  readonly address: string;
  readonly qos: Qos;
  /** It came to be kept: for subscribers who want to be told so. */
  readonly isRetained: boolean;
  readonly expiresAt: number | null;
  /** Queued and retained holders of it, in what both servers keep, that no checkpoint has seen. */
  refs = 0;
  /** Places in queues that are in memory alone (see local-queues.ts). */
  localPlaces = 0;
  /** The stored state may have it under a key of its own. */
  mayBeShared = false;
  #payload: Uint8Array;
  #properties: Uint8Array;
  #isCompact = false;

  constructor(place: Place, content: Content) {
    this.place = place;
    this.address = content.address;
    this.qos = content.qos;
    this.isRetained = content.isRetained;
    this.expiresAt = content.expiresAt;
    this.#payload = content.payload;
    this.#properties = content.properties;
  }

  /** A view into the journal entry it came with, until `compact`. */
  get payload(): Uint8Array {
    return this.#payload;
  }

  /** The same. */
  get properties(): Uint8Array {
    return this.#properties;
  }

  /** Of payload and properties. */
  get bytes(): number {
    return this.#payload.length + this.#properties.length;
  }

  hasExpired(now: number): boolean {
    return this.expiresAt !== null && this.expiresAt <= now;
  }

  /** Lets go of the entry: a small message that stays must not keep a big batch in memory. */
  compact(): void {
    if (this.#isCompact) return;
    this.#isCompact = true;
    this.#payload = Buffer.from(this.#payload);
    if (this.#properties.length > 0) this.#properties = Buffer.from(this.#properties);
  }
}
