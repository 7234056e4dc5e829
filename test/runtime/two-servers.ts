/** Two simulated servers for tests: what they say, and a client whose acknowledgements the test looks at. */
import type { LogLine } from '../../src/base/index.ts';
import type { ServerName } from '../../src/core/pair/index.ts';
import { SimClient, type Delivery } from '../../src/simulator/clients/sim-client.ts';
import { SimPair, type SimPairOptions } from '../../src/simulator/pair/sim-pair.ts';
import { SimRandom } from '../../src/simulator/time/sim-random.ts';

/** Longer than any timeout of the pair. */
export const LONG_MS = 60_000;

export class TwoServers extends SimPair {
  readonly lines: LogLine[];
  /** Servers whose process has ended of itself. */
  readonly ended: ServerName[];

  constructor(options: Partial<SimPairOptions> & { seed?: number } = {}) {
    const lines: LogLine[] = [];
    const ended: ServerName[] = [];
    super({
      seed: 1,
      events: {
        said: (line) => void lines.push(line),
        stepped: () => undefined,
        committed: () => undefined,
        ended: ({ name }) => void ended.push(name),
      },
      ...options,
    });
    this.lines = lines;
    this.ended = ended;
  }

  /** Both started, and ACTIVE/PASSIVE: the primary serves. */
  static async together(options: Partial<SimPairOptions> & { seed?: number } = {}): Promise<TwoServers> {
    const pair = new TwoServers(options);
    pair.primary.start();
    pair.secondary.start();
    await pair.reaches('ACTIVE/PASSIVE');
    return pair;
  }

  /** Until the states are these, or an error that says what they are instead. */
  async reaches(states: string, ms = LONG_MS): Promise<void> {
    if (!(await this.until(() => this.states === states, ms)))
      throw new Error(`${this.states} after ${ms} ms, not ${states}`);
  }

  /** The lines that carry a code, as `server: code`. */
  get codes(): string[] {
    return this.lines.flatMap(({ text, code }) =>
      code === undefined ? [] : [`${text.split(':')[0] ?? ''}: ${code}`],
    );
  }

  said(text: string): boolean {
    return this.lines.some((line) => line.text.includes(text));
  }

  client(clientId = 'client', isClean = true): TestClient {
    return new TestClient(this, clientId, isClean);
  }

  /** What stands on the share as the in-sync set: the names of the servers. */
  get inSync(): string {
    const reading = this.share.reading();
    return reading.kind === 'record' ? Object.keys(reading.record.inSync).sort().join('+') : reading.kind;
  }
}

export class TestClient {
  readonly acknowledged = new Set<number>();
  readonly delivered: Delivery[] = [];
  readonly #pair: SimPair;
  /** When false, what is delivered stays unsettled. */
  isSettling = true;
  readonly #client: SimClient;
  #packetId = 0;
  #isSubscribed = false;

  constructor(pair: SimPair, clientId: string, isClean: boolean) {
    this.#pair = pair;
    this.#client = new SimClient(
      {
        clientId,
        isClean,
        clock: pair.clock,
        random: new SimRandom(7),
        ports: { primary: pair.primary.port, secondary: pair.secondary.port },
      },
      {
        acknowledged: (packetId) => void this.acknowledged.add(packetId),
        subscribed: () => {
          this.#isSubscribed = true;
        },
        delivered: (delivery) => {
          this.delivered.push(delivery);
          if (delivery.packetId !== 0 && this.isSettling) this.#client.acknowledge(delivery.packetId);
        },
      },
    );
  }

  async connects(ms = LONG_MS): Promise<this> {
    this.#client.start();
    if (!(await this.#pair.until(() => this.#client.isConnected, ms))) throw new Error('no server answers');
    return this;
  }

  async subscribes(filter: string): Promise<void> {
    this.#client.subscribe(filter);
    if (!(await this.#pair.until(() => this.#isSubscribed, LONG_MS))) throw new Error('no SUBACK');
  }

  /** Sends a message with QoS 1; its packet identifier. */
  publish(payload: string, topic = 'topic'): number {
    return this.#send(payload, topic, false);
  }

  /** The same, to be retained. */
  retain(payload: string, topic: string): number {
    return this.#send(payload, topic, true);
  }

  /** Says farewell and does not come back. */
  leaves(): void {
    this.#client.stop();
  }

  /** Whether the PUBACK is there within `ms`. */
  hasAck(packetId: number, ms: number): Promise<boolean> {
    return this.#pair.until(() => this.acknowledged.has(packetId), ms);
  }

  get payloads(): string[] {
    return this.delivered.map(({ payload }) => payload);
  }

  /** Whether all of them have come within `ms`. */
  gets(payloads: readonly string[], ms = LONG_MS): Promise<boolean> {
    const missing = new Set(payloads);
    let seen = 0;
    return this.#pair.until(() => {
      for (; seen < this.delivered.length; seen += 1) missing.delete(this.delivered[seen]?.payload ?? '');
      return missing.size === 0;
    }, ms);
  }

  #send(payload: string, topic: string, isRetained: boolean): number {
    this.#packetId += 1;
    this.#client.publish({ topic, payload, qos: 1, packetId: this.#packetId, isRetained, isDup: false });
    return this.#packetId;
  }
}
