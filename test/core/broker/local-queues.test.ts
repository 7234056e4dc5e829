/** Queues of sessions and groups that are not durable: in memory alone, and bounded together. */
import { expect, test } from 'vitest';
import { Broker, PAGING, plainSubscription, type Session } from '../../../src/core/broker/index.ts';
import { LocalQueue, LocalQueues } from '../../../src/core/broker/local-queues.ts';
import { Message } from '../../../src/core/broker/message.ts';
import { contentOf, Committer, publish, queueOf, roomFor } from './entries.ts';

const KIB = 1024;
const message = (bytes: number): Message =>
  new Message({ seq: 1, index: 0 }, { ...contentOf('x', 'm'.repeat(bytes)), qos: 1 });
const marks = { qos: 1, isRetained: false, ids: [] } as const;

/** A client whose session ends with its connection, and that reads nothing. */
function subscribed(broker: Broker, clientId: string, filter: string): Session {
  const session = broker.openLocal(clientId, roomFor(1_000_000));
  broker.subscribeLocal(session, [plainSubscription(filter, 1)]);
  return session;
}

test('what waits for all of them together is bounded: the longest lets its oldest go, the others lose nothing', () => {
  const committer = new Committer(new Broker(PAGING, 100 * KIB));
  const slow = subscribed(committer.broker, 'slow', 'busy');
  const other = subscribed(committer.broker, 'other', 'quiet');
  committer.commit(publish('quiet', 'precious'));
  for (let n = 0; n < 1_000; n += 1) committer.commit(publish('busy', `${n}`.padEnd(KIB)));
  expect(slow.queue.bytes).toBeLessThan(100 * KIB);
  expect(slow.queue.bytes).toBeGreaterThan(30 * KIB);
  expect(queueOf(slow).at(-1)).toContain('999:999');
  expect(queueOf(other)).toEqual(['0:precious']);
  expect(committer.broker.droppedMessages).toBe(1_000 - slow.queue.length);
});

test('a message that waits for many is in memory once, and counts so', () => {
  const all = new LocalQueues(1_000 * KIB);
  const queues = Array.from({ length: 100 }, () => {
    const queue = all.begin((number) => void queue.remove(number));
    return queue;
  });
  const one = message(64 * KIB);
  for (const queue of queues) queue.add(one, marks);
  expect(all.bytes).toBeLessThan(64 * KIB + 100 * 200);
  all.trim();
  expect(all.dropped).toBe(0);
  for (const queue of queues) queue.remove(0);
  expect(all.bytes).toBe(0);
});

test('what waits for very many is let go by looking at each of them a few times, and at no more of it than has to go', () => {
  let looks = 0;
  class Watched extends LocalQueue {
    override get bytes(): number {
      looks += 1;
      return super.bytes;
    }
  }
  const all = new LocalQueues(1_600 * KIB);
  const queues = Array.from({ length: 500 }, () => {
    const queue: LocalQueue = new Watched(all, (number) => void queue.remove(number));
    return queue;
  });
  for (let n = 0; all.bytes <= 1_600 * KIB; n += 1) {
    const one = message(20 * KIB);
    for (const queue of queues) queue.add(one, marks);
  }
  const before = queues.map(({ length }) => length);
  all.trim();
  expect(all.bytes).toBeLessThanOrEqual(1_600 * KIB);
  expect(looks).toBeLessThan(20 * queues.length);
  // A message is in memory until its last place is gone, so all of them lose the same, and none of them half of what it has.
  for (const [n, { length }] of queues.entries()) expect(length).toBeGreaterThan(0.8 * (before[n] ?? 0));
});

test('what is settled, and what waited for a client that goes, counts no more', () => {
  const committer = new Committer(new Broker(PAGING, 100 * KIB));
  for (let round = 0; round < 50; round += 1) {
    const session = subscribed(committer.broker, 'c', 'x');
    for (let n = 0; n < 10; n += 1) committer.commit(publish('x', 'm'.repeat(5 * KIB)));
    committer.broker.settleLocal(session, 0);
    committer.broker.detach(session);
  }
  expect(committer.broker.droppedMessages).toBe(0);
});

test('a group that only such clients have is bounded with them, and what it lets go is nobody’s', () => {
  const committer = new Committer(new Broker(PAGING, 100 * KIB));
  const session = committer.broker.openLocal('member', roomFor(1_000_000));
  committer.broker.subscribeLocal(session, [{ ...plainSubscription('x', 1), group: 'g' }]);
  for (let n = 0; n < 500; n += 1) committer.commit(publish('x', 'm'.repeat(KIB)));
  expect(committer.broker.stats().queuedMessages).toBeLessThan(100);
  expect(committer.broker.droppedMessages).toBeGreaterThan(400);
});

test('what is retained and comes to who subscribes is bounded with the rest, though nobody publishes anything', () => {
  const committer = new Committer(new Broker(PAGING, 100 * KIB));
  const { broker } = committer;
  for (let n = 0; n < 100; n += 1) committer.commit(publish(`r/${n}`, 'm', { isRetained: true }));
  const through = broker.appliedSeq;
  for (const filter of ['r/#', 'r/7']) {
    const sessions = Array.from({ length: 100 }, (_, n) => broker.openLocal(`c${n}`, roomFor(1_000_000)));
    for (const session of sessions) {
      // The same again and again.
      for (let round = 0; round < 20; round += 1) {
        broker.bringRetained(
          session,
          broker.subscribeLocal(session, [plainSubscription(filter, 1)]),
          through,
        );
        const [recall] = session.recalls.all();
        if (recall !== undefined)
          broker.recallLocal(session, {
            ...recall,
            addresses: broker.retainedAddresses(recall, 1),
            after: null,
          });
      }
    }
    // A place in a queue counts as a hundred bytes.
    expect(broker.stats().queuedMessages).toBeLessThan(1_024);
    for (const session of sessions) broker.detach(session);
    expect(broker.stats().queuedMessages).toBe(0);
  }
});

test('retained messages that no checkpoint has seen count as what it has to take', () => {
  const committer = new Committer();
  const before = committer.broker.freshBytes;
  committer.commit(publish('a', 'm'.repeat(KIB), { isRetained: true }));
  expect(committer.broker.freshBytes).toBeGreaterThan(before + KIB);
  committer.commit(publish('a', '', { isRetained: true }));
  expect(committer.broker.freshBytes).toBe(before);
  committer.commit(publish('a', 'm'.repeat(KIB), { isRetained: true }));
  committer.broker.changes();
  expect(committer.broker.freshBytes).toBe(before);
});
