/**
 * Retained messages that are still to come to a session whose filter has wildcards, so that there may be a million of them: they are brought
 * in pieces, as fast as the client takes them. Both servers know how far each recall has come; which addresses its filter matches, only who
 * serves looks up. A recall has what was published up to the place where its subscription began, in the order of publication: whatever is
 * published later comes by itself, and what has taken a message's place or taken it away meanwhile leaves nothing to bring. With QoS 0 nothing comes
 * by itself to a client that is away: so what it would get with QoS 0 is brought up to where it came back.
 * Source: MQTT-3.3.1-6 of 3.1.1; MQTT 5.0 §3.3.1.3.
 */
import { lowerQos, type Message, type Place, type Qos } from './message.ts';
import { NOWHERE } from './stored.ts';

/** Of one filter: messages published after `after`, up to `through`; those that go out with QoS 0, up to `passingThrough`. */
export type Recall = Readonly<{ filter: string; after: Place; through: Place; passingThrough: Place }>;

/** As of the operation `recall`. */
export type RecallPiece = Readonly<{
  filter: string;
  through: Place;
  addresses: readonly string[];
  after: Place | null;
}>;

export const isAfter = (a: Place, b: Place): boolean =>
  a.seq > b.seq || (a.seq === b.seq && a.index > b.index);

const isSame = (a: Place, b: Place): boolean => a.seq === b.seq && a.index === b.index;

/** Of one session, one for each filter. */
export class Recalls {
  readonly #byFilter = new Map<string, Recall>();

  get isEmpty(): boolean {
    return this.#byFilter.size === 0;
  }

  all(): Iterable<Recall> {
    return this.#byFilter.values();
  }

  /** The next to be brought on; null: there is none. */
  get first(): Recall | null {
    for (const recall of this.all()) return recall;
    return null;
  }

  /** One that is under way begins anew. */
  begin(filter: string, through: Place): void {
    this.restore({ filter, after: NOWHERE, through, passingThrough: through });
  }

  restore(recall: Recall): void {
    this.#byFilter.set(recall.filter, recall);
  }

  /** The recall that the piece is of; null: it is over, or has begun anew since the piece was cut. */
  of({ filter, through }: RecallPiece): Recall | null {
    const recall = this.#byFilter.get(filter) ?? null;
    return recall !== null && isSame(recall.through, through) ? recall : null;
  }

  /** The client has come back with the operation there. */
  cameBack(place: Place): void {
    for (const recall of this.all()) this.restore({ ...recall, passingThrough: place });
  }

  /** The piece was brought. */
  cameTo(recall: Recall, after: Place | null): void {
    if (after === null) this.end(recall.filter);
    // Two connections of a client's, one after the other, may have cut the same piece.
    else if (isAfter(after, recall.after)) this.#byFilter.set(recall.filter, { ...recall, after });
  }

  /** There is no such subscription any more. */
  end(filter: string): void {
    this.#byFilter.delete(filter);
  }
}

/** The message is part of the recall. `granted`: by the subscription. */
export const isOf = ({ place, qos }: Message, recall: Recall, granted: Qos): boolean =>
  isAfter(place, recall.after) &&
  !isAfter(place, lowerQos(qos, granted) === 0 ? recall.passingThrough : recall.through);
