/** Asks both servers again and again what they are, and keeps every change: who served which epoch, as the servers themselves say. */
import type { ServerName, StateName } from '../../src/core/pair/index.ts';
import { serves } from '../../src/core/pair/index.ts';
import type { PairUnderTest } from '../../test/system/pair.ts';

/** `state` null: it doesn't answer. */
export type Sample = Readonly<{ at: number; server: ServerName; state: StateName | null; epoch: number }>;

const EVERY_MS = 100;

export class Watch {
  readonly samples: Sample[] = [];
  readonly #pair: PairUnderTest;
  readonly #last: Partial<Record<ServerName, Sample>> = {};
  readonly #asking: Promise<unknown>;
  #isOver = false;

  constructor(pair: PairUnderTest) {
    this.#pair = pair;
    this.#asking = Promise.all([this.#ask('primary'), this.#ask('secondary')]);
  }

  /** Who served when last asked; the primary before anybody has. */
  get active(): ServerName {
    const serving = this.samples.findLast(({ state }) => state !== null && serves(state));
    return serving?.server ?? 'primary';
  }

  state(name: ServerName): StateName | null {
    return this.#last[name]?.state ?? null;
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#asking;
  }

  async #ask(server: ServerName): Promise<void> {
    while (!this.#isOver) {
      const status = await this.#pair.status(server);
      const sample = {
        at: performance.now(),
        server,
        state: status?.state ?? null,
        epoch: status?.epoch ?? 0,
      };
      const last = this.#last[server];
      if (last?.state !== sample.state || last.epoch !== sample.epoch) this.samples.push(sample);
      this.#last[server] = sample;
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
  }
}
