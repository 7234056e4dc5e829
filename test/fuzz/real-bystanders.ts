/**
 * Ordinary clients (MQTT.js) beside those that fuzz: of each version one that publishes with every QoS, one message after the other, and two
 * that take, with a clean session and with a durable one. They never reconnect: to lose a connection is to be disturbed.
 */
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { Disturbed } from './bystander.ts';

const WAIT_MS = 30_000;
const LEVELS = [4, 5] as const;
const topic = (level: number, qos: number): string => `by/${level}/${qos}`;

export class RealBystanders {
  readonly #clients: MqttClient[] = [];
  readonly #last = new Map<string, number>();
  readonly #finding: (what: string) => void;
  readonly #url: string;
  #published = 0;
  #isOver = false;
  #changed: () => void = () => undefined;
  taken = 0;

  /** `finding`: told what must not be. */
  constructor(address: Readonly<{ host: string; port: number }>, finding: (what: string) => void) {
    this.#url = `mqtt://${address.host}:${address.port}`;
    this.#finding = finding;
  }

  get count(): number {
    return this.#clients.length;
  }

  /** Until `stop`: publishes, and takes. */
  async run(): Promise<void> {
    const consumers = LEVELS.flatMap((level) =>
      [true, false].map((clean) =>
        this.#client(`by-${clean ? 'clean' : 'durable'}-${level}`, { protocolVersion: level, clean }),
      ),
    );
    for (const [name, client] of consumers) {
      client.on('message', (at, payload) => this.#took(`${name} ${at}`, Number(payload.toString())));
      await client.subscribeAsync('by/#', { qos: 2 });
    }
    const publishers = LEVELS.map(
      (level) => [level, this.#client(`by-p-${level}`, { protocolVersion: level })[1]] as const,
    );
    while (!this.#isOver) {
      this.#published += 1;
      for (const [level, client] of publishers)
        for (const qos of [0, 1, 2] as const)
          await this.#inTime(
            `an acknowledgement of ${topic(level, qos)}`,
            client.publishAsync(topic(level, qos), String(this.#published), { qos }),
          );
    }
    const owed = consumers.length * LEVELS.length * 3 * this.#published;
    while (this.taken < owed)
      await this.#inTime(
        `${owed - this.taken} messages`,
        new Promise<void>((resolve) => (this.#changed = resolve)),
      );
  }

  /** No more is published; `run` fulfils when all is there. */
  stop(): void {
    this.#isOver = true;
  }

  async end(): Promise<void> {
    for (const client of this.#clients) {
      client.removeAllListeners('close');
      await client.endAsync(true);
    }
  }

  #client(clientId: string, options: IClientOptions): readonly [string, MqttClient] {
    const client = mqtt.connect(this.#url, { reconnectPeriod: 0, clientId, ...options });
    client.on('close', () => this.#finding(`${clientId} was disconnected`));
    client.on('error', (failure) => this.#finding(`${clientId}: ${failure.message}`));
    this.#clients.push(client);
    return [clientId, client];
  }

  #took(key: string, number: number): void {
    const last = this.#last.get(key) ?? 0;
    if (number !== last + 1) this.#finding(`${key}: ${number} after ${last}`);
    this.#last.set(key, number);
    this.taken += 1;
    this.#changed();
  }

  #inTime<T>(what: string, promise: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Disturbed(`not within ${WAIT_MS} ms: ${what}`)), WAIT_MS);
    });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
  }
}
