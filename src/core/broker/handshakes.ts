/**
 * What a durable session remembers so that no message with QoS 2 is taken from its client twice or given to it twice, whichever server serves:
 * part of the replicated state, changed by committed operations only. Source: MQTT-4.3.3-1, MQTT-4.3.3-2, MQTT-4.4.0-1.
 *
 * The spec's figure 4.3 has two methods for the receiver. This is method B: a message goes on to its subscribers when it comes, and only its
 * packet identifier is kept until the client releases it. Method A would keep the whole message until then and let it go on a round later.
 */
export type StoredHandshakes = Readonly<{
  assignedThrough: number;
  received: Iterable<number>;
  releasing: Iterable<number>;
}>;

export class Handshakes {
  /** Packet identifiers of messages that came from the client and were not released by it yet. */
  readonly received: Set<number>;
  /** The queue's messages numbered below may be on their way with QoS 2; none from here on is. A full queue keeps its hands off them. */
  assignedThrough: number;
  /** Numbers of messages that the client has taken and not completed: each is told PUBREL, in this order. Source: MQTT-4.6.0-4. */
  readonly releasing: Set<number>;

  /** The stored state has them as they now are. */
  isStored = true;
  /** The stored state has a key for them. */
  wasStored = false;

  constructor(stored: StoredHandshakes = { assignedThrough: 0, received: [], releasing: [] }) {
    this.assignedThrough = stored.assignedThrough;
    this.received = new Set(stored.received);
    this.releasing = new Set(stored.releasing);
  }

  /** A session without QoS 2 has nothing to store. */
  get isEmpty(): boolean {
    return this.assignedThrough === 0 && this.received.size === 0 && this.releasing.size === 0;
  }
}
