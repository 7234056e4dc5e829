import { expect, test } from 'vitest';
import { Broker } from '../../src/core/broker/index.ts';
import { Serving, type MemoryClient } from './serving.ts';
import { connect, connected, disconnect, heardBy, lasting, subscribed, type ConnectMore } from './v5.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const will = (payload: string, willDelayInterval = 0, more: ConnectMore = {}): ConnectMore => ({
  ...more,
  will: {
    topic: 'wills',
    payload: Buffer.from(payload),
    qos: 1,
    retain: false,
    properties: { willDelayInterval },
  },
});

class Watched {
  readonly server: Serving;
  readonly watcher: MemoryClient;

  private constructor(server: Serving) {
    this.server = server;
    this.watcher = subscribed(server, 'watcher', 'wills', { wishes: { qos: 0 } });
  }

  static async open(broker = new Broker()): Promise<Watched> {
    const server = new Serving({}, broker);
    await server.connections.open();
    server.proposals.commit();
    return new Watched(server);
  }

  connect(clientId: string, more: ConnectMore): MemoryClient {
    return connected(this.server, clientId, more);
  }

  /** Time passes, and everything proposed meanwhile is committed. The wills that were published. */
  async after(ms: number): Promise<string[]> {
    await turn();
    this.server.proposals.commit();
    await this.server.clock.run(ms);
    this.server.proposals.commit();
    return heardBy(this.watcher).map((text) => text.replace('wills=', ''));
  }
}

test('a will waits for its delay, and is published then [MQTT5-3.1.2-8]', async () => {
  const pair = await Watched.open();
  pair.connect('c', lasting(100, will('gone', 10))).lose();
  expect(await pair.after(9_999)).toEqual([]);
  expect(await pair.after(1)).toEqual(['gone']);
  expect(await pair.after(1_000_000)).toEqual([]);
});

test('a will waits no longer than its session [5.0 §3.1.3.2.2]', async () => {
  const pair = await Watched.open();
  pair.connect('short', lasting(5, will('short', 10))).lose();
  expect(await pair.after(4_999)).toEqual([]);
  expect(await pair.after(1)).toEqual(['short']);
  pair.connect('none', will('none', 10)).lose();
  expect(await pair.after(0)).toEqual(['none']);
});

test('a client that comes back in time to its session keeps the will from being sent [MQTT5-3.1.3-9]', async () => {
  const pair = await Watched.open();
  pair.connect('c', lasting(100, will('first', 10))).lose();
  expect(await pair.after(9_000)).toEqual([]);
  const back = pair.connect('c', lasting(100));
  expect(await pair.after(20_000)).toEqual([]);
  back.lose();
  expect(await pair.after(200_000)).toEqual([]);
});

test('a clean start ends the session that a will waits with, so it is published [5.0 §3.1.2.5]', async () => {
  const pair = await Watched.open();
  pair.connect('c', lasting(100, will('first', 10))).lose();
  expect(await pair.after(1_000)).toEqual([]);
  pair.connect('c', { clean: true });
  expect(await pair.after(0)).toEqual(['first']);
  expect(await pair.after(100_000)).toEqual([]);
});

test('also where the client comes back before the end of its connection is committed', async () => {
  const pair = await Watched.open();
  const client = pair.connect('c', lasting(100, will('first', 10)));
  client.lose();
  await turn();
  const back = pair.server.client();
  back.send(connect('c', { clean: true }));
  expect(await pair.after(0)).toEqual(['first']);
  expect(heardBy(back)).toEqual(['connack 0x00']);
});

test('a plain farewell takes the will back; one with 0x04 has it published in its time [MQTT5-3.14.4-3, MQTT5-3.1.2-10]', async () => {
  const pair = await Watched.open();
  pair.connect('polite', lasting(100, will('polite', 1))).send(disconnect());
  pair.connect('stern', lasting(100, will('stern', 1))).send(disconnect(0x04));
  pair.connect('sterner', will('sterner')).send(disconnect(0x04));
  expect(await pair.after(999)).toEqual(['sterner']);
  expect(await pair.after(1)).toEqual(['stern']);
  expect(await pair.after(200_000)).toEqual([]);
});

test('a DISCONNECT with a session expiry of 0 ends the session, and a will that is kept is published at once', async () => {
  const pair = await Watched.open();
  pair.connect('c', lasting(100, will('gone', 50))).send(disconnect(0x04, 0));
  expect(await pair.after(0)).toEqual(['gone']);
  expect(pair.server.broker.sessionOf('c')).toBe(null);
});

test('a takeover: the former will is sent if nothing delays it or its session ends, else not [5.0 §3.1.4]', async () => {
  const pair = await Watched.open();
  const cases: [string, ConnectMore, ConnectMore, string[]][] = [
    ['at once', lasting(100, will('at once')), lasting(100), ['at once']],
    ['delayed', lasting(100, will('delayed', 10)), lasting(100), []],
    ['clean start', lasting(100, will('clean start', 10)), { clean: true }, ['clean start']],
    ['no session', will('no session', 10), { clean: false }, ['no session']],
  ];
  for (const [clientId, former, next, published] of cases) {
    const first = pair.connect(clientId, former);
    const second = pair.server.client();
    second.send(connect(clientId, next));
    expect(await pair.after(20_000)).toEqual(published);
    expect(heardBy(first)).toEqual(['disconnect 0x8e']);
    const isPresent = clientId === 'at once' || clientId === 'delayed';
    expect(heardBy(second)).toEqual([`connack 0x00${isPresent ? ' present' : ''}`]);
  }
});

test('a will’s message expires from when it is published [5.0 §3.1.3.2.4]', async () => {
  const pair = await Watched.open();
  for (const name of ['soon', 'late']) subscribed(pair.server, name, 'wills', lasting(1_000)).lose();
  const properties = { willDelayInterval: 10, messageExpiryInterval: 5 };
  const last = { topic: 'wills', payload: Buffer.from('gone'), qos: 1, retain: false, properties } as const;
  pair.connect('c', lasting(1_000, { will: last })).lose();
  expect(await pair.after(14_999)).toEqual(['gone']);
  const heard = (name: string) => {
    const back = pair.server.client();
    back.send(connect(name, lasting(1_000)));
    pair.server.proposals.commit();
    return heardBy(back);
  };
  expect(heard('soon')).toEqual(['connack 0x00 present', 'wills=gone q1 #1']);
  expect(await pair.after(1)).toEqual([]);
  expect(heard('late')).toEqual(['connack 0x00 present']);
  expect(pair.server.broker.sessionOf('late')?.queue.length).toBe(0);
});

test('wills in their time go over to the next server: delays count on, and whoever was connected gets its patience first', async () => {
  const broker = new Broker();
  const former = await Watched.open(broker);
  former.connect('waits', lasting(100, will('waits', 10))).lose();
  await former.after(4_000);
  former.connect('stays', lasting(1_000, will('stays', 90, { keepalive: 20 })));
  former.connect('at once', lasting(1_000, will('at once', 0, { keepalive: 20 })));
  void former.server.connections.close('killed');
  former.server.proposals.forget();
  const next = await Watched.open(broker);
  next.server.proposals.commit();
  // The simulated clocks begin alike: for the next server it is earlier, and it counts from the last time that the state names.
  expect(await next.after(9_999)).toEqual([]);
  expect(await next.after(1)).toEqual(['waits']);
  expect(await next.after(19_999)).toEqual([]);
  expect(await next.after(1)).toEqual(['at once']);
  expect(await next.after(59_999)).toEqual([]);
  expect(await next.after(1)).toEqual(['stays']);
});
