/** The state's store on a simulated disk: bytes by bytes, changed as a whole or not at all. Source: PROTOCOL.md §1 (state), §5. */
import { assert, ByteWriter } from '../../base/index.ts';
import { seq, type Seq } from '../../core/pair/index.ts';
import { pairsIn, putPair } from '../../core/replication/index.ts';
import type { Change, Snapshot, StateStore } from '../../ports/index.ts';
import type { SimDisk } from './sim-disk.ts';

type Pair = Readonly<{ key: Buffer; value: Buffer }>;

/** What the disk holds of a state. */
export class StateContent {
  appliedSeq: Seq = seq(0);
  /** By the key in hexadecimal, whose order is that of the bytes. */
  readonly #pairs = new Map<string, Pair>();
  /** Null: since the last change nobody has asked. */
  #sorted: Pair[] | null = null;

  change(changes: Iterable<Change>): void {
    const worked = Array.from(changes, ({ key, value }) => ({ key, value }));
    for (const { key, value } of worked) {
      const name = Buffer.from(key).toString('hex');
      if (value === null) this.#pairs.delete(name);
      else this.#pairs.set(name, { key: Buffer.from(key), value: Buffer.from(value) });
    }
    this.#sorted = null;
  }

  get(key: Uint8Array): Pair | null {
    return this.#pairs.get(Buffer.from(key).toString('hex')) ?? null;
  }

  /** In key order; a copy of the list. */
  pairs(): Pair[] {
    this.#sorted ??= [...this.#pairs.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, pair]) => pair);
    return [...this.#sorted];
  }
}

export class SimState implements StateStore {
  readonly #disk: SimDisk;
  readonly #content: StateContent;
  readonly #run: number;
  readonly #snapshots = new Set<SimSnapshot>();
  #readBytes = 0;
  #isClosed = false;
  #writing: Promise<unknown> = Promise.resolve();

  constructor(disk: SimDisk, content: StateContent) {
    this.#disk = disk;
    this.#content = content;
    this.#run = disk.run;
  }

  get appliedSeq(): Seq {
    return this.#content.appliedSeq;
  }

  get readBytes(): number {
    return this.#readBytes;
  }

  get(key: Uint8Array): Buffer | null {
    this.#assertOpen();
    return this.#seen(this.#content.get(key))?.value ?? null;
  }

  range(from: Uint8Array, to: Uint8Array | null): Iterable<Pair> {
    this.#assertOpen();
    const isIn = ({ key }: Pair): boolean => key.compare(from) >= 0 && (to === null || key.compare(to) < 0);
    return this.#content
      .pairs()
      .filter(isIn)
      .map((pair) => this.#seen(pair));
  }

  last(from: Uint8Array, through: Uint8Array): Pair | null {
    this.#assertOpen();
    const isIn = ({ key }: Pair): boolean => key.compare(from) >= 0 && key.compare(through) <= 0;
    return this.#seen(this.#content.pairs().findLast(isIn) ?? null);
  }

  checkpoint(changes: Iterable<Change>, appliedSeq: Seq): Promise<void> {
    assert(appliedSeq >= this.appliedSeq, `a checkpoint at ${appliedSeq} after one at ${this.appliedSeq}`);
    // Worked out as late as may be: what is applied meanwhile must not be seen in it.
    return this.#write(() => changes, appliedSeq);
  }

  snapshot(chunkBytes: number): Snapshot {
    const snapshot = new SimSnapshot(this.#content, chunkBytes, (it) => this.#snapshots.delete(it));
    this.#snapshots.add(snapshot);
    return snapshot;
  }

  install(chunk: Uint8Array): Promise<void> {
    const pairs = pairsIn(Buffer.from(chunk));
    return this.#write(() => pairs, null);
  }

  finishInstall(appliedSeq: Seq): Promise<void> {
    return this.#write(() => [], appliedSeq);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#writing;
    for (const snapshot of this.#snapshots) snapshot.close();
  }

  #seen<P extends Pair | null>(pair: P): P {
    this.#readBytes += pair?.value.length ?? 0;
    return pair;
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new Error('the state is closed');
  }

  #write(changes: () => Iterable<Change>, appliedSeq: Seq | null): Promise<void> {
    if (this.#isClosed) return Promise.reject(new Error('the state is closed'));
    const written = this.#disk.commit(this.#run, () => {
      this.#content.change(changes());
      if (appliedSeq !== null) this.#content.appliedSeq = appliedSeq;
    });
    this.#writing = written.catch(() => undefined);
    return written;
  }
}

class SimSnapshot implements Snapshot {
  readonly appliedSeq: Seq;
  readonly bytes: number;
  readonly #chunkBytes: number;
  readonly #pairs: Pair[];
  readonly #closed: (self: SimSnapshot) => void;
  #next = 0;
  #isClosed = false;

  constructor(content: StateContent, chunkBytes: number, closed: (self: SimSnapshot) => void) {
    this.#chunkBytes = chunkBytes;
    this.#closed = closed;
    this.appliedSeq = content.appliedSeq;
    this.#pairs = content.pairs();
    this.bytes = this.#pairs.reduce((sum, { key, value }) => sum + key.length + value.length, 0);
  }

  next(): Buffer | null {
    // Null would say that the snapshot is whole.
    if (this.#isClosed) throw new Error('the snapshot is closed');
    const chunk = new ByteWriter();
    while (chunk.length < this.#chunkBytes) {
      const pair = this.#pairs[this.#next];
      if (pair === undefined) break;
      putPair(chunk, pair.key, pair.value);
      this.#next += 1;
    }
    return chunk.length === 0 ? null : chunk.taken();
  }

  close(): void {
    this.#isClosed = true;
    this.#closed(this);
  }
}
