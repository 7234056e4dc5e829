/**
 * One client's subscriptions and queue. Durable: part of the replicated state, the same on both servers, and there when nobody is
 * connected. Not durable: known to the serving server alone, and gone with its connection.
 */
import { Handshakes } from './handshakes.ts';
import type { Message, Place, Qos } from './message.ts';
import { Queue } from './queue.ts';

/** A message for whoever is connected just now; it stands in no queue and is never sent twice. */
export type Passing = Readonly<{ message: Message; isRetained: boolean }>;

export class Session {
  readonly clientId: string;
  /** The place of the operation that began it; null for a session that is not durable. */
  readonly place: Place | null;
  readonly filters = new Map<string, Qos>();
  readonly queue: Queue;
  /** Of a session that is not durable they stay empty: what it has half done ends with its connection. */
  handshakes = new Handshakes();
  queueMessagesMax: number;

  /** A connection of this server delivers from it. */
  isAttached = false;
  /** It is on the list of those that have something new. */
  isReady = false;
  #passing: Passing[] = [];

  /** The stored state has the session itself, as it now is. */
  isStored = false;
  /** The stored state has the session, as it now is or as it was. */
  wasStored = false;
  /** Everything numbered below was seen by a checkpoint: stored then, or settled before. */
  storedThrough = 0;

  constructor(clientId: string, place: Place | null, queueMessagesMax: number, queue = new Queue()) {
    this.clientId = clientId;
    this.place = place;
    this.queueMessagesMax = queueMessagesMax;
    this.queue = queue;
  }

  get isDurable(): boolean {
    return this.place !== null;
  }

  pass(passing: Passing): void {
    this.#passing.push(passing);
  }

  /** Takes what came with QoS 0 since it was last asked. */
  takePassing(): readonly Passing[] {
    const taken = this.#passing;
    if (taken.length > 0) this.#passing = [];
    return taken;
  }
}
