/**
 * A server in memory and clients at its wire: the server's own connections, sessions and broker, a simulated clock, and entries that are committed
 * as soon as they are proposed. A client says bytes and hears packets, each of them judged.
 */
import { Serving } from '../../runtime/serving.ts';
import { Bounds } from './bounds.ts';
import { hex, type PropertyName, type PropertyValue } from './fields.ts';
import { judge, valueIn, words, type Heard } from './judge.ts';
import type { ConnectFields, Packets } from './packets.ts';

/** Settings of section `mqtt`, also some that are still to come. */
type Options = Readonly<Record<string, number | string>>;
type Stream = ReturnType<Serving['client']>;

/** One that serves. */
export async function serve(options: Options = {}): Promise<TestServer> {
  const serving = new Serving(options);
  await serving.connections.open();
  return new TestServer(serving);
}

export class TestServer {
  readonly serving: Serving;

  constructor(serving: Serving) {
    this.serving = serving;
  }

  /** A connection that has said nothing yet. `fields`: what its CONNECT will say, where that binds the server. */
  dials(packets: Packets, fields: ConnectFields = {}): TestClient {
    return new TestClient(this, packets, this.serving.client(), new Bounds(fields));
  }

  /** A client whose CONNECT has been accepted; what it has heard begins with its CONNACK. */
  async connects(packets: Packets, fields: ConnectFields = {}): Promise<TestClient> {
    const client = this.dials(packets, fields);
    const [answer = 'nothing'] = await client.says(packets.connect(fields));
    if (!/^connack 0\b/.test(answer))
      throw new Error(`the server does not let ${fields.clientId ?? 'c'} in: ${answer}`);
    return client;
  }

  /** As `connects`, and subscribed to these filters at these QoS. */
  async subscribes(
    packets: Packets,
    fields: ConnectFields,
    ...filters: readonly (readonly [string, number])[]
  ): Promise<TestClient> {
    const client = await this.connects(packets, fields);
    const [answer = 'nothing'] = await client.says(packets.subscribe(65_000, filters));
    if (!answer.startsWith('suback #65000 ')) throw new Error(`the server does not subscribe: ${answer}`);
    return client;
  }

  /** Time goes by. */
  async passes(ms: number): Promise<void> {
    await this.serving.clock.run(ms);
    await this.settles();
  }

  /** Everything that was said has been processed, committed and answered. */
  async settles(): Promise<void> {
    const { proposals } = this.serving;
    for (let quiet = 0; quiet < 3; quiet += 1) {
      if (proposals.ops.length > 0) quiet = 0;
      proposals.commit();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

export class TestClient {
  readonly #server: TestServer;
  readonly #stream: Stream;
  readonly #bounds: Bounds;
  readonly packets: Packets;
  #isToldClosed = false;
  /** What was heard last, packet by packet. */
  heard: readonly Heard[] = [];

  constructor(server: TestServer, packets: Packets, stream: Stream, bounds: Bounds) {
    this.#server = server;
    this.#bounds = bounds;
    this.packets = packets;
    this.#stream = stream;
  }

  get isOpen(): boolean {
    return this.#stream.isOpen;
  }

  /** Says packets, digits or any bytes in one go; what it hears then, with `closed` at the end where the server has closed the connection. */
  says(...parts: readonly (Buffer | string)[]): Promise<string[]> {
    this.posts(...parts);
    return this.hears();
  }

  /** Says them and does not listen: nothing is committed yet. */
  posts(...parts: readonly (Buffer | string)[]): void {
    this.#stream.send(Buffer.concat(parts.map((part) => (typeof part === 'string' ? hex(part) : part))));
  }

  /** What has come since it last listened. */
  async hears(): Promise<string[]> {
    await this.#server.settles();
    const { level } = this.packets;
    const bytes = Buffer.from(this.#stream.received(), 'hex');
    this.heard = judge(level, bytes).map((one) => this.#bounds.check(one));
    const texts = this.heard.map((one) => words(level, one));
    if (this.isOpen || this.#isToldClosed) return texts;
    this.#isToldClosed = true;
    return [...texts, 'closed'];
  }

  /** Of what it heard last: the first property of that name; null: there is none. */
  told(name: PropertyName): PropertyValue | null {
    for (const one of this.heard) {
      const value = valueIn(one, name);
      if (value !== null) return value;
    }
    return null;
  }

  /** The messages among what it heard last. */
  get messages(): readonly Heard[] {
    return this.heard.filter(({ type }) => type === 'publish');
  }

  /** For what takes real time, such as a password's hash: listens until something has come. */
  async awaits(): Promise<string[]> {
    for (;;) {
      const texts = await this.hears();
      if (texts.length > 0) return texts;
    }
  }

  /** The network is gone, without a farewell. */
  async vanishes(): Promise<void> {
    this.#stream.lose();
    await this.#server.settles();
  }

  /** Does not take what is sent to it, until it listens again. */
  stopsReading(): void {
    this.#stream.isReading = false;
  }

  startsReading(): void {
    this.#stream.startReading();
  }
}
