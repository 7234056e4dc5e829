/** What can be wrong with a store directory, in sentences for operators. The manual explains each code. Source: PROTOCOL.md §1, §6. */
export const storeFaults = {
  LS_STORE_BUSY: (root: string, pid: string) =>
    `the store ${root} is in use by process ${pid}; stop that server first, or give this one a store.path of its own`,
  LS_STORE_UNUSABLE: (path: string, why: string) =>
    `${path} can't be used (${why}); the store must be on a local disk that this user may write`,
  LS_STORE_NO_CURRENT: (root: string, stores: readonly string[]) =>
    `${root}/current is missing, though there are stores with messages (${stores.join(', ')}); write the name of the right one into it`,
  LS_STORE_IDENTITY: (file: string, why: string) =>
    `${file} can't be trusted: ${why}; put it back as it was, or give this server an empty store.path and let it synchronise`,
  LS_STORE_STATE: (path: string, why: string) =>
    `the state in ${path} can't be used (${why}); check the disk, or give this server an empty store.path and let it synchronise`,
  LS_STORE_CLOSED: (path: string) => `the state in ${path} is closed`,
} as const;

/** The store can't be had, or not as it must be. `message` is a sentence for operators. */
export class StoreFault extends Error {
  override name = 'StoreFault';
  readonly code: keyof typeof storeFaults;

  constructor(code: keyof typeof storeFaults, message: string) {
    super(message);
    this.code = code;
  }
}
