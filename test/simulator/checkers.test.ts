/** Checkers that can fail: each sees what it is there for. Those that need a whole run are in planted.test.ts. */
import { expect, test } from 'vitest';
import { atMostOnce } from '../../src/simulator/checkers/at-most-once.ts';
import { publisherOrder } from '../../src/simulator/checkers/publisher-order.ts';
import { willsPublished } from '../../src/simulator/checkers/wills-published.ts';
import type { WillLog } from '../../src/simulator/clients/mortal.ts';
import { Traffic, type Received, type SentMessage } from '../../src/simulator/clients/traffic.ts';
import { PLANTED } from '../../src/simulator/planted/index.ts';
import { SimPair } from '../../src/simulator/pair/sim-pair.ts';
import { simulate } from '../../src/simulator/runs/simulate.ts';

const message = (id: string): SentMessage => ({
  id,
  publisher: 'mortal',
  number: 1,
  topic: 'wills/mortal',
  payload: `${id}|`,
  qos: 1,
  isRetained: false,
  sentAt: 10,
  isSentAgain: false,
  isAcknowledged: false,
});

/** What the checker says in the end of a will that was left at 50, when a consumer had subscribed at 20 and has received this. */
function saidOf(end: WillLog['end'], received: readonly string[]): string | null | undefined {
  const traffic = new Traffic({ note: () => undefined, received: () => undefined, broken: () => undefined });
  const consumer = traffic.consumer('durable', true, 1);
  consumer.subscribedAt = 20;
  for (const id of received) consumer.received.add(id);
  const wills = [{ message: message('mortal:1'), endedAt: 50, end, hanging: ['mortal:0'] }];
  return willsPublished({ pair: new SimPair({ seed: 1 }), traffic, mortals: [{ wills }] }).ended?.();
}

test('a will that is not published after a death is missed, and one that is after a farewell is seen (MQTT-3.1.2-8, MQTT-3.14.4-3)', () => {
  expect(saidOf('died', ['mortal:1'])).toBe(null);
  expect(saidOf('died', ['mortal:0'])).toBe(null);
  expect(saidOf('died', ['mortal:2'])).toContain('has never reached durable');
  expect(saidOf('died', [])).toContain('has never reached durable');
  expect(saidOf('farewell', [])).toBe(null);
  expect(saidOf('farewell', ['mortal:1'])).toContain('said farewell');
});

test('a message with QoS 0 that comes once more is seen (MQTT-4.3.1-1)', () => {
  const traffic = new Traffic({ note: () => undefined, received: () => undefined, broken: () => undefined });
  const received: Received = {
    consumer: traffic.consumer('clean', false, 1),
    message: message('p1:1'),
    payload: 'p1:1|',
    topic: 'plain/p1',
    qos: 0,
    isRetained: false,
    isFirst: true,
    session: 1,
  };
  const checker = atMostOnce();
  expect(checker.received?.(received)).toBe(null);
  expect(checker.received?.({ ...received, isFirst: false })).toContain('once more');
  expect(checker.received?.({ ...received, isFirst: false, qos: 1 })).toBe(null);
});

test('a message that comes after a later one is seen, but not where a session was taken over and the former client is slower (MQTT-4.6.0-5)', () => {
  const traffic = new Traffic({ note: () => undefined, received: () => undefined, broken: () => undefined });
  const consumer = traffic.consumer('clean', false, 1);
  const checker = publisherOrder();
  const got = (number: number, session: number) =>
    checker.received?.({
      consumer,
      message: { ...message(`p1:${number}`), number },
      payload: `p1:${number}|`,
      topic: 'plain/p1',
      qos: 1,
      isRetained: false,
      isFirst: true,
      session,
    });
  expect([got(1, 1), got(3, 2), got(4, 2), got(2, 1)]).toEqual([null, null, null, null]);
  expect(got(3, 2)).toContain('3 after 4');
});

test('an acknowledgement before its sync shows at the commit, at a store that the record names (Ack)', async () => {
  for (const plant of ['appendBeforeSync', 'acknowledgedOnReceipt'] as const) {
    const { broken } = await simulate(1, {
      safetyMs: 20_000,
      faults: ['slowDisk'],
      plant: PLANTED[plant].plant(),
    });
    expect(broken?.promise).toBe('every store that the record names holds all that were committed');
  }
});
