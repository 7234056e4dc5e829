/** Signals that ask for an end: the first politely, a later one at once. */

/** `npm` passes Ctrl-C on, so that it arrives twice within a moment: that is one wish. */
const SAME_WISH_MS = 1_000;

/** Returns what takes the handlers away again. */
export function onSignals(first: (signal: string) => void, again: () => void): () => void {
  let at: number | null = null;
  const heard = (signal: string): void => {
    const now = performance.now();
    if (at === null) {
      at = now;
      first(signal);
    } else if (now - at > SAME_WISH_MS) {
      again();
    }
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, heard);
  return () => {
    for (const signal of signals) process.off(signal, heard);
  };
}
