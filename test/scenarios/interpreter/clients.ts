/**
 * The clients of a scenario: a publisher that numbers its messages and sends each again until it is acknowledged, and consumers of everything.
 * What they see goes to the truth that the checkers ask (`simulator/clients/traffic.ts`).
 */
import type { ServerName } from '../../../src/core/pair/index.ts';
import { SimClient, type SimClientParts } from '../../../src/simulator/clients/sim-client.ts';
import type { ConsumerLog, SentMessage, Traffic } from '../../../src/simulator/clients/traffic.ts';
import { SimRandom } from '../../../src/simulator/time/sim-random.ts';
import type { SimPair } from '../../../src/simulator/pair/sim-pair.ts';

/** `at`: the only server that it knows; null: it goes to whichever serves. */
export function clientParts(
  pair: SimPair,
  who: Readonly<{ clientId: string; isClean: boolean; at: ServerName | null }>,
): SimClientParts {
  const ports = { primary: pair.primary.port, secondary: pair.secondary.port };
  return {
    clientId: who.clientId,
    isClean: who.isClean,
    clock: pair.clock,
    random: new SimRandom(7),
    ports: who.at === null ? ports : { primary: ports[who.at], secondary: ports[who.at] },
  };
}

export class ScenarioPublisher {
  readonly #client: SimClient;
  readonly #traffic: Traffic;
  readonly #now: () => number;
  readonly #waiting = new Map<number, SentMessage>();
  #number = 0;

  constructor(parts: SimClientParts, traffic: Traffic) {
    this.#traffic = traffic;
    this.#now = () => parts.clock.now();
    this.#client = new SimClient(parts, {
      connected: () => {
        for (const [packetId, message] of this.#waiting) this.#send(packetId, message);
      },
      acknowledged: (packetId) => this.#acknowledged(packetId),
    });
  }

  get isConnected(): boolean {
    return this.#client.isConnected;
  }

  get published(): number {
    return this.#number;
  }

  start(): void {
    this.#client.start();
  }

  stop(): void {
    this.#client.stop();
  }

  /** `bytes`: the filler behind its name. */
  publish(how: Readonly<{ isRetained: boolean; bytes: number }>): void {
    this.#number += 1;
    const id = `m${this.#number}`;
    const message: SentMessage = {
      id,
      publisher: this.#client.clientId,
      number: this.#number,
      topic: how.isRetained ? 'kept' : 'plain',
      payload: `${id}|${'x'.repeat(how.bytes)}`,
      qos: 1,
      isRetained: how.isRetained,
      sentAt: null,
      isSentAgain: false,
      isAcknowledged: false,
    };
    this.#traffic.made(message);
    this.#waiting.set(this.#number, message);
    this.#send(this.#number, message);
  }

  #send(packetId: number, message: SentMessage): void {
    if (!this.#client.isConnected) return;
    const isDup = message.sentAt !== null;
    message.isSentAgain = isDup;
    message.sentAt ??= this.#now();
    const { topic, payload, isRetained } = message;
    this.#client.publish({ topic, payload, qos: 1, packetId, isRetained, isDup });
  }

  #acknowledged(packetId: number): void {
    const message = this.#waiting.get(packetId);
    if (message === undefined)
      return this.#traffic.broken(`the publisher got a PUBACK for ${packetId}, which it never sent`);
    this.#waiting.delete(packetId);
    this.#traffic.wasAcknowledged(message);
  }
}

export class ScenarioConsumer {
  readonly log: ConsumerLog;
  readonly #client: SimClient;

  constructor(parts: SimClientParts, traffic: Traffic) {
    const { clientId, isClean, clock } = parts;
    this.log = traffic.consumer(clientId, !isClean, 1);
    this.#client = new SimClient(parts, {
      connected: (isPresent) => {
        if (isClean || this.log.subscribedAt === null) return this.#client.subscribe('#');
        if (!isPresent) traffic.broken(`the durable session of ${clientId} is gone`);
      },
      subscribed: () => {
        this.log.subscribedAt ??= clock.now();
      },
      delivered: (delivery) => {
        traffic.wasReceived(this.log, delivery);
        if (delivery.packetId !== 0) this.#client.acknowledge(delivery.packetId);
      },
    });
  }

  start(): void {
    this.#client.start();
  }

  stop(): void {
    this.#client.stop();
  }
}

/** `m1-m5, m7`: for people. */
export function listOf(ids: Iterable<string>): string {
  const numbers = [...ids].map((id) => Number(id.slice(1))).sort((a, b) => a - b);
  const runs: [number, number][] = [];
  for (const number of numbers) {
    const last = runs.at(-1);
    if (last !== undefined && number <= last[1] + 1) last[1] = number;
    else runs.push([number, number]);
  }
  return runs.map(([first, last]) => (first === last ? `m${first}` : `m${first}-m${last}`)).join(', ');
}
