/**
 * Ordinary MQTT clients (MQTT.js) with both servers in their list, and the judge of what they saw: acknowledged against delivered, by id, and
 * the order of each publisher. Source: total-queue, the checker of the peers' own tests.
 */
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import type { ServerName } from '../../src/core/pair/index.ts';
import type { PairUnderTest } from './pair.ts';

const TOPIC = 'orders';
/** Without an acknowledgement; a client with much to send again needs as long as it needs. */
const SILENCE_MS = 30_000;

export function connect(pair: PairUnderTest, options: IClientOptions = {}): MqttClient {
  const servers = (['primary', 'secondary'] as const satisfies readonly ServerName[]).map((name) => ({
    host: pair.places[name].host,
    port: pair.ports[name].mqtt,
    protocol: 'mqtt' as const,
  }));
  return mqtt.connect({
    servers,
    reconnectPeriod: 20,
    connectTimeout: 5_000,
    keepalive: 60,
    protocolVersion: 4,
    ...options,
  });
}

/** Fulfils once the event has come; the client's errors on the way (a server that is down) are part of the game. */
export const connected = (client: MqttClient): Promise<void> =>
  new Promise((resolve) => {
    client.on('error', () => undefined);
    if (client.connected) resolve();
    else client.once('connect', () => resolve());
  });

/** Publishes numbered messages at a steady rate and keeps when each was acknowledged. */
export class Publisher {
  readonly id: string;
  readonly client: MqttClient;
  /** What it publishes with. */
  qos: 1 | 2 = 1;
  /** By number, the time of its PUBACK or PUBCOMP. */
  readonly acked = new Map<number, number>();
  #sent = 0;
  #timer: NodeJS.Timeout | null = null;
  readonly #waiting = new Map<number, () => void>();
  readonly #topics: number;
  #patience: NodeJS.Timeout | null = null;

  /** `topics`: over how many topics its messages go in turn. */
  constructor(pair: PairUnderTest, id: string, topics = 1, options: IClientOptions = {}) {
    this.id = id;
    this.#topics = topics;
    this.client = connect(pair, { ...options, clientId: id });
  }

  /** Where message `number` goes. */
  topic(number: number): string {
    return this.#topics === 1 ? `${TOPIC}/${this.id}` : `${TOPIC}/${this.id}/${number % this.#topics}`;
  }

  get sent(): number {
    return this.#sent;
  }

  /** Each message is at least `bytes` long. */
  start(perSecond: number, bytes = 0): void {
    const began = performance.now();
    const first = this.#sent;
    this.#timer = setInterval(() => {
      const due = Math.floor(((performance.now() - began) / 1000) * perSecond) + first;
      while (this.#sent < due) this.publish(bytes);
    }, 2);
  }

  /** One more message, at least `bytes` long; its number. */
  publish(bytes = 0): number {
    const number = ++this.#sent;
    this.client.publish(
      this.topic(number),
      `${this.id}:${number}`.padEnd(bytes, ' '),
      { qos: this.qos },
      (error) => {
        if (error) return;
        this.acked.set(number, performance.now());
        this.#patience?.refresh();
        this.#waiting.get(number)?.();
      },
    );
    return number;
  }

  /**
   * No more messages; fulfils when the last one is acknowledged, and with it all that the client has sent on this connection, because a server
   * acknowledges in order. What MQTT.js was re-sending when a connection broke a second time it may never send again; those messages stay
   * without an acknowledgement, and are judged as nobody knows.
   */
  async finish(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    await connected(this.client);
    const last = this.publish();
    if (this.acked.has(last)) return;
    await new Promise<void>((resolve, reject) => {
      this.#patience = setTimeout(() => {
        const got = `${this.acked.size} of ${this.#sent} were`;
        reject(new Error(`${this.id}: no acknowledgement for ${SILENCE_MS} ms; ${got}`));
      }, SILENCE_MS);
      this.#waiting.set(last, () => {
        if (this.#patience !== null) clearTimeout(this.#patience);
        this.#patience = null;
        resolve();
      });
    });
  }

  /** The longest time between two acknowledgements that follow each other, from `since` on. */
  longestGap(since = 0): number {
    const times = [...this.acked.values()].filter((time) => time >= since).sort((a, b) => a - b);
    let longest = 0;
    for (let n = 1; n < times.length; n++) longest = Math.max(longest, (times[n] ?? 0) - (times[n - 1] ?? 0));
    return longest;
  }

  async end(): Promise<void> {
    await this.client.endAsync(true);
  }
}

/** A durable subscriber of everything that publishers send. */
export class Subscriber {
  readonly client: MqttClient;
  /** By publisher, the numbers in the order they came. */
  readonly received = new Map<string, number[]>();
  readonly #watchers = new Set<() => void>();

  constructor(pair: PairUnderTest, clientId: string, options: IClientOptions = {}) {
    this.client = connect(pair, { ...options, clientId, clean: false, resubscribe: false });
    this.client.on('message', (_topic, payload) => {
      const [id = '', number = ''] = payload.toString().trim().split(':');
      const numbers = this.received.get(id) ?? [];
      numbers.push(Number(number));
      this.received.set(id, numbers);
      for (const watcher of this.#watchers) watcher();
    });
  }

  static async subscribe(pair: PairUnderTest, clientId = 'subscriber', qos: 1 | 2 = 1): Promise<Subscriber> {
    const subscriber = new Subscriber(pair, clientId);
    await subscriber.granted(qos);
    return subscriber;
  }

  /** Fulfils once a server has granted the subscription; a connection that breaks on the way is part of the game. */
  async granted(qos: 1 | 2 = 1): Promise<void> {
    const isGranted = (): Promise<boolean> =>
      this.client.subscribeAsync(`${TOPIC}/#`, { qos }).then(
        () => true,
        () => false,
      );
    do await connected(this.client);
    while (!(await isGranted()) && !this.client.disconnecting);
  }

  /** Fulfils when everything that the publishers had acknowledged has come; rejects with what is missing. */
  async drained(publishers: readonly Publisher[], ms = 30_000): Promise<void> {
    const missing = (): number[] =>
      publishers.flatMap(({ id, acked }) => {
        const had = new Set(this.received.get(id));
        return [...acked.keys()].filter((number) => !had.has(number));
      });
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () =>
          reject(
            new Error(
              `lost: ${missing().length} acknowledged messages, the first ${missing().slice(0, 5).join(', ')}`,
            ),
          ),
        ms,
      );
      const look = (): void => {
        if (missing().length > 0) return;
        clearTimeout(timer);
        this.#watchers.delete(look);
        resolve();
      };
      // Looking costs a pass over all; once for every burst is enough.
      let isDue = false;
      this.#watchers.add(() => {
        if (isDue) return;
        isDue = true;
        setImmediate(() => {
          isDue = false;
          look();
        });
      });
      look();
    });
  }

  async end(): Promise<void> {
    await this.client.endAsync(true);
  }
}

/** What a publisher has sent, and which of it was acknowledged, when. */
export type Stream = Readonly<{ id: string; sent: number; acked: ReadonlyMap<number, number> }>;
/** What a subscriber got: by publisher, the numbers in the order they came. */
export type Inbox = Readonly<{ received: ReadonlyMap<string, readonly number[]> }>;

export type Verdict = Readonly<{ lost: number; unexpected: number; duplicates: number; outOfOrder: number }>;

/** Judged at the end: what was acknowledged and never came, came and was never sent, came twice, or came before its forerunner. */
export function judge(streams: readonly Stream[], inbox: Inbox): Verdict {
  let [lost, unexpected, duplicates, outOfOrder] = [0, 0, 0, 0];
  for (const { id, acked, sent } of streams) {
    const numbers = inbox.received.get(id) ?? [];
    const had = new Set<number>();
    let highest = 0;
    for (const number of numbers) {
      if (number < 1 || number > sent) unexpected += 1;
      else if (had.has(number)) duplicates += 1;
      // A first delivery below one already seen breaks the publisher's order; a repeat does not.
      else if (number < highest) outOfOrder += 1;
      had.add(number);
      highest = Math.max(highest, number);
    }
    for (const number of acked.keys()) if (!had.has(number)) lost += 1;
  }
  return { lost, unexpected, duplicates, outOfOrder };
}
