import { expect, test } from 'vitest';
import { plainSubscription } from '../../../../src/core/broker/index.ts';
import { asked } from '../packets.ts';
import { answerOf, bytesOf, connected, NOW, opOf, v5 } from './conversation.ts';

const subscribe = (...subscriptions: ReturnType<typeof asked>[]) =>
  ({ type: 'subscribe', packetId: 0x102, subscriptions }) as const;

const unsubscribe = (...filters: string[]) =>
  ({
    type: 'unsubscribe',
    packetId: 3,
    filters: filters.map((filter) => ({ filter, group: null })),
  }) as const;

const mayNot = (forbidden: string) => ({
  permissions: { maySubscribe: (filter: string) => filter !== forbidden },
});

test('SUBACK has one code for each filter [MQTT-3.8.4-5] and UNSUBACK the same identifier [MQTT-3.10.4-4]', () => {
  const session = connected({ isClean: false });
  const subscribed = session.step(subscribe(asked('a', 1), asked('b', 0)), NOW);
  expect(opOf(subscribed)).toMatchObject({ type: 'subscribe', clientId: 'c' });
  expect(answerOf(session, subscribed)).toBe('900401020100');
  const unsubscribed = session.step(unsubscribe('a'), NOW);
  expect(answerOf(session, unsubscribed, { type: 'unsubscribed', existed: [false] })).toBe('b0020003');
});

test('UNSUBACK says in MQTT 5 for each filter whether there was such a subscription [MQTT5-3.11.3-1]', () => {
  const session = connected({ ...v5, isClean: false });
  const unsubscribed = session.step(unsubscribe('a', 'b'), NOW);
  expect(answerOf(session, unsubscribed, { type: 'unsubscribed', existed: [true, false] })).toBe(
    'b0050003000011',
  );
  const local = connected(v5);
  const effect = local.step(unsubscribe('a', 'b'), NOW);
  expect(effect).toMatchObject({
    type: 'unsubscribeLocal',
    filters: [{ filter: 'a', group: null }, { filter: 'b' }],
  });
  const ask = effect.type === 'unsubscribeLocal' ? { ...effect.ask, existed: [false, true] } : null;
  expect(ask === null ? '' : bytesOf(local.committed(ask, { type: 'applied' }))).toBe('b0050003001100');
});

test('what only this server knows is not proposed: subscriptions of a clean session', () => {
  const effect = connected().step(subscribe(asked('a', 1)), NOW);
  expect(effect).toMatchObject({ type: 'subscribeLocal', subscriptions: [plainSubscription('a', 1)] });
});

test('a filter to which the client may not subscribe fails alone: 0x87 in MQTT 5, 0x80 in MQTT 3.1.1 [MQTT-3.9.3-2]', () => {
  for (const [level, code] of [
    [4, '80'],
    [5, '87'],
  ] as const) {
    const session = connected({ level, isClean: false, wantsProblemInformation: false }, mayNot('b'));
    const effect = session.step(subscribe(asked('a', 1), asked('b', 0)), NOW);
    expect(opOf(effect)).toMatchObject({ subscriptions: [{ filter: 'a' }] });
    const head = level === 4 ? '90040102' : '9005010200';
    expect(answerOf(session, effect)).toBe(`${head}01${code}`);
    const alone = session.step(subscribe(asked('b', 2)), NOW);
    expect(bytesOf(alone)).toBe(`${level === 4 ? '90030102' : '9004010200'}${code}`);
  }
});

test('a shared subscription is asked for with its group, and the client must have the right to its filter', () => {
  const shared = asked('a', 1, { group: 'g' });
  const session = connected({ ...v5, isClean: false }, mayNot('b'));
  expect(opOf(session.step(subscribe(shared), NOW))).toMatchObject({ subscriptions: [shared] });
  const denied = session.step(subscribe({ ...shared, filter: 'b' }), NOW);
  expect(bytesOf(denied)).toMatch(/87$/);
});
