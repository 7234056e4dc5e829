/**
 * A message as the broker holds it: one body, shared by every queue that it stands in. Its name is the place of its operation in the
 * journal, so both servers call it the same.
 */

/** 0: to whoever is connected. 1: kept until the consumer has settled it. 2: that, and never given to it twice. */
export type Qos = 0 | 1 | 2;

export const lowerQos = (a: Qos, b: Qos): Qos => (a < b ? a : b);

/** The place of an operation in the journal: its entry's seq and its number within that entry, from 0. */
export type Place = Readonly<{ seq: number; index: number }>;

export class Message {
  readonly place: Place;
  readonly address: string;
  readonly qos: Qos;
  /** Queues of durable sessions, and the retained slot, that hold it: 0 means that the stored state does not know it. */
  refs = 0;
  /** The stored state has it. */
  isStored = false;
  #payload: Uint8Array;
  #isCompact = false;

  constructor(place: Place, address: string, payload: Uint8Array, qos: Qos) {
    this.place = place;
    this.address = address;
    this.qos = qos;
    this.#payload = payload;
  }

  /** A view into the journal entry it came with, until `compact`. */
  get payload(): Uint8Array {
    return this.#payload;
  }

  /** Lets go of the entry: a small message that stays must not keep a big batch in memory. */
  compact(): void {
    if (this.#isCompact) return;
    this.#isCompact = true;
    this.#payload = Buffer.from(this.#payload);
  }
}
