/** The machine that hosts the lock file, asked "is the network up?". Source: PROTOCOL.md §4.1. */
export interface Gateway {
  /** True when one of `gatewayProbes` was answered within `gatewayTimeout`; a refused connection is an answer. */
  answers(): Promise<boolean>;
}
