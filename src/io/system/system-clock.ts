/** Time as this process sees it. `now` is the monotonic clock: setting the date neither stops nor hastens it. */
import type { Cancel, Clock } from '../../base/index.ts';

/** setTimeout takes 31 bits, and runs at once beyond them. */
const TIMER_MS_MAX = 0x7fff_ffff;

export class SystemClock implements Clock {
  now(): number {
    return performance.now();
  }

  wall(): number {
    return Date.now();
  }

  /** The process lives on while a timer is pending. */
  after(ms: number, act: () => void): Cancel {
    const due = performance.now() + ms;
    let timer: NodeJS.Timeout;
    // setTimeout counts whole milliseconds and may come a fraction early; the port promises not to.
    const arm = () => {
      const left = due - performance.now();
      timer = setTimeout(() => (performance.now() < due ? arm() : act()), Math.min(left, TIMER_MS_MAX));
    };
    arm();
    return () => clearTimeout(timer);
  }

  soon(act: () => void): void {
    setImmediate(act);
  }
}
