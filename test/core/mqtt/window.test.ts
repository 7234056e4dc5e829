import { expect, test } from 'vitest';
import { Queue } from '../../../src/core/broker/queue.ts';
import { Message } from '../../../src/core/broker/index.ts';
import { Window } from '../../../src/core/mqtt/index.ts';

const message = new Message({ seq: 1, index: 0 }, 'x', Buffer.alloc(0), 1);

function queueOf(count: number): Queue {
  const queue = new Queue();
  for (let n = 0; n < count; n += 1) queue.add(message, false);
  return queue;
}

function sendAll(window: Window, queue: Queue): [number, number][] {
  const sent: [number, number][] = [];
  for (let next = window.next(queue); next !== null; next = window.next(queue))
    sent.push([next.packetId, next.queued.number]);
  return sent;
}

test('no more than inFlightMax messages wait for their PUBACK, and they go in order [MQTT-4.6.0-6]', () => {
  const queue = queueOf(5);
  const window = new Window(2);
  expect(sendAll(window, queue)).toEqual([
    [1, 0],
    [2, 1],
  ]);
  expect(window.settle(2)).toBe(1);
  expect(sendAll(window, queue)).toEqual([[3, 2]]);
});

test('a PUBACK for nothing settles nothing, and none settles twice', () => {
  const window = new Window(2);
  sendAll(window, queueOf(1));
  expect(window.settle(9)).toBe(null);
  expect(window.settle(1)).toBe(0);
  expect(window.settle(1)).toBe(null);
});

test('what was not acknowledged is sent again in order under its own identifiers [MQTT-4.4.0-1, MQTT-4.6.0-1]', () => {
  const queue = queueOf(4);
  const window = new Window(3);
  sendAll(window, queue);
  window.settle(2);
  // The queue was full meanwhile and let its oldest go.
  queue.remove(0);
  expect(window.resend(queue).map(({ packetId, queued }) => [packetId, queued.number])).toEqual([[3, 2]]);
  expect(sendAll(window, queue)).toEqual([[4, 3]]);
  expect(window.inFlight).toBe(2);
});

test('identifiers are 1 to 65535, and none is used while it waits [MQTT-2.3.1-4]', () => {
  const queue = queueOf(65_540);
  const window = new Window(10);
  for (let n = 1; n <= 65_535; n += 1) {
    expect(window.next(queue)?.packetId).toBe(n);
    if (n !== 1) window.settle(n);
  }
  expect(window.next(queue)).toBe(null);
  window.settle(1);
  expect(window.next(queue)?.packetId).toBe(1);
});
