/**
 * Our own faults. An assertion that fails is a bug of this program: the process stops, the keeper frees the lock, and the
 * peer takes over. What the world or a peer does wrong is never asserted; it is an outcome, an error or a violation.
 */

export class AssertionFault extends Error {
  override name = 'AssertionFault';
}

export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionFault(message);
}

/** The end of a switch that names every case: a new case is a compile error here. */
export function unreachable(value: never): never {
  throw new AssertionFault(`unreachable: ${JSON.stringify(value)}`);
}

/** The value, which this program knows to be there; `what` names it where that proves wrong. */
export function present<T>(value: T | null | undefined, what: string): T {
  if (value === null || value === undefined) throw new AssertionFault(`${what} is missing`);
  return value;
}
