/**
 * A bound on what this machine itself must answer: its disk. Only time that the process has lived through counts. One that was paused (SIGSTOP, a
 * virtual machine taken off its host) finds on waking that its timers are due, while the answers that came meanwhile still wait to be taken;
 * it must not mistake its own absence for the disk's. Source: PROTOCOL.md §2 Ack.
 */
import type { Cancel, Clock } from '../../base/index.ts';

/** The bound is waited for in so many beats; one that comes late by more than its own length does not count. */
const BEATS = 4;

/** Calls `tooLong` once, unless it is taken back before: not before `ms` milliseconds, nor long after. */
export function unlessAnswered(clock: Clock, ms: number, tooLong: () => void): Cancel {
  const beatMs = ms / BEATS;
  let left = BEATS;
  let due = 0;
  let cancel: Cancel = () => undefined;
  const wait = (): void => {
    due = clock.now() + beatMs;
    cancel = clock.after(beatMs, beat);
  };
  const beat = (): void => {
    if (clock.now() - due <= beatMs) left -= 1;
    if (left === 0) tooLong();
    else wait();
  };
  wait();
  return () => cancel();
}
