/**
 * The keeper's process: the pipe to the broker, the signals, the end. Its end frees the lock, so it always comes by SIGKILL:
 * `process.exit` would wait for threads that a hanging share keeps.
 * Source: PROTOCOL.md §2 Keeper.
 */
import { Keeper } from './keeper.ts';
import { rehearseKeeper } from './keeper-rehearsal.ts';
import { readToKeeper, type FromKeeper, type KeeperSettings } from './keeper-messages.ts';

/** A frozen broker does not read its pipe; the lock is not kept for it. */
const LAST_WORDS_MS = 20;

const endNow = (): void => {
  process.kill(process.pid, 'SIGKILL');
};

let lastWords = Promise.resolve();
const tell = (message: FromKeeper): void => {
  if (!process.connected) return;
  lastWords = new Promise((resolve) => process.send?.(message, undefined, undefined, () => resolve()));
};
const end = (): void => {
  void lastWords.then(endNow);
  setTimeout(endNow, LAST_WORDS_MS);
};

// Ctrl-C on a console goes to every process of its group; the broker decides when the lock is let go.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);

let keeper: Keeper | null = null;
/** What is still to be rehearsed with. */
let rehearsal: KeeperSettings | null = null;

// The pipe closes when the broker ends, however it ends.
process.on('disconnect', () => {
  try {
    keeper?.abandon();
  } finally {
    endNow();
  }
});
if (!process.connected) endNow();

process.on('message', (value: unknown) => {
  const message = readToKeeper(value);
  if (message === null) return;
  if (message.type === 'open') {
    process.title = `lockstep-keeper ${message.settings.server} ${message.settings.lockFile}`;
    keeper ??= new Keeper({ settings: message.settings, tell, end });
    if (message.settings.rehearses) rehearsal ??= message.settings;
  }
  keeper?.heard(message);
  // What the broker asks at its start goes first.
  if (message.type !== 'beat' || rehearsal === null) return;
  void rehearseKeeper(rehearsal);
  rehearsal = null;
});
