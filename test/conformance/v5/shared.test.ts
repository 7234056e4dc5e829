/** Shared subscriptions. Source: MQTT 5.0 §4.8.2. */
import { expect, test } from 'vitest';
import {
  leftWith,
  serve,
  v3,
  v5,
  type ConnectFields,
  type TestClient,
  type TestServer,
} from '../harness/index.ts';

const lasting = (clientId: string): ConnectFields => ({
  clientId,
  clean: false,
  properties: [['sessionExpiry', 600]],
});

const payloads = (client: TestClient): string[] => client.messages.map(({ payload }) => payload.toString());

/** Members of one group on `t`, and a writer. */
async function group(
  qos: number,
  ...names: readonly string[]
): Promise<[TestServer, TestClient, TestClient[]]> {
  const server = await serve();
  const members: TestClient[] = [];
  for (const name of names) members.push(await server.subscribes(v5, lasting(name), ['$share/group/t', qos]));
  return [server, await server.connects(v5, { clientId: 'writer' }), members];
}

async function publishes(writer: TestClient, count: number, qos: number): Promise<string[]> {
  const sent = Array.from({ length: count }, (_, n) => `${n}`);
  for (const [n, payload] of sent.entries())
    await writer.says(v5.publish({ payload, qos, id: n + 1 }), qos === 2 ? v5.pubrel(n + 1) : '');
  return sent;
}

test('each message goes to one member, all of them have some, and whoever is not of the group gets it besides [MQTT5-4.8.2-3]', async () => {
  for (const qos of [0, 1, 2]) {
    const [server, writer, members] = await group(qos, 'a', 'b', 'c');
    const other = await server.subscribes(v5, { clientId: 'other' }, ['$share/other/t', 0], ['t', 0]);
    const sent = await publishes(writer, 12, qos);
    const got: string[][] = [];
    for (const member of members) {
      await member.hears();
      expect(member.messages.every((one) => one.qos === qos)).toBe(true);
      got.push(payloads(member));
    }
    expect(got.flat().sort()).toEqual([...sent].sort());
    for (const some of got) expect(some.length).toBeGreaterThan(0);
    await other.hears();
    // Once for the other group, once for its own subscription, or once for both.
    for (const payload of sent) expect(payloads(other)).toContain(payload);
  }
});

test('members may have different QoS, and none gets more than it was granted [MQTT5-4.8.2-3]', async () => {
  const server = await serve();
  const granted = [0, 1, 2];
  const members: TestClient[] = [];
  for (const qos of granted)
    members.push(await server.subscribes(v5, { clientId: `m${qos}` }, ['$share/group/t', qos]));
  const writer = await server.connects(v5, { clientId: 'writer' });
  const sent = await publishes(writer, 12, 2);
  const got: string[] = [];
  for (const [n, member] of members.entries()) {
    await member.hears();
    for (const one of member.messages) expect(one.qos).toBeLessThanOrEqual(granted[n] ?? 0);
    got.push(...payloads(member));
  }
  expect(got.sort()).toEqual([...sent].sort());
});

test.each([
  ['$share/', 'MQTT5-4.8.2-1'],
  ['$share//t', 'MQTT5-4.8.2-1'],
  ['$share', 'MQTT5-4.8.2-1'],
  ['$share/group', 'MQTT5-4.8.2-2'],
  ['$share/group/', 'MQTT5-4.8.2-2'],
  ['$share/gr+oup/t', 'MQTT5-4.8.2-2'],
  ['$share/#/t', 'MQTT5-4.8.2-2'],
])('the filter %j is no shared subscription: it is refused, and shares nothing [%s]', async (filter) => {
  const server = await serve();
  const client = await server.connects(v5);
  const heard = await client.says(v5.subscribe(1, [[filter, 1]]));
  // As a protocol error, or as a filter that is not taken; `$share` alone may be a topic like any other.
  const isTopic = filter === '$share' && heard[0] === 'suback #1 1';
  if (!isTopic && heard[0] !== 'suback #1 0x8f') leftWith(heard, 0x81, 0x82, 0x8f);
});

test('no local on a shared subscription is a protocol error [MQTT5-3.8.3-4]', async () => {
  const server = await serve();
  const client = await server.connects(v5);
  leftWith(await client.says(v5.subscribe(1, [['$share/group/t', { qos: 1, noLocal: true }]])), 0x82);
});

test('a message with QoS 2 that a member was being sent is completed with that member when it is back [MQTT5-4.8.2-4]', async () => {
  const [server, writer, members] = await group(2, 'a', 'b');
  await publishes(writer, 2, 2);
  for (const member of members) await member.hears();
  const [first, second] = members;
  const [mine = ''] = first === undefined ? [] : payloads(first);
  await first?.vanishes();
  await server.passes(60_000);
  expect(await second?.hears()).toEqual([]);
  const back = server.dials(v5, lasting('a'));
  const heard = await back.says(v5.connect(lasting('a')));
  expect(heard[0]).toBe('connack 0 present');
  expect(payloads(back)).toEqual([mine]);
  const id = back.messages[0]?.id ?? 0;
  expect(await back.says(v5.pubrec(id), v5.pubcomp(id))).toEqual([`pubrel #${id}`]);
});

test('if the session of that member ends before, nobody else gets the message [MQTT5-4.8.2-5]', async () => {
  const [server, writer, members] = await group(2, 'a', 'b');
  await publishes(writer, 2, 2);
  for (const member of members) await member.hears();
  const [first, second] = members;
  await first?.vanishes();
  await server.passes(600_000);
  expect(await second?.hears()).toEqual([]);
  // A clean start ends it, too.
  await second?.vanishes();
  const late = await server.subscribes(v5, { clientId: 'late' }, ['$share/group/t', 2]);
  await server.connects(v5, { clientId: 'b' });
  expect(await late.hears()).toEqual([]);
});

test('a message with QoS 1 of a member that goes for good is not lost to the group', async () => {
  const [server, writer, members] = await group(1, 'a', 'b');
  const sent = await publishes(writer, 6, 1);
  const [first, second] = members;
  await first?.hears();
  await second?.hears();
  const got = second === undefined ? [] : payloads(second);
  await second?.says(...second.messages.map(({ id }) => v5.puback(id ?? 0)));
  await first?.vanishes();
  await server.passes(600_000);
  await second?.hears();
  expect([...got, ...(second === undefined ? [] : payloads(second))].sort()).toEqual([...sent].sort());
});

test('a message that a member refuses goes to no other [MQTT5-4.8.2-6]', async () => {
  const [server, writer, members] = await group(2, 'a', 'b');
  for (const qos of [1, 2])
    for (let n = 0; n < 4; n += 1)
      await writer.says(v5.publish({ payload: `${qos}${n}`, qos, id: 10 * qos + n }));
  for (const member of members) {
    await member.hears();
    const answers = member.messages.map(({ id, qos }) =>
      qos === 1 ? v5.puback(id ?? 0, 0x80) : v5.pubrec(id ?? 0, 0x80),
    );
    expect(await member.says(...answers)).toEqual([]);
  }
  await server.passes(60_000);
  for (const member of members) expect(await member.hears()).toEqual([]);
  for (const name of ['a', 'b']) {
    const back = server.dials(v5, lasting(name));
    expect(await back.says(v5.connect(lasting(name)))).toEqual(['connack 0 present']);
  }
});

test('retained messages do not come with a shared subscription [MQTT 5.0 §4.8.2]', async () => {
  const server = await serve();
  const client = await server.connects(v5);
  await client.says(v5.publish({ retain: true }));
  expect(await client.says(v5.subscribe(1, [['$share/group/t', 0]]))).toEqual(['suback #1 0']);
});

test('UNSUBSCRIBE of the shared filter leaves the group, and of the bare one does not [MQTT5-3.10.4-1]', async () => {
  const [, writer, [member]] = await group(1, 'a');
  expect(await member?.says(v5.unsubscribe(1, ['t']))).toEqual(['unsuback #1 17']);
  await publishes(writer, 1, 1);
  expect(await member?.hears()).toEqual(['t=0 q1 #1']);
  expect(await member?.says(v5.unsubscribe(2, ['$share/group/t']))).toEqual(['unsuback #2 0']);
  await publishes(writer, 1, 1);
  expect(await member?.hears()).toEqual([]);
});

test('to MQTT 3.1.1 a filter that begins with $share is one like any other, or shared as well: it gets nothing twice [MQTT5-4.8.2-3]', async () => {
  const [server, writer, [member]] = await group(1, 'a');
  const old = await server.connects(v3, { clientId: 'old' });
  await old.says(v3.subscribe(1, [['$share/group/t', 1]]));
  const sent = await publishes(writer, 6, 1);
  await member?.hears();
  await old.hears();
  expect([...(member === undefined ? [] : payloads(member)), ...payloads(old)].sort()).toEqual(
    [...sent].sort(),
  );
});
