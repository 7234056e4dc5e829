/** Time as the core's surroundings see it. The simulator has its own; nothing outside `io` and `server` reads a real one. */

/** Takes a timer back; harmless when it has run or was taken back before. */
export type Cancel = () => void;

export interface Clock {
  /** Milliseconds on a clock that never jumps. Only differences mean anything. */
  now(): number;
  /** Wall-clock milliseconds since 1970, for people and for protocols that name dates. Never compared across servers. */
  wall(): number;
  /** Runs `act` once, not before `ms` milliseconds have passed. */
  after(ms: number, act: () => void): Cancel;
  /** Runs `act` once, when what had come in by the beginning of this turn has been taken; no time need pass. */
  soon(act: () => void): void;
}
