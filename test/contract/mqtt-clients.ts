/** MQTT.js against the clients' side of a server on a real port. */
import mqtt, {
  type IClientOptions,
  type IConnackPacket,
  type IDisconnectPacket,
  type IPublishPacket,
  type MqttClient,
} from 'mqtt';
import { onTestFinished } from 'vitest';
import { Broker } from '../../src/core/broker/index.ts';
import { SystemClock, SystemRandom } from '../../src/io/system/index.ts';
import { Connections, type ConnectionOptions } from '../../src/runtime/connections/index.ts';
import { portOf } from './listener-fixture.ts';
import { accessTo, defaultOptions, HeldProposals } from '../runtime/serving.ts';

/** The clients' side on a real port; what is proposed commits once the turn is over. */
export async function serve(
  options: Partial<ConnectionOptions> = {},
): Promise<{ url: string; broker: Broker; connections: Connections }> {
  const broker = new Broker();
  const proposals = new HeldProposals(broker);
  proposals.isImmediate = true;
  const { listener } = await portOf({ name: 'mqtt', transport: 'tcp', isProxied: false });
  const connections = new Connections({
    broker,
    proposals,
    access: accessTo(broker),
    listeners: [listener],
    clock: new SystemClock(),
    random: new SystemRandom(),
    log: { say: () => undefined },
    options: { ...defaultOptions, ...options },
    peerReference: () => null,
    self: { version: '0', heapBytes: () => 0, pair: () => null },
  });
  proposals.applied = () => connections.applied();
  await connections.open();
  onTestFinished(() => connections.close('the test is over'));
  return { url: `mqtt://127.0.0.1:${listener.port ?? 0}`, broker, connections };
}

/** A client that has connected, and the messages that it gets: `topic=payload`, with q and r as they came. */
export class Client {
  readonly mqtt: MqttClient;
  readonly got: string[] = [];
  /** The same as they came. */
  readonly packets: IPublishPacket[] = [];
  connack: IConnackPacket | null = null;
  #watchers: (() => void)[] = [];

  private constructor(client: MqttClient) {
    this.mqtt = client;
    client.on('message', (topic, payload, packet) => {
      this.packets.push(packet);
      this.got.push(`${topic}=${payload.toString()} q${packet.qos}${packet.retain ? ' r' : ''}`);
      for (const watcher of this.#watchers) watcher();
    });
    client.on('error', () => undefined);
  }

  static async connect(url: string, options: IClientOptions): Promise<Client> {
    const client = new Client(mqtt.connect(url, { reconnectPeriod: 0, protocolVersion: 4, ...options }));
    onTestFinished(() => void client.mqtt.end(true));
    client.connack = await new Promise<IConnackPacket>((resolve, reject) => {
      client.mqtt.once('connect', resolve);
      client.mqtt.once('close', () => reject(new Error('closed before CONNACK')));
    });
    return client;
  }

  get sessionPresent(): boolean | null {
    return this.connack?.sessionPresent ?? null;
  }

  /** Fulfils when so many messages have come. */
  gotAll(count: number): Promise<readonly string[]> {
    return new Promise((resolve) => {
      const look = () => {
        if (this.got.length >= count) resolve(this.got);
      };
      this.#watchers.push(look);
      look();
    });
  }

  /** The reason with which the server closes the connection. */
  disconnected(): Promise<number | undefined> {
    return new Promise((resolve) =>
      this.mqtt.once('disconnect', (packet: IDisconnectPacket) => resolve(packet.reasonCode)),
    );
  }

  closed(): Promise<void> {
    return new Promise((resolve) => this.mqtt.once('close', () => resolve()));
  }
}
