/**
 * Clients that people have, with two addresses, through a failover and a switchover: Debian's mosquitto, Eclipse Paho for Python, and MQTT.js over
 * TCP, TLS and WebSocket. docs/MQTT.md says how each is given both servers. Source: PROTOCOL.md §2 Ack; MQTT 5.0 §4.3, §4.4, §4.11.
 */
import mqtt from 'mqtt';
import { expect, onTestFinished, test } from 'vitest';
import { TestAuthority } from '../contract/test-authority.ts';
import { connected, judge, type Stream } from './clients.ts';
import { LISTENERS } from './pair.ts';
import {
  jsReceiver,
  jsSender,
  linesSender,
  loopSender,
  mosquittoReceiver,
  pahoReceiver,
  pahoSender,
  type Receiver,
  type Sender,
} from './real-clients.ts';
import { needMosquitto } from './tools.ts';
import { freshPair, type RunningPair } from './traffic.ts';
import { TwoServers, type Version } from './two-servers.ts';

const VERSIONS = ['3.1.1', '5'] as const satisfies readonly Version[];

/** Starting this many programs takes the processors for a while; that is not what is looked at here. */
const PATIENCE = ['timing.peerTimeout=4000', 'timing.ackTimeout=5000', 'timing.keeperTimeout=4000'];

/** For what many programs do, on a machine that has other work. */
const LONG_MS = 60_000;

type Running = RunningPair & Readonly<{ servers: TwoServers; certificate: Buffer }>;

/** A pair with all listeners, at two addresses. */
async function running(): Promise<Running> {
  needMosquitto();
  const authority = TestAuthority.create();
  const own = authority.issue('servers', { names: ['IP:127.0.0.1', 'IP:127.0.0.2'] });
  const pair = await freshPair([
    ...LISTENERS.map((name) => `listeners.${name}.enabled=true`),
    `tls.certificateFile=${own.certificateFile}`,
    `tls.keyFile=${own.keyFile}`,
    ...PATIENCE,
  ]);
  const servers = new TwoServers(pair);
  return { pair, servers, certificate: authority.certificate, ...(await pair.startBoth()) };
}

/** It was there on each connection but the first, where it may be: on a busy machine a client has given up one before that. */
const isKept = (sessions: readonly boolean[]): boolean =>
  sessions.length > 1 && sessions.slice(1).every((isPresent) => isPresent);

/** Fulfils when each of them has had so many more acknowledged. */
async function flow({ pair }: Running, streams: readonly Stream[], more: number): Promise<void> {
  const goals = streams.map(({ acked }) => acked.size + more);
  const late = (): string[] =>
    streams.filter(({ acked }, n) => acked.size < (goals[n] ?? 0)).map(({ id }) => id);
  await pair
    .until(`${more} more of each`, async () => (late().length === 0 ? true : null), LONG_MS)
    .catch((cause: unknown) => {
      throw new Error(`too late: ${late().join(', ')}`, { cause });
    });
}

/** Fulfils when each of them has all that was acknowledged, of all streams. */
async function drained(
  { pair }: Running,
  receivers: readonly Receiver[],
  streams: readonly Stream[],
): Promise<void> {
  const missing = (): string[] =>
    receivers.flatMap(({ name, received }) =>
      streams
        .filter(({ id, acked }) => new Set(received.get(id)).size < acked.size)
        .map(({ id }) => `${name} has ${received.get(id)?.length ?? 0} of ${id}`),
    );
  await pair
    .until('everything everywhere', async () => (missing().length === 0 ? true : null), LONG_MS)
    .catch(() => expect(missing(), pair.transcript()).toEqual([]));
}

test('all at once through kill -9 of the active: MQTT.js by TCP, TLS and WebSocket, Paho, mosquitto_pub and mosquitto_sub, with MQTT 3.1.1 and 5.0, find the other server and their sessions; all that is acknowledged reaches all, in order, with QoS 2 exactly once', async () => {
  const all = await running();
  const { pair, active, passive, servers, certificate } = all;
  const makeAll = async <T>(
    kinds: readonly ((s: TwoServers, v: Version, c: Buffer) => Promise<T>)[],
  ): Promise<T[]> =>
    Promise.all(VERSIONS.flatMap((version) => kinds.map((make) => make(servers, version, certificate))));

  const receivers = await makeAll<Receiver>([
    jsReceiver('mqtt'),
    jsReceiver('ws'),
    jsReceiver('wss'),
    pahoReceiver,
    mosquittoReceiver,
  ]);
  const senders = await makeAll<Sender>([
    jsSender('mqtt', 1),
    jsSender('mqtt', 2),
    jsSender('ws', 1),
    jsSender('ws', 2),
    jsSender('mqtts', 2),
    pahoSender,
    loopSender,
    linesSender(receivers[0]),
  ]);
  const promised = senders.flatMap((sender) => sender.promised);
  const streams = promised.map(({ stream }) => stream);
  await flow(all, streams, 10);
  pair.server(active).kill('SIGKILL');
  await pair.reaches(passive, 'STANDALONE');
  await flow(all, streams, 10);
  await Promise.all(senders.map((sender) => sender.finish()));
  await drained(all, receivers, streams);

  for (const { name, qos, received } of receivers)
    for (const { stream, isOnce, isOrdered } of promised) {
      const { duplicates, outOfOrder, ...rest } = judge([stream], { received });
      const what = `${name} of ${stream.id}`;
      expect(rest, what).toEqual({ lost: 0, unexpected: 0 });
      if (isOrdered) expect(outOfOrder, what).toBe(0);
      if (isOnce && qos === 2) expect(duplicates, what).toBe(0);
    }
  for (const { sessions } of [...receivers, ...senders])
    if (sessions !== null) expect(isKept(sessions), sessions.join()).toBe(true);
}, 240_000);

test('mosquitto_rr is answered before and after kill -9 of the active, and mosquitto_sub -c finds what came before and since, with MQTT 3.1.1 and 5.0', async () => {
  const { pair, active, passive, servers, certificate } = await running();
  const inTurn = async (version: Version, command: string, words: string): Promise<string[]> => {
    const line = `until ${command} $PRIMARY ${words} || ${command} $SECONDARY ${words}; do sleep 0.2; done`;
    const program = servers.shell(line, version);
    expect(await program.ended, program.complaints).toBe(0);
    return program.lines;
  };
  const each = <T>(act: (version: Version) => Promise<T>): Promise<T[]> => Promise.all(VERSIONS.map(act));
  const ask = (question: string): Promise<string[][]> =>
    each((version) =>
      inTurn(version, 'mosquitto_rr', `-q 1 -t ask/${version} -e answer/${version} -m ${question} -W 10`),
    );
  const publish = (version: Version, message: string): Promise<string[]> =>
    inTurn(version, 'timeout 5 mosquitto_pub', `-q 1 -t plant/${version} -m ${message}`);
  const take = (version: Version, words: string): Promise<string[]> =>
    inTurn(version, 'mosquitto_sub', `-i durable-${version} -c -q 1 -t plant/${version} ${words}`);

  await each(async (version) => {
    const responder = mqtt.connect({
      ...servers.options('mqtt', version, certificate),
      clientId: `responder-${version}`,
    });
    onTestFinished(() => responder.endAsync(true));
    responder.on('message', (_topic, payload, { properties }) => {
      // With 3.1.1 both must know where the answer goes.
      const topic = version === '5' ? (properties?.responseTopic ?? 'nowhere') : 'answer/3.1.1';
      responder.publish(topic, `yes, ${payload.toString()}`, { qos: 1 });
    });
    await connected(responder);
    await responder.subscribeAsync(`ask/${version}`, { qos: 1 });
    await take(version, '-E');
    for (const message of ['one', 'two']) await publish(version, message);
  });
  expect(await ask('before')).toEqual([['yes, before'], ['yes, before']]);
  pair.server(active).kill('SIGKILL');
  await pair.reaches(passive, 'STANDALONE');
  expect(await ask('after')).toEqual([['yes, after'], ['yes, after']]);
  const taken = await each(async (version) => {
    await publish(version, 'three');
    return take(version, '-C 3 -W 20');
  });
  const all = ['one', 'two', 'three'];
  expect(taken, pair.transcript()).toEqual([all, all]);
});

/** What MQTT.js was told in DISCONNECT. */
type Told = { reasonCode: number | undefined; serverReference: string | undefined };

test('a switchover tells clients of MQTT 5.0 to use another server, with the address of that one and the port of their listener; they go there, and have their sessions [MQTT 5.0 §4.11]', async () => {
  const { pair, active, passive, servers, certificate } = await running();
  const js = LISTENERS.map((listener) => {
    const told: Told[] = [];
    const sessions: boolean[] = [];
    const heard: string[] = [];
    const client = mqtt.connect({
      ...servers.options(listener, '5', certificate),
      clientId: `js-${listener}`,
      reconnectPeriod: 50,
    });
    onTestFinished(() => client.endAsync(true));
    client.on('connect', ({ sessionPresent }) => sessions.push(sessionPresent));
    client.on('message', (_topic, payload) => heard.push(payload.toString()));
    client.on('disconnect', ({ reasonCode, properties }) =>
      told.push({ reasonCode, serverReference: properties?.serverReference }),
    );
    return { listener, client, told, sessions, heard };
  });
  for (const { client } of js) {
    await connected(client);
    await client.subscribeAsync('orders/#', { qos: 1 });
  }
  const paho = servers.paho('subscribe', '5', 'paho');
  const old = servers.paho('subscribe', '3.1.1', 'old-paho');
  for (const program of [paho, old]) await program.says('subscribed');
  const durable = "-i mosquitto -c -q 1 -t 'orders/#'";
  const mosquitto = servers.shell(`exec mosquitto_sub $BOTH ${durable} -d`, '5');
  await mosquitto.says('Subscribed');

  const { code, output } = await pair.run('switchover', active);
  expect(code, output).toBe(0);
  expect(await pair.protected()).toEqual({ active: passive, passive: active });
  await js[0]?.client.publishAsync('orders/one', 'one:1', { qos: 1 });

  await pair.until('all have it', async () =>
    js.every(({ heard }) => heard.length > 0) && [paho, old].every(({ lines }) => lines.includes('got one:1'))
      ? true
      : null,
  );
  for (const { listener, told, sessions } of js) {
    expect(told, listener).toEqual([
      { reasonCode: 0x9c, serverReference: servers.address(passive, listener) },
    ]);
    expect(isKept(sessions), `${listener}: ${sessions.join()}`).toBe(true);
  }
  const there = servers.address(passive, 'mqtt');
  expect(paho.lines).toContain(`disconnected 156 ${there}`);
  expect(paho.lines).toContain(`connected ${there} 1`);
  expect(old.lines).toContain(`connected ${there} 1`);
  // This one goes nowhere by itself: it ends, and whoever starts it again finds its session.
  expect(await mosquitto.ended, mosquitto.complaints).toBe(0);
  expect(mosquitto.lines).toContain('Received DISCONNECT (156)');
  const again = servers.shell(`exec mosquitto_sub $BOTH ${durable} -C 1 -W 20`, '5');
  expect(await again.ended, again.complaints).toBe(0);
  expect(again.lines).toEqual(['one:1']);
});
