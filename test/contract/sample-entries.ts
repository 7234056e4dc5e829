/** Journal entries in a row, as a serving server would make them: each follows the one before, a claim opens each epoch. */
import { ByteWriter } from '../../src/base/index.ts';
import { claimId, epoch, seq } from '../../src/core/pair/index.ts';
import {
  follow,
  journalStart,
  openEntry,
  sealEntry,
  type Entry,
  type EntryKind,
  type Position,
} from '../../src/core/replication/index.ts';

export class SampleEntries {
  position: Position;
  readonly all: Entry[] = [];
  #committed = 0;

  constructor(position: Position = journalStart) {
    this.position = position;
  }

  claim(number: number, id = `claim-${number}`): Entry {
    return this.#seal('claim', number, Buffer.from(claimId(id)));
  }

  batch(body: string | Buffer = `body of ${this.position.last.seq + 1}`): Entry {
    return this.#seal('batch', this.position.last.epoch, Buffer.from(body));
  }

  batches(count: number, bytes = 20): Entry[] {
    return Array.from({ length: count }, () =>
      this.batch(Buffer.alloc(bytes, `${this.position.last.seq + 1} `)),
    );
  }

  /** What later entries say of the commit index. */
  committed(at: number): this {
    this.#committed = at;
    return this;
  }

  #seal(kind: EntryKind, number: number, body: Buffer): Entry {
    const writer = new ByteWriter();
    openEntry(writer);
    writer.raw(body);
    const { last, chain } = this.position;
    const entry = sealEntry(writer, {
      kind,
      epoch: epoch(number),
      seq: seq(last.seq + 1),
      committed: seq(this.#committed),
      before: chain,
    });
    const next = follow(this.position, entry);
    if (typeof next === 'string') throw new Error(next);
    this.position = next;
    this.all.push(entry);
    return entry;
  }
}

export const bytesOf = (entries: readonly Entry[]): Buffer =>
  Buffer.concat(entries.map(({ bytes }) => bytes));
