/**
 * Ordinary clients at work on the pair: publishers with several topics each, a durable consumer that stays, one that is away while things break,
 * and a retained message that changes all the time. Everything that publishers send and get is kept.
 */
import type { IClientOptions, MqttClient } from 'mqtt';
import type { ServerName } from '../../src/core/pair/index.ts';
import { connect, connected, judge, Publisher, Subscriber } from '../../test/system/clients.ts';
import type { PairUnderTest } from '../../test/system/pair.ts';
import { orderFaults } from './checkers/order.ts';
import type { WireEvent } from './checkers/wire.ts';

export type Rate = Readonly<{ perSecond: number; bytes: number }>;

/** Sums over the consumers. `unknown`: published and never acknowledged. `still`: publishers that stopped of themselves. */
export type QueueVerdict = Readonly<{
  acknowledged: number;
  unknown: number;
  still: number;
  duplicates: number;
  lost: number;
  unexpected: number;
  order: readonly string[];
  retained: string | null;
}>;

const PUBLISHERS = ['anna', 'bert', 'carl'];
const TOPICS = 4;
const LATEST = 'latest';
/** Clients find out soon that nobody answers any more: a host that is cut off can't tell them. */
const IMPATIENT: IClientOptions = { keepalive: 2, connectTimeout: 1_000 };

export class Load {
  readonly wire: WireEvent[] = [];
  readonly #pair: PairUnderTest;
  readonly #publishers: Publisher[] = [];
  readonly #consumers: Subscriber[] = [];
  #latest: Latest | null = null;
  #still = 0;
  readonly flowing: Promise<void>;

  /** `flowing` fulfils once messages are acknowledged; that takes a server that serves. */
  constructor(pair: PairUnderTest, rate: Rate) {
    this.#pair = pair;
    this.flowing = this.#begin(rate);
    // Whoever waits for it hears of it.
    this.flowing.catch(() => undefined);
  }

  get acknowledgements(): number[] {
    return this.wire.filter(({ what }) => what === 'acked').map(({ at }) => at);
  }

  /**
   * Publishers stop, and everything that was acknowledged reaches both durable consumers; the verdict. Rejects when publishers get no answer,
   * though both servers protect each other again.
   */
  async finish(): Promise<QueueVerdict> {
    await this.flowing;
    await this.#flows();
    await this.#latest?.end();
    for (const publisher of this.#publishers)
      await publisher.finish().catch((failure: unknown) => {
        if (!this.#standsStill(publisher)) throw failure;
        this.#still += 1;
      });
    await this.#consumer('sleeper').granted();
    for (const consumer of this.#consumers)
      // What is missing shows in the verdict.
      await consumer.drained(this.#publishers, 60_000).catch(() => undefined);
    return this.#verdict();
  }

  async end(): Promise<void> {
    await this.#latest?.end();
    for (const client of [...this.#publishers, ...this.#consumers]) await client.end();
  }

  /** For the record of a round: by consumer and publisher, the numbers as they came. */
  get received(): Record<string, number[]>[] {
    return this.#consumers.map(({ received }) => Object.fromEntries(received));
  }

  /** Fulfils when so many more messages have been acknowledged, whatever there was before. */
  async #flows(more = 60): Promise<void> {
    const goal = this.acknowledgements.length + more;
    const look = async (): Promise<true | null> => (this.acknowledgements.length >= goal ? true : null);
    await this.#pair.until(`${more} more acknowledgements`, look);
  }

  async #begin(rate: Rate): Promise<void> {
    await this.#consumer('steady').granted();
    const sleeper = this.#consumer('sleeper');
    await sleeper.granted();
    await sleeper.end();
    this.#consumers.pop();
    for (const id of PUBLISHERS) {
      const publisher = new Publisher(this.#pair, id, TOPICS, IMPATIENT);
      this.#publishers.push(publisher);
      this.#listen(publisher);
      await connected(publisher.client);
      publisher.start(rate.perSecond / PUBLISHERS.length, rate.bytes);
    }
    this.#latest = new Latest(this.#pair);
    await this.#pair.until('the first acknowledgements', async () =>
      this.#publishers.every(({ acked }) => acked.size > 5) ? true : null,
    );
  }

  /**
   * Everything that it has put on the wire is acknowledged, and it sends no more: MQTT.js, whose connection broke while it sent everything again,
   * may stop for good. What it keeps is unknown, and not lost.
   */
  #standsStill({ id, sent, acked }: Publisher): boolean {
    return acked.size < sent && this.wire.findLast(({ publisher }) => publisher === id)?.what === 'acked';
  }

  #consumer(clientId: string): Subscriber {
    const consumer = new Subscriber(this.#pair, clientId, IMPATIENT);
    this.#consumers.push(consumer);
    return consumer;
  }

  #listen({ id: publisher, client }: Publisher): void {
    const numbers = new Map<number, number>();
    let connection = 0;
    const keep = (what: WireEvent['what'], number: number): void =>
      void this.wire.push({
        at: performance.now(),
        what,
        publisher,
        number,
        connection,
        server: serverOf(client, this.#pair),
      });
    client.on('packetsend', (packet) => {
      if (packet.cmd !== 'publish') return;
      const number = Number(packet.payload.toString().trim().split(':')[1]);
      numbers.set(packet.messageId ?? 0, number);
      keep('sent', number);
    });
    client.on('packetreceive', (packet) => {
      // MQTT.js tells of a connection only after it has sent everything again.
      if (packet.cmd === 'connack') {
        connection += 1;
        numbers.clear();
      }
      if (packet.cmd !== 'puback') return;
      const number = numbers.get(packet.messageId ?? 0);
      if (number !== undefined) keep('acked', number);
    });
  }

  async #verdict(): Promise<QueueVerdict> {
    const verdicts = this.#consumers.map((consumer) => judge(this.#publishers, consumer));
    const sum = (of: 'lost' | 'unexpected' | 'duplicates'): number =>
      verdicts.reduce((all, verdict) => all + verdict[of], 0);
    const acknowledged = this.#publishers.reduce((all, { acked }) => all + acked.size, 0);
    return {
      acknowledged,
      unknown: this.#publishers.reduce((all, { sent }) => all + sent, 0) - acknowledged,
      still: this.#still,
      duplicates: sum('duplicates'),
      lost: sum('lost'),
      unexpected: sum('unexpected'),
      order: this.#consumers.flatMap(({ received }) =>
        this.#publishers.flatMap(({ id }) =>
          orderFaults(
            received.get(id) ?? [],
            this.wire.filter(({ publisher }) => publisher === id),
          ).map((fault) => `${id}: ${fault}`),
        ),
      ),
      retained: (await this.#latest?.fault()) ?? null,
    };
  }
}

/** One retained message, set anew as soon as the last change was acknowledged: whoever asks gets that one, or the one under way. */
class Latest {
  readonly #pair: PairUnderTest;
  readonly #client: MqttClient;
  #acked = 0;
  #isOver = false;

  constructor(pair: PairUnderTest) {
    this.#pair = pair;
    this.#client = connect(pair, { ...IMPATIENT, clientId: 'latest' });
    this.#client.on('error', () => undefined);
    this.#set(1);
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#client.endAsync(true);
  }

  /** What a new subscriber gets, if that is wrong. */
  async fault(): Promise<string | null> {
    if (this.#acked === 0) return null;
    const asker = connect(this.#pair, { ...IMPATIENT, clientId: 'asker' });
    try {
      const got = new Promise<number>((resolve) => {
        asker.once('message', (_topic, payload) => resolve(Number(payload.toString())));
        setTimeout(() => resolve(0), ANSWER_MS);
      });
      await connected(asker);
      await asker.subscribeAsync(LATEST, { qos: 1 });
      const number = await got;
      return number === this.#acked || number === this.#acked + 1
        ? null
        : `the retained message is ${number}, and ${this.#acked} was the last to be acknowledged`;
    } finally {
      await asker.endAsync(true);
    }
  }

  #set(number: number): void {
    if (this.#isOver) return;
    this.#client.publish(LATEST, String(number), { qos: 1, retain: true }, (error) => {
      if (this.#isOver) return;
      if (!error) this.#acked = number;
      setTimeout(() => this.#set(number + 1), BREATH_MS);
    });
  }
}

const ANSWER_MS = 5_000;
const BREATH_MS = 20;

/** MQTT.js keeps the address of its present connection in its options. */
const serverOf = ({ options }: MqttClient, pair: PairUnderTest): ServerName =>
  options.port === pair.ports.primary.mqtt ? 'primary' : 'secondary';
