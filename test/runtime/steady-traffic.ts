/**
 * Messages that flow while a test does something to a simulated pair, and the judgement at its end: the simulation's own clients and the
 * checkers of what clients see. Source: PROTOCOL.md §2 Ack.
 */
import { expect } from 'vitest';
import { nothingLost } from '../../src/simulator/checkers/nothing-lost.ts';
import { nothingUnexpected } from '../../src/simulator/checkers/nothing-unexpected.ts';
import { publisherOrder } from '../../src/simulator/checkers/publisher-order.ts';
import type { Checker } from '../../src/simulator/checkers/checker.ts';
import { Consumer } from '../../src/simulator/clients/consumer.ts';
import { Publisher } from '../../src/simulator/clients/publisher.ts';
import type { SimClientParts } from '../../src/simulator/clients/sim-client.ts';
import { Traffic } from '../../src/simulator/clients/traffic.ts';
import { SimRandom } from '../../src/simulator/time/sim-random.ts';
import { LONG_MS, type TwoServers } from './two-servers.ts';

export class SteadyTraffic {
  readonly #pair: TwoServers;
  readonly #traffic: Traffic;
  readonly #publisher: Publisher;
  readonly #checkers: readonly Checker[];
  readonly #faults: string[] = [];

  private constructor(pair: TwoServers, intervalMs: number) {
    this.#pair = pair;
    this.#traffic = new Traffic({
      note: () => undefined,
      received: (received) => {
        for (const checker of this.#checkers) this.#note(checker.received?.(received));
      },
      broken: (what) => this.#note(what),
    });
    this.#checkers = [
      nothingLost({ pair, traffic: this.#traffic, mortals: [] }),
      nothingUnexpected(),
      publisherOrder(),
    ];
    new Consumer(this.#client('durable', false, 1), this.#traffic).start();
    this.#publisher = new Publisher(this.#client('publisher', true, 2), this.#traffic, intervalMs);
  }

  /** Fulfils when messages flow, one every `intervalMs` on an average. */
  static async start(pair: TwoServers, intervalMs = 10): Promise<SteadyTraffic> {
    const steady = new SteadyTraffic(pair, intervalMs);
    const consumers = steady.#traffic.consumers;
    await pair.until(() => consumers.every(({ subscribedAt }) => subscribedAt !== null), LONG_MS);
    steady.#publisher.start();
    await steady.flows();
    return steady;
  }

  get acknowledged(): number {
    return this.#traffic.acknowledged;
  }

  /** Fulfils when `more` messages have been acknowledged from now on; rejects when they are not. */
  async flows(more = 20, ms = LONG_MS): Promise<void> {
    const goal = this.acknowledged + more;
    if (!(await this.#pair.until(() => this.acknowledged >= goal, ms)))
      throw new Error(`${this.#pair.states}: not ${more} more acknowledgements within ${ms} ms`);
  }

  /** Ends it: nothing acknowledged is lost, nothing comes from nowhere, the publisher's order holds. */
  async judged(): Promise<void> {
    this.#publisher.finish();
    const isDrained = await this.#pair.until(() => this.#publisher.isDrained, LONG_MS);
    await this.#pair.run(5_000);
    for (const checker of this.#checkers) this.#note(checker.ended?.());
    expect({ isDrained, faults: this.#faults }).toEqual({ isDrained: true, faults: [] });
  }

  #note(fault: string | null | undefined): void {
    if (typeof fault === 'string') this.#faults.push(fault);
  }

  #client(clientId: string, isClean: boolean, seed: number): SimClientParts {
    const { clock, primary, secondary } = this.#pair;
    return {
      clientId,
      isClean,
      clock,
      random: new SimRandom(seed),
      ports: { primary: primary.port, secondary: secondary.port },
    };
  }
}
