import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Message } from '../../../src/core/broker/index.ts';
import { Queue } from '../../../src/core/broker/queue.ts';
import { contentOf } from './entries.ts';

const marks = { qos: 1, isRetained: false, ids: [] } as const;
const message = new Message({ seq: 1, index: 0 }, contentOf('x', ''));

test('a queue is a list from which any place may be taken, in whatever order', () => {
  const step = fc.oneof(fc.constant('add' as const), fc.nat(60));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), fc.nat(5), (steps, from) => {
      const queue = new Queue(from);
      let next = from;
      let model: number[] = [];
      for (const each of steps) {
        if (each === 'add') {
          expect(queue.add(message, marks).number).toBe(next);
          model.push(next);
          next += 1;
        } else {
          expect(queue.remove(each)?.number ?? null).toBe(model.includes(each) ? each : null);
          model = model.filter((number) => number !== each);
        }
        expect(queue.length).toBe(model.length);
        expect([...queue.since(0)].map(({ number }) => number)).toEqual(model);
        expect(queue.from(each === 'add' ? 0 : each)?.number).toBe(
          model.find((n) => n >= (each === 'add' ? 0 : each)),
        );
      }
      expect(queue.next).toBe(next);
    }),
  );
});

test('a long life leaves no room behind: what is settled in order is let go', () => {
  const queue = new Queue();
  for (let number = 0; number < 100_000; number += 1) {
    queue.add(message, marks);
    if (number >= 10) queue.remove(number - 10);
  }
  expect(queue.length).toBe(10);
  expect(queue.from(0)?.number).toBe(99_990);
});
