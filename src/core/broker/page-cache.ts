/**
 * Pages that are stored as they are, and in memory all the same because they may be wanted again: those that were used last, of all queues
 * together, up to a number of bytes.
 */
import type { Page } from './page.ts';

/** Whose page it is: lets go of it. */
export type PageOwner = Readonly<{ forget: (page: Page) => void }>;

type Kept = Readonly<{ owner: PageOwner; bytes: number }>;

export class PageCache {
  readonly #bytesMax: number;
  /** The one that was used last comes last. */
  readonly #kept = new Map<Page, Kept>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** It may be forgotten from now on, but not before `trim`. */
  keep(page: Page, owner: PageOwner): void {
    this.drop(page);
    const bytes = page.memoryBytes;
    this.#kept.set(page, { owner, bytes });
    this.#bytes += bytes;
  }

  /** It is wanted. */
  use(page: Page): void {
    const kept = this.#kept.get(page);
    if (kept === undefined) return;
    this.#kept.delete(page);
    this.#kept.set(page, kept);
  }

  /** It is gone, or not stored any more as it is. */
  drop(page: Page): void {
    const kept = this.#kept.get(page);
    if (kept === undefined) return;
    this.#kept.delete(page);
    this.#bytes -= kept.bytes;
  }

  /** Has those forgotten for which there is no room; never the one that was used last. */
  trim(): void {
    for (const [page, { owner }] of this.#kept) {
      if (this.#bytes <= this.#bytesMax || this.#kept.size === 1) return;
      this.drop(page);
      owner.forget(page);
    }
  }
}
