/**
 * Clients as their users run them, each with both servers: MQTT.js, Eclipse Paho for Python, and Debian's mosquitto. Senders send streams of
 * numbered messages, receivers have durable sessions and get those of all senders.
 */
import type { MqttClient } from 'mqtt';
import { expect, onTestFinished } from 'vitest';
import { connected, Publisher, Subscriber, type Inbox, type Stream } from './clients.ts';
import type { Program } from './program.ts';
import type { Listener, TwoServers, Version } from './two-servers.ts';

export type Receiver = Inbox &
  Readonly<{
    name: string;
    /** Of its subscription. */
    qos: 1 | 2;
    /** Of each of its connections, whether the server had its session; null: this client does not tell. */
    sessions: readonly boolean[] | null;
  }>;

/** A stream, and what it may be held to. */
export type Promised = Readonly<{ stream: Stream; isOnce: boolean; isOrdered: boolean }>;

export type Sender = Readonly<{
  promised: readonly Promised[];
  sessions: readonly boolean[] | null;
  /** No more messages; fulfils when the client has ended and says that all are acknowledged. */
  finish: () => Promise<void>;
}>;

const PER_SECOND = 5;
/** Of one publisher that is told what to send. */
const IN_FLIGHT_MAX = 10;

class Numbered implements Stream {
  readonly id: string;
  readonly acked = new Map<number, number>();
  sent = 0;

  constructor(id: string) {
    this.id = id;
  }

  next(): string {
    this.sent += 1;
    return `${this.id}:${this.sent}`;
  }

  ack(number: number): void {
    this.acked.set(number, performance.now());
  }
}

function sessionsOf(client: MqttClient): boolean[] {
  const sessions: boolean[] = [];
  client.on('connect', ({ sessionPresent }) => sessions.push(sessionPresent));
  return sessions;
}

/** Those that a program tells of in lines like `connected host:port 1`. */
function sessionsSaid(program: Program): boolean[] {
  const sessions: boolean[] = [];
  program.each((line) => {
    const [word, , present] = line.split(' ');
    if (word === 'connected') sessions.push(present === '1');
  });
  return sessions;
}

/** What came, as a program tells in lines like `got id:number`. */
function inboxSaid(program: Program): Map<string, number[]> {
  const received = new Map<string, number[]>();
  program.each((line) => {
    const [, id, number] = /^got (.+):(\d+)$/.exec(line) ?? [];
    if (id === undefined) return;
    const numbers = received.get(id) ?? [];
    numbers.push(Number(number));
    received.set(id, numbers);
  });
  return received;
}

export const jsReceiver =
  (listener: Listener) =>
  async (servers: TwoServers, version: Version, certificate: Buffer): Promise<Receiver> => {
    const name = `in-js-${listener}-${version}`;
    const subscriber = new Subscriber(servers.pair, name, servers.options(listener, version, certificate));
    onTestFinished(() => subscriber.end());
    const sessions = sessionsOf(subscriber.client);
    await subscriber.granted(2);
    return { name, qos: 2, received: subscriber.received, sessions };
  };

export const jsSender =
  (listener: Listener, qos: 1 | 2) =>
  async (servers: TwoServers, version: Version, certificate: Buffer): Promise<Sender> => {
    const id = `js-${listener}-${version}-${qos}`;
    const publisher = new Publisher(servers.pair, id, 1, servers.options(listener, version, certificate));
    onTestFinished(() => publisher.end());
    publisher.qos = qos;
    const sessions = sessionsOf(publisher.client);
    await connected(publisher.client);
    publisher.start(PER_SECOND);
    const promised = [{ stream: publisher, isOnce: qos === 2, isOrdered: true }];
    return { promised, sessions, finish: () => publisher.finish() };
  };

export async function pahoReceiver(servers: TwoServers, version: Version): Promise<Receiver> {
  const name = `in-paho-${version}`;
  const program = servers.paho('subscribe', version, name);
  const [received, sessions] = [inboxSaid(program), sessionsSaid(program)];
  await program.says('subscribed');
  return { name, qos: 2, received, sessions };
}

export async function pahoSender(servers: TwoServers, version: Version): Promise<Sender> {
  const id = `paho-${version}`;
  const streams = [new Numbered(`${id}-1`), new Numbered(`${id}-2`)];
  const program = servers.paho('publish', version, id);
  const sessions = sessionsSaid(program);
  program.each((line) => {
    const [, word, stream, number] = /^(sent|acked) (.+):(\d+)$/.exec(line) ?? [];
    const of = streams.find((each) => each.id === stream);
    if (of === undefined) return;
    if (word === 'sent') of.sent = Number(number);
    else of.ack(Number(number));
  });
  const finish = async (): Promise<void> => {
    program.tell('finish');
    expect(await program.ended, program.complaints).toBe(0);
  };
  const promised = streams.map((stream, n) => ({ stream, isOnce: n === 1, isOrdered: true }));
  return { promised, sessions, finish };
}

/**
 * `mosquitto_sub`, given the name that both servers have: it dials both whenever it is cut off. With QoS 1: libmosquitto keeps a second copy of a
 * QoS 2 message that comes again after a reconnect, and counts it against its receive maximum (eclipse-mosquitto/mosquitto#1751).
 */
export async function mosquittoReceiver(servers: TwoServers, version: Version): Promise<Receiver> {
  const name = `in-mosquitto-${version}`;
  const line = `exec mosquitto_sub $BOTH -i ${name} -c -k 10 -q 1 -t 'orders/#' -d -F 'got %p'`;
  const program = servers.shell(line, version);
  const received = inboxSaid(program);
  await program.says('Subscribed');
  return { name, qos: 1, received, sessions: null };
}

/** Tries each message at one address and the other, until one of them has acknowledged it. */
const ONE_BY_ONE = `while read -r message; do
  until timeout 3 mosquitto_pub $PRIMARY -q 1 -t "$TOPIC" -m "$message" ||
    timeout 3 mosquitto_pub $SECONDARY -q 1 -t "$TOPIC" -m "$message"
  do sleep 0.2; done
  echo "acked $message"
done`;

/** `mosquitto_pub` for each message, in a loop of the shell over both addresses. */
export async function loopSender(servers: TwoServers, version: Version): Promise<Sender> {
  const stream = new Numbered(`loop-${version}`);
  const program = servers.shell(`TOPIC=orders/${stream.id}\n${ONE_BY_ONE}`, version);
  let isFinished = false;
  const next = (): void => (isFinished ? program.hush() : program.tell(stream.next()));
  program.each((line) => {
    stream.ack(Number(line.split(':')[1]));
    next();
  });
  next();
  const finish = async (): Promise<void> => {
    isFinished = true;
    expect(await program.ended, program.complaints).toBe(0);
  };
  return { promised: [{ stream, isOnce: false, isOrdered: true }], sessions: null, finish };
}

/**
 * One `mosquitto_pub -l` for all messages, given the name that both servers have. What is acknowledged it does not tell, but by its end; until then
 * a message counts as acknowledged when `witness` has it. A line that comes while it waits for CONNACK it sends before those that it has to send
 * again, so its order is its own.
 */
export const linesSender =
  (witness: Receiver | undefined) =>
  async (servers: TwoServers, version: Version): Promise<Sender> => {
    const stream = new Numbered(`lines-${version}`);
    const line = `exec mosquitto_pub $BOTH -i ${stream.id} -c -k 10 -q 2 -t orders/${stream.id} -l`;
    const program = servers.shell(line, version);
    const pump = setInterval(() => {
      for (const number of witness?.received.get(stream.id) ?? []) stream.ack(number);
      if (stream.sent - stream.acked.size < IN_FLIGHT_MAX) program.tell(stream.next());
    }, 1000 / PER_SECOND);
    onTestFinished(() => clearInterval(pump));
    const finish = async (): Promise<void> => {
      clearInterval(pump);
      program.hush();
      expect(await program.ended, program.complaints).toBe(0);
      for (let number = 1; number <= stream.sent; number += 1) stream.ack(number);
    };
    return { promised: [{ stream, isOnce: true, isOrdered: false }], sessions: null, finish };
  };
