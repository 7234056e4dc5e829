/**
 * Bodies of messages that several stand for: the stored state has each once, under a key of its own, beside the number of its stored holders,
 * queued or retained; the last holder's release takes both away. A message with one holder is stored within it and never comes here.
 *
 * Holders are counted from the checkpoint that stores them; before, `Message.refs` does it. In memory is only what the store that can be read
 * does not have as it now is. Source: PROTOCOL.md §1 (state).
 */
import { assert, present } from '../../base/index.ts';
import type { Message, Place } from './message.ts';
import type { StateReader } from './state-reader.ts';
import {
  holdersFrom,
  holdersValue,
  keyOf,
  LazyChange,
  messageFrom,
  messageValue,
  placeText,
  type Change,
} from './stored.ts';

type Body = {
  readonly place: Place;
  holders: number;
  /** The stored state has it, or will with the checkpoint under way. */
  isStored: boolean;
  /** For as long as the store may not give it. */
  message: Message | null;
  /** The checkpoint that stores it as it now is. */
  changedIn: number;
};

/** What is known of a body takes so much, roughly; the message itself is counted with its holders. */
const BODY_MEMORY_BYTES = 300;

export class Bodies {
  readonly #reader: StateReader;
  /** By place. */
  readonly #known = new Map<string, Body>();
  /** Those that the next checkpoint has to look at. */
  #changed = new Set<Body>();
  /** Those that checkpoints not yet durable have written. */
  #written: Body[] = [];

  constructor(reader: StateReader) {
    this.#reader = reader;
  }

  /** What they take in memory, roughly. */
  get memoryBytes(): number {
    return this.#known.size * BODY_MEMORY_BYTES;
  }

  /**
   * A checkpoint stores a holder of the message. True: the message has, or gets, a key of its own, and the holder is to name it by its place;
   * false: the holder is the only one, and is to be stored with the message in it.
   */
  hold(message: Message): boolean {
    const found = message.mayBeShared ? this.#find(message.place) : null;
    if ((found?.holders ?? 0) === 0 && message.refs < 2) return false;
    const body = found ?? this.#find(message.place) ?? this.#begin(message.place);
    if (!body.isStored) body.message = message;
    message.mayBeShared = true;
    body.holders += 1;
    this.#changed.add(body);
    return true;
  }

  /** A stored holder is gone. */
  release(place: Place): void {
    const body = present(this.#find(place), `the body at ${placeText(place)}`);
    assert(body.holders > 0, `the body at ${placeText(place)} has no holder`);
    body.holders -= 1;
    this.#changed.add(body);
  }

  get(place: Place): Message {
    const known = this.#known.get(placeText(place))?.message;
    if (known !== null && known !== undefined) return known;
    const value = present(this.#reader.get(keyOf('message', place)), `the body at ${placeText(place)}`);
    const message = messageFrom(place, value);
    message.mayBeShared = true;
    return message;
  }

  /** What has changed since the last checkpoint, for this one. */
  *collect(checkpoint: number): Iterable<Change> {
    for (const body of this.#changed) {
      const { place, holders, isStored, message } = body;
      const keys = { body: keyOf('message', place), holders: keyOf('holders', place) };
      if (holders > 0) {
        if (!isStored && message !== null) yield new LazyChange(keys.body, () => messageValue(message));
        yield { key: keys.holders, value: holdersValue(holders) };
      } else if (isStored) {
        yield { key: keys.body, value: null };
        yield { key: keys.holders, value: null };
      }
      body.isStored = holders > 0;
      body.changedIn = checkpoint;
      this.#written.push(body);
    }
    this.#changed = new Set();
  }

  /** The store gives what checkpoints up to this one have stored. */
  stored(checkpoint: number): void {
    for (const body of this.#written)
      if (body.changedIn <= checkpoint && !this.#changed.has(body)) this.#known.delete(placeText(body.place));
    this.#written = this.#written.filter(({ changedIn }) => changedIn > checkpoint);
  }

  #find(place: Place): Body | null {
    const known = this.#known.get(placeText(place));
    if (known !== undefined) return known;
    const value = this.#reader.get(keyOf('holders', place));
    return value === null ? null : this.#know({ holders: holdersFrom(value), isStored: true }, place);
  }

  #begin(place: Place): Body {
    return this.#know({ holders: 0, isStored: false }, place);
  }

  #know(of: Pick<Body, 'holders' | 'isStored'>, place: Place): Body {
    const body: Body = { place, ...of, message: null, changedIn: 0 };
    this.#known.set(placeText(place), body);
    return body;
  }
}
