/** One name, several connections: the last one has the session, and nothing of it is lost on the way. Source: MQTT-3.1.4-2, PROTOCOL.md §2 Ack. */
import { expect, test } from 'vitest';
import { connectPacket, publishPacket, Serving, subscribePacket } from './serving.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a third connection comes while the second one waits for its commit: the last has the session, the others are closed [MQTT-3.1.4-2] (Ack)', async () => {
  const server = new Serving();
  await server.connections.open();
  const first = server.connected('c', { isDurable: true });
  first.send(subscribePacket(1, '#'));
  server.proposals.commit();
  const [second, third] = [server.client(), server.client()];
  second.send(connectPacket('c', { isDurable: true }));
  third.send(connectPacket('c', { isDurable: true }));
  await turn();
  expect([first.isOpen, second.isOpen, third.isOpen]).toEqual([false, false, true]);
  expect([second.packets(), third.packets()]).toEqual([[], []]);
  server.proposals.commit();
  await turn();
  server.proposals.commit();
  expect([second.packets(), third.packets()]).toEqual([[], ['20020100']]);

  server.connected('w').send(publishPacket('t', 'm', 1));
  server.proposals.commit();
  expect(third.packets()).toEqual(['t=m q1 #1']);
  expect(server.connections.stats().clients).toBe(2);
});

test('a session goes from connection to connection while messages flow: each message comes, in order, and a repeat is marked [MQTT-4.4.0-1]', async () => {
  const server = new Serving();
  await server.connections.open();
  const writer = server.connected('w');
  let reader = server.connected('c', { isDurable: true });
  reader.send(subscribePacket(1, '#'));
  server.proposals.commit();
  reader.received();
  const seen: string[] = [];
  for (let n = 1; n <= 20; n += 1) {
    writer.send(publishPacket('t', `m${n}`, n));
    // Every other message commits while the session moves.
    if (n % 2 === 0) server.proposals.commit();
    const next = server.client();
    next.send(connectPacket('c', { isDurable: true }));
    server.proposals.commit();
    await turn();
    server.proposals.commit();
    seen.push(...reader.packets(), ...next.packets());
    expect([reader.isOpen, next.isOpen]).toEqual([false, true]);
    reader = next;
  }
  const messages = seen.filter((packet) => packet.startsWith('t='));
  const first = messages.filter((packet) => !packet.endsWith(' d'));
  const expected = Array.from({ length: 20 }, (_, n) => `t=m${n + 1} q1 #${n + 1}`);
  expect(first).toEqual(expected);
  expect(messages.length).toBeGreaterThan(first.length);
});
