/**
 * What the stored state has and should have no longer. Only keys that a checkpoint has written are ever taken away: what came and went
 * between two checkpoints leaves no trace. Messages are shared; the last holder's release takes the body away.
 */
import type { Message } from './message.ts';
import { keyOf, messageValue, type Change } from './stored.ts';

/** A part of the state that adds to the ledger what is new in it since the last checkpoint. */
export interface Collected {
  collect(): void;
}

export class Ledger {
  #changes: Change[] = [];
  /** Those that the next checkpoint has to look at. */
  readonly #touched = new Set<Collected>();

  /** Something is new in it. */
  touch(part: Collected): void {
    this.#touched.add(part);
  }

  /** It is gone, or as it was. */
  untouch(part: Collected): void {
    this.#touched.delete(part);
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.#changes.push({ key, value });
  }

  drop(key: Uint8Array): void {
    this.#changes.push({ key, value: null });
  }

  hold(message: Message): void {
    message.refs += 1;
  }

  release(message: Message): void {
    message.refs -= 1;
    if (message.refs === 0 && message.isStored) this.drop(keyOf('message', message.place));
  }

  /** A holder is being stored, so its message must be too. */
  store(message: Message): void {
    message.compact();
    if (message.isStored) return;
    message.isStored = true;
    this.put(keyOf('message', message.place), messageValue(message));
  }

  /** All changes since it was last asked, with what is new in the parts that were touched. */
  take(): Change[] {
    for (const part of this.#touched) part.collect();
    this.#touched.clear();
    const taken = this.#changes;
    this.#changes = [];
    return taken;
  }
}
