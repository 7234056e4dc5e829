/** Keeps what is told below `$SYS/`, and tells it anew where it has changed, at an interval. */
import type { Cancel, Clock } from '../../base/index.ts';
import { matches, type Content } from '../../core/broker/index.ts';
import { loaded, sysContents, sysTopics, type SysSnapshot } from './contents.ts';
import { Load } from './load.ts';

export type SysTopicsParts = Readonly<{
  clock: Clock;
  /** 0: nothing is told. */
  intervalMs: number;
  snapshot: () => SysSnapshot;
  /** To who is connected and has subscribed. */
  publish: (changed: readonly Content[]) => void;
}>;

/** Who has just begun to serve has clients to let in first. */
const FIRST_MS = 1_000;

export class SysTopics {
  readonly #parts: SysTopicsParts;
  readonly #loads = new Map<string, Load>();
  #topics: ReadonlyMap<string, string> = new Map();
  #seenAt: number;
  #timer: Cancel | null = null;

  constructor(parts: SysTopicsParts) {
    this.#parts = parts;
    this.#seenAt = parts.clock.now();
  }

  /** This server serves. */
  begin(): void {
    const { clock, intervalMs } = this.#parts;
    this.stop();
    if (intervalMs > 0) this.#timer = clock.after(Math.min(intervalMs, FIRST_MS), () => this.#look());
  }

  stop(): void {
    this.#timer?.();
    this.#timer = null;
    this.#topics = new Map();
  }

  /** What a new subscription with this filter is sent: as of the last interval; before the first one has ended, as of now. */
  matching(filter: string): readonly Content[] {
    if (!filter.startsWith('$SYS/')) return [];
    if (this.#timer !== null && this.#topics.size === 0) this.#see();
    return sysContents([...this.#topics].filter(([topic]) => matches(filter, topic)));
  }

  #look(): void {
    const { clock, intervalMs, publish } = this.#parts;
    const former = this.#topics;
    this.#see();
    publish(sysContents([...this.#topics].filter(([topic, text]) => former.get(topic) !== text)));
    this.#timer = clock.after(intervalMs, () => this.#look());
  }

  #see(): void {
    const { clock, snapshot } = this.#parts;
    const seen = snapshot();
    const ms = clock.now() - this.#seenAt;
    this.#seenAt = clock.now();
    for (const [name, count] of Object.entries(loaded(seen))) {
      const load = this.#loads.get(name) ?? new Load();
      load.see(count, ms);
      this.#loads.set(name, load);
    }
    const averages = new Map([...this.#loads].map(([name, load]) => [name, load.averages]));
    this.#topics = sysTopics(seen, averages);
  }
}
