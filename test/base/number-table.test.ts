/** A map by numbers. Source: src/base/number-table.ts. */
import { expect, test } from 'vitest';
import { NumberTable } from '../../src/base/index.ts';
import { SimRandom } from '../../src/simulator/time/sim-random.ts';

/** As many as MQTT has packet identifiers. */
const NUMBERS = 0xffff;

/** Compares in full. */
function expectEqual(table: NumberTable<object>, model: ReadonlyMap<number, object>): void {
  expect(table.size).toBe(model.size);
  expect(new Map(table.entries())).toEqual(model);
  expect([...model].filter(([number, value]) => table.get(number) !== value)).toEqual([]);
}

test.each([
  ['a few of all numbers', Number.MAX_SAFE_INTEGER, 40],
  ['a few of packet identifiers', NUMBERS, 40],
  ['many of packet identifiers', NUMBERS, 20_000],
  ['nearly all of some', 700, 690],
])('gives what a Map gives, whatever comes and goes: %s', (_, numbers, sizeMax) => {
  const random = new SimRandom(7);
  const table = new NumberTable<object>();
  const model = new Map<number, object>();
  const differing: number[] = [];
  for (let step = 0; step < 60_000; step += 1) {
    const number = random.below(numbers);
    let isEqual = true;
    if (model.size >= sizeMax || random.below(3) === 0)
      isEqual = table.delete(number) === model.delete(number);
    else {
      const value = { step };
      table.set(number, value);
      model.set(number, value);
    }
    const asked = random.below(numbers);
    isEqual &&= table.has(asked) === model.has(asked) && table.get(asked) === model.get(asked);
    if (!isEqual) differing.push(step);
  }
  expect(differing).toEqual([]);
  expectEqual(table, model);
});

test('numbers in a row, round and round, with one that is never answered', () => {
  const table = new NumberTable<object>();
  const unanswered = {};
  const model = new Map<number, object>([[77, unanswered]]);
  table.set(77, unanswered);
  const differing: number[] = [];
  for (let number = 0; number < 3 * NUMBERS; number += 1) {
    const [newest, oldest] = [number % NUMBERS, (number + NUMBERS - 50) % NUMBERS];
    const value = {};
    if (newest !== 77) {
      table.set(newest, value);
      model.set(newest, value);
    }
    if (oldest !== 77 && table.delete(oldest) !== model.delete(oldest)) differing.push(oldest);
  }
  expect(differing).toEqual([]);
  expectEqual(table, model);
});

test('every one of many at once finds its place, and what is no number from 0 on is refused', () => {
  const table = new NumberTable<number>();
  const all = Array.from({ length: NUMBERS }, (_, number) => number);
  for (const number of all) table.set(number, -number);
  expect(table.size).toBe(NUMBERS);
  expect(all.filter((number) => table.get(number) !== -number)).toEqual([]);
  for (const wrong of [-1, 0.5, NaN, 2 ** 53])
    expect(() => table.set(wrong, 0)).toThrow(/a whole number from 0 on/);
  expect(all.toReversed().filter((number) => !table.delete(number))).toEqual([]);
  expect([table.size, [...table.entries()]]).toEqual([0, []]);
  expect([table.has(-1), table.get(-1)]).toEqual([false, undefined]);
  table.set(5, 5);
  table.clear();
  expect([table.size, table.has(5), table.get(5)]).toEqual([0, false, undefined]);
});
