/**
 * A page of a queue as bytes: its messages one after the other, oldest first.
 *
 *     flags (1: retained, 2: QoS 2, 4: the message has a key of its own, 8: subscription ids), u16 number less the page's first,
 *     message's place (u64 seq, u32 index), list of u32 subscription ids if any, then content (see bits.ts), or of a message with a
 *     key of its own u32 the size of its payload and properties
 *
 * Source: PROTOCOL.md §1 (state).
 */
import { ByteReader, ByteWriter, present } from '../../base/index.ts';
import { decodeContent, encodeContent, list, writeList } from './bits.ts';
import type { Bodies } from './bodies.ts';
import { Message, type Place } from './message.ts';
import { NO_IDS, type Marks, type Queued, type QueuedQos } from './queue.ts';

const [RETAINED, QOS_2, SHARED, IDS] = [1, 2, 4, 8] as const;

/** One message of a page. */
export class Entry implements Queued {
  readonly number: number;
  readonly isRetained: boolean;
  readonly qos: QueuedQos;
  readonly ids: readonly number[];
  readonly place: Place;
  /** Of its message. */
  readonly bytes: number;
  /** It is stored, and the message has a key of its own. */
  isShared = false;
  readonly #bodies: Bodies | null;
  #message: Message | null;

  /** `of`: the message, or how to get it when it is asked for. */
  constructor(
    number: number,
    { isRetained, qos, ids }: Marks,
    of: Message | Readonly<{ place: Place; bytes: number; bodies: Bodies }>,
  ) {
    this.number = number;
    this.isRetained = isRetained;
    this.qos = qos;
    this.ids = ids;
    this.place = of.place;
    this.bytes = of.bytes;
    this.#message = of instanceof Message ? of : null;
    this.#bodies = of instanceof Message ? null : of.bodies;
  }

  get message(): Message {
    if (this.#message === null && this.#bodies !== null) this.#message = this.#bodies.get(this.place);
    return present(this.#message, 'the message of an entry');
  }

  /** Lets go of the journal's entry that the message came with. */
  compact(): void {
    this.#message?.compact();
  }
}

/** What stands before the content, and its own head, at most: for the size of a writer. */
export const ENTRY_HEAD_BYTES = 48;

export function packPage(first: number, entries: readonly (Entry | null)[], bytes: number): Buffer {
  const writer = new ByteWriter(bytes);
  for (const entry of entries) if (entry !== null) packEntry(writer, entry, entry.number - first);
  return writer.taken();
}

function packEntry(writer: ByteWriter, entry: Entry, offset: number): void {
  const { isRetained, qos, ids, isShared, place } = entry;
  const bits =
    (isRetained ? RETAINED : 0) +
    (qos === 2 ? QOS_2 : 0) +
    (isShared ? SHARED : 0) +
    (ids.length > 0 ? IDS : 0);
  writer.u8(bits).u16(offset).u64(place.seq).u32(place.index);
  if (ids.length > 0) writeList(writer, ids, (id) => writer.u32(id));
  if (isShared) writer.u32(entry.bytes);
  else encodeContent(writer, entry.message);
}

/** In their order. Payloads are views into `packed`. */
export function* unpackPage(first: number, packed: Buffer, bodies: Bodies): Iterable<Entry> {
  const reader = new ByteReader(packed);
  while (reader.left > 0) {
    const bits = reader.u8();
    const number = first + reader.u16();
    const place = { seq: reader.u64(), index: reader.u32() };
    const ids = (bits & IDS) === 0 ? NO_IDS : list(reader, () => reader.u32());
    const marks: Marks = { isRetained: (bits & RETAINED) !== 0, qos: (bits & QOS_2) === 0 ? 1 : 2, ids };
    if ((bits & SHARED) === 0) yield new Entry(number, marks, new Message(place, decodeContent(reader)));
    else {
      const entry = new Entry(number, marks, { place, bytes: reader.u32(), bodies });
      entry.isShared = true;
      yield entry;
    }
  }
}
