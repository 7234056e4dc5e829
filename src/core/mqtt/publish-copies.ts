/**
 * Packets of one message for many clients: made once for all that get it alike, with the packet identifier of each put into a copy; with
 * QoS 0 they all get the same bytes. What is kept is short and of the last messages only, until `clear`, which is due at the end of each
 * round of deliveries: it holds on to the messages as well.
 */
import { LEVEL } from './fields.ts';
import type { PublishContent, PublishMarks } from './packet-writer.ts';
import type { Level } from './packet.ts';
import { DUP, encodePublish, publishFlags } from './publish.ts';
import { varintSize } from './wire.ts';

/** A longer packet is not kept: copying it is what takes the time, and `publishHead` spares that. */
const PACKET_BYTES_MAX = 4096;
/** With the longest packets that is 4 MiB. As many as ten bits tell apart. */
const PLACES = 1024;

type Kept = Readonly<{
  content: PublishContent;
  level: Level;
  /** The first byte, without DUP. */
  flags: number;
  expirySeconds: number | null;
  packet: Buffer;
}>;

export class PublishCopies {
  readonly #places: (Kept | null)[] = Array.from({ length: PLACES }, () => null);
  /** Places that are taken. */
  #taken: number[] = [];

  /** For a client without an alias and subscription identifiers. */
  publish(level: Level, content: PublishContent, marks: PublishMarks): Buffer {
    if (content.payload.length > PACKET_BYTES_MAX) return encodePublish(level, content, marks, true);
    const flags = publishFlags(marks) & ~DUP;
    const expirySeconds = level === LEVEL.v5 ? marks.expirySeconds : null;
    const place = placeOf(content, level, flags);
    const kept = this.#places[place] ?? null;
    if (
      kept !== null &&
      kept.content === content &&
      kept.level === level &&
      kept.flags === flags &&
      kept.expirySeconds === expirySeconds
    )
      return marks.qos === 0 ? kept.packet : copyOf(kept, marks);
    const packet = encodePublish(level, content, marks, true);
    if (packet.length > PACKET_BYTES_MAX) return packet;
    if (kept === null) this.#taken.push(place);
    this.#places[place] = { content, level, flags, expirySeconds, packet };
    return packet;
  }

  /** Lets go of all messages and their packets. */
  clear(): void {
    if (this.#taken.length === 0) return;
    for (const place of this.#taken) this.#places[place] = null;
    this.#taken = [];
  }
}

/**
 * Where a message's packet of this kind is kept, if it is: some number that differs from message to message. They lie one behind another in
 * what came from the network or in a batch, so where the payload lies is one. Two that meet in a place make way for each other.
 */
const placeOf = ({ payload }: PublishContent, level: Level, flags: number): number =>
  // Fibonacci hashing: the highest ten bits of the product, so that even distances between messages spread as well.
  Math.imul(payload.byteOffset + level + flags, 0x9e37_79b1) >>> 22;

function copyOf({ packet, flags }: Kept, { packetId, isDup }: PublishMarks): Buffer {
  const bytes = Buffer.allocUnsafe(packet.length);
  bytes.set(packet);
  bytes[0] = flags + (isDup ? DUP : 0);
  const nameAt = 1 + varintSize(packet.length - 2);
  const idAt = nameAt + 2 + bytes.readUInt16BE(nameAt);
  bytes[idAt] = packetId >> 8;
  bytes[idAt + 1] = packetId;
  return bytes;
}
