/** Signals that ask for an end, the first politely, a later one at once; and the one that asks a server to read its files anew. */
import { isatty } from 'node:tty';

/** `npm` passes Ctrl-C on, so that it arrives twice within a moment: that is one wish. */
const SAME_WISH_MS = 1_000;

export const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Returns what takes the handlers away again. */
export function onSignals(
  signals: readonly NodeJS.Signals[],
  first: (signal: string) => void,
  again: () => void,
): () => void {
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
  for (const signal of signals) process.on(signal, heard);
  return () => {
    for (const signal of signals) process.off(signal, heard);
  };
}

/**
 * In a terminal SIGHUP says that the terminal is gone, which is an end like the others. Elsewhere somebody sends it who wants files read
 * anew, as daemons do. Returns what takes the handler away again.
 */
export function onReloadSignal(reload: (signal: string) => void): () => void {
  if (isInTerminal()) return () => undefined;
  process.on('SIGHUP', reload);
  return () => void process.off('SIGHUP', reload);
}

/** Of a server: those that end it. */
export const endingSignals = (): readonly NodeJS.Signals[] =>
  isInTerminal() ? ENDING_SIGNALS : ['SIGINT', 'SIGTERM'];

const isInTerminal = (): boolean => isatty(0) || isatty(1);
