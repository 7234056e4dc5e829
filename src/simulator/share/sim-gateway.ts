/** The machine that hosts the lock file, asked by one server: it answers, or is silent for as long as the server waits. Source: PROTOCOL.md §4.1. */
import type { Clock } from '../../base/index.ts';
import type { Gateway } from '../../ports/index.ts';

export class SimGateway {
  isSilent = false;
  readonly #times: Readonly<{ latencyMs: number; timeoutMs: number }>;

  constructor(times: Readonly<{ latencyMs: number; timeoutMs: number }>) {
    this.#times = times;
  }

  /** For one run of the server's process. */
  port(clock: Clock): Gateway {
    return {
      answers: () =>
        new Promise((resolve) => {
          const answers = !this.isSilent;
          const { latencyMs, timeoutMs } = this.#times;
          clock.after(answers ? latencyMs : timeoutMs, () => resolve(answers));
        }),
    };
  }
}
