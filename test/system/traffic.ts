/**
 * What nearly every system test begins with and ends with: a pair of its own, publishers and a durable subscriber at work on it, and the
 * judgement. All of it is gone when the test is over.
 */
import { expect, onTestFinished } from 'vitest';
import type { ServerName } from '../../src/core/pair/index.ts';
import { connected, judge, Publisher, Subscriber } from './clients.ts';
import { PairUnderTest } from './pair.ts';

/** A pair that has not been started. */
export async function freshPair(sets: readonly string[] = []): Promise<PairUnderTest> {
  const pair = await PairUnderTest.create(sets);
  onTestFinished(() => pair.close());
  return pair;
}

export type RunningPair = Readonly<{ pair: PairUnderTest; active: ServerName; passive: ServerName }>;

/** A pair whose servers protect each other. */
export async function protectedPair(sets: readonly string[] = []): Promise<RunningPair> {
  const pair = await freshPair(sets);
  return { pair, ...(await pair.startBoth()) };
}

/** A pair of which only one server runs: it was ACTIVE, and its passive has been stopped. */
export async function standalone(
  sets: readonly string[] = [],
): Promise<{ pair: PairUnderTest; alone: ServerName; stopped: ServerName }> {
  const { pair, active, passive } = await protectedPair(sets);
  pair.server(passive).kill('SIGTERM');
  await pair.server(passive).ended;
  await pair.reaches(active, 'STANDALONE');
  return { pair, alone: active, stopped: passive };
}

export class Traffic {
  readonly publishers: readonly Publisher[];
  readonly subscriber: Subscriber;
  readonly #pair: PairUnderTest;

  private constructor(pair: PairUnderTest, publishers: readonly Publisher[], subscriber: Subscriber) {
    this.#pair = pair;
    this.publishers = publishers;
    this.subscriber = subscriber;
  }

  /** Fulfils when messages flow; each publisher sends `perSecond`. */
  static async start(pair: PairUnderTest, perSecond: number, ids = ['publisher']): Promise<Traffic> {
    const subscriber = await Subscriber.subscribe(pair);
    onTestFinished(() => subscriber.end());
    const publishers = ids.map((id) => new Publisher(pair, id));
    for (const publisher of publishers) {
      onTestFinished(() => publisher.end());
      await connected(publisher.client);
      publisher.start(perSecond);
    }
    const traffic = new Traffic(pair, publishers, subscriber);
    await traffic.flows(perSecond / 4);
    return traffic;
  }

  /** How many messages have been acknowledged so far. */
  get acked(): number {
    return this.publishers.reduce((sum, { acked }) => sum + acked.size, 0);
  }

  /** Fulfils when `more` messages have been acknowledged from now on. */
  async flows(more = 50): Promise<void> {
    const goal = this.acked + more;
    await this.#pair.until(`${more} more acknowledgements`, async () => (this.acked >= goal ? true : null));
  }

  /** Ends it: nothing acknowledged is lost, nothing comes from nowhere, each publisher's order holds. */
  async judged(): Promise<void> {
    try {
      for (const publisher of this.publishers) await publisher.finish();
      await this.subscriber.drained(this.publishers);
    } catch (failure) {
      throw new Error(`${String(failure)}\n${this.#pair.transcript()}`, { cause: failure });
    }
    expect(judge(this.publishers, this.subscriber), this.#pair.transcript()).toMatchObject({
      lost: 0,
      unexpected: 0,
      outOfOrder: 0,
    });
  }
}
