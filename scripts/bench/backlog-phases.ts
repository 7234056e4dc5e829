/**
 * One server alone with a long backlog: filled while nobody takes anything, stopped or killed, started again, drained. What each phase takes.
 * Memory is what the kernel counts as resident: anonymous (the process' own) and file (pages of the store that it has looked at, which the kernel
 * can take back at any time).
 */
import { existsSync, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { PairUnderTest } from '../../test/system/pair.ts';
import { aloneRoles, unstartedPair } from './brokers.ts';
import { publishAll, served, subscribed, takeAll } from './mqtt-load.ts';
import { memoryMiB, watch } from './processes.ts';
import type { Sample } from './report.ts';
import { after, type Session } from './session.ts';

export type BacklogAsked = Readonly<{
  messages: number;
  size: number;
  isKilled: boolean;
  isDrained: boolean;
}>;

const PUBLISHERS = 4;
const WINDOW = 500;
const STEADY = 300_000;
/** After this a checkpoint is over. */
const RESTING_MS = 6_000;
const MIB = 1024 * 1024;

type Both = Readonly<{ anonymous: number; files: number }>;

export class BacklogPhases {
  readonly #session: Session;
  readonly #asked: BacklogAsked;
  readonly #pair: PairUnderTest;
  readonly #tell: (phase: string, sample: Sample) => void;

  private constructor(
    session: Session,
    asked: BacklogAsked,
    pair: PairUnderTest,
    tell: (phase: string, sample: Sample) => void,
  ) {
    this.#session = session;
    this.#asked = asked;
    this.#pair = pair;
    this.#tell = tell;
  }

  /** All phases, once; each is told. */
  static async run(
    session: Session,
    asked: BacklogAsked,
    tell: (phase: string, sample: Sample) => void,
  ): Promise<void> {
    const { pair, end } = await unstartedPair(session, ['mqtt.inFlightMax=1000']);
    const loopDelay = new URL('./loop-delay.mjs', import.meta.url).pathname;
    pair.places.primary = { ...pair.places.primary, environment: { NODE_OPTIONS: `--import ${loopDelay}` } };
    await new BacklogPhases(session, asked, pair, tell).#all();
    await end();
  }

  async #all(): Promise<void> {
    const { messages, isKilled, isDrained } = this.#asked;
    const emptyMs = await this.#started();
    this.#tell('started empty', { figures: { serves: emptyMs, ...this.#atEnd() } });
    await subscribed(this.#port, 'steady', 'steady');
    const steadyCount = Math.min(messages, STEADY);
    await this.#watched('published and delivered at once', (count) =>
      Promise.all([
        this.#publish('steady', steadyCount, () => undefined),
        takeAll(this.#port, { clientId: 'steady', count: steadyCount }, count),
      ]),
    );
    await subscribed(this.#port, 'away', 'backlog');
    await this.#watched('published, nobody there', (count) => this.#publish('backlog', messages, count));
    await after(RESTING_MS);
    this.#tell('at rest with the backlog', {
      figures: { ...this.#atEnd(), store: await this.#storeMib() },
    });
    const stopping = performance.now();
    this.#pair.server('primary').kill(isKilled ? 'SIGKILL' : 'SIGTERM');
    await this.#pair.server('primary').ended;
    const stops = performance.now() - stopping;
    const serves = await this.#started();
    this.#tell(isKilled ? 'killed and started' : 'stopped and started', {
      figures: { stops, serves, ...this.#atEnd() },
    });
    if (!isDrained) return;
    await this.#watched('drained after the start', (count) =>
      takeAll(this.#port, { clientId: 'away', count: messages }, count),
    );
    await after(RESTING_MS);
    this.#tell('at rest, drained', { figures: this.#atEnd() });
  }

  get #port(): number {
    return this.#pair.ports.primary.mqtt;
  }

  #memory(): Both {
    const { pid } = this.#pair.server('primary');
    return { anonymous: memoryMiB(pid, 'RssAnon'), files: memoryMiB(pid, 'RssFile') };
  }

  #atEnd(): Both {
    return this.#memory();
  }

  /** Until it has taken a client, in ms. */
  async #started(): Promise<number> {
    const began = performance.now();
    this.#pair.start('primary', ['--new-pair']);
    const life = { hasEnded: false };
    void this.#pair.server('primary').ended.then(() => (life.hasEnded = true));
    for (;;) {
      if (life.hasEnded) throw new Error(`the server has ended\n${this.#pair.transcript()}`);
      try {
        await served(this.#port);
        return performance.now() - began;
      } catch {
        await after(5);
      }
    }
  }

  #publish(topic: string, count: number, told: (n: number) => void): Promise<unknown> {
    const each = Math.ceil(count / PUBLISHERS);
    return Promise.all(
      Array.from({ length: PUBLISHERS }, () =>
        publishAll(this.#port, { topic, size: this.#asked.size, count: each, window: WINDOW }, told),
      ),
    );
  }

  /** Looks at the server's memory while something is done: what it took at most. */
  async #watched(phase: string, work: (count: (n: number) => void) => Promise<unknown>): Promise<void> {
    let most: Both = { anonymous: 0, files: 0 };
    let done = 0;
    const look = (): void => {
      const now = this.#memory();
      most = {
        anonymous: Math.max(most.anonymous, now.anonymous),
        files: Math.max(most.files, now.files),
      };
    };
    const timer = setInterval(look, 200);
    const progress = setInterval(() => this.#session.tell(`${phase}: ${done}`), 10_000);
    const server = this.#pair.server('primary');
    const lines = server.lines.length;
    const { keepers: _keepers, ...roles } = await aloneRoles(this.#pair);
    const cost = watch(roles);
    const load = watch({ load: [process.pid] });
    const began = performance.now();
    await work((n) => (done += n)).finally(() => {
      clearInterval(timer);
      clearInterval(progress);
    });
    const seconds = (performance.now() - began) / 1000;
    look();
    const delays = server.lines
      .slice(lines)
      .flatMap((line) => /^loop-delay (\d+)/.exec(line)?.[1] ?? [])
      .map(Number);
    this.#tell(phase, {
      figures: {
        rate: done / seconds,
        ...most,
        'loop stood still': delays.reduce((a, b) => Math.max(a, b), 0),
      },
      processes: { ...cost(), ...load() },
      messages: done,
    });
  }

  async #storeMib(): Promise<number> {
    const stores = await readdir(this.#pair.storePath('primary'));
    const sizes = stores.map((name) => {
      const file = join(this.#pair.storePath('primary'), name, 'state', 'data.mdb');
      // Beside the stores there are files that say which one counts.
      return existsSync(file) ? statSync(file).size : 0;
    });
    return sizes.reduce((a, b) => a + b, 0) / MIB;
  }
}

export const backlogColumns = {
  rate: '1/s',
  anonymous: 'MiB at most',
  files: 'MiB at most',
  'loop stood still': 'ms at most',
  stops: 'ms',
  serves: 'ms after its start',
  store: 'MiB',
} as const;
