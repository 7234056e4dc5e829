/**
 * Lets few through at each turn of the event loop. After a takeover thousands of clients greet at once, and what each greeting costs the
 * processor adds up to seconds in which no heartbeat would leave: the next takeover would follow.
 */

/** 16 × about 0.5 ms, what a greeting costs with RSA of 2048 bits: 8 ms, far below any heartbeat's interval. */
const PER_TURN = 16;

export class Turnstile {
  #waiting: (() => void)[] = [];
  #isTurning = false;

  /** In the order in which they came; not within this call. */
  pass(act: () => void): void {
    this.#waiting.push(act);
    if (this.#isTurning) return;
    this.#isTurning = true;
    setImmediate(() => this.#turn());
  }

  #turn(): void {
    for (const act of this.#waiting.splice(0, PER_TURN)) act();
    this.#isTurning = this.#waiting.length > 0;
    if (this.#isTurning) setImmediate(() => this.#turn());
  }
}
