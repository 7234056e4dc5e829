/** How much of the queues is in memory, and in which pieces the rest is stored. */
export type PagingSizes = Readonly<{
  /** A page holds so many messages at most; 65,535 or fewer. */
  pageMessages: number;
  /** A page takes no more messages once it has so many bytes: one put, one read, one piece of LMDB's for about 50 messages of 256 B. */
  pageBytes: number;
  /** What is stored and stays in memory all the same, of all queues together: bytes of pages and what goes with them. */
  memoryBytes: number;
  /** How much of a checkpoint goes into taking away what ended queues have left: 8 for each page, 1 for each body that is not in its page. */
  tidyMax: number;
}>;

export const PAGING: PagingSizes = {
  pageMessages: 256,
  pageBytes: 16 * 1024,
  memoryBytes: 64 * 1024 * 1024,
  tidyMax: 4096,
};
