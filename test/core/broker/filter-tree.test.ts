import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FilterTree, matches } from '../../../src/core/broker/filter-tree.ts';
import { address, filter, isMatch } from './addresses.ts';

const found = <S, V>(tree: FilterTree<S, V>, to: string): [S, V][] => {
  const all: [S, V][] = [];
  tree.match(to, (subscriber, value) => all.push([subscriber, value]));
  return all;
};

const step = fc.record({ filter, who: fc.nat(3), value: fc.nat(9), isSet: fc.boolean() });

test('the rule for one filter is the one of the specification [§4.7.1, MQTT-4.7.2-1]', () => {
  fc.assert(
    fc.property(filter, address, (one, other) => {
      expect(matches(one, other)).toBe(isMatch(one, other));
      expect(matches(other, other)).toBe(true);
    }),
    { numRuns: 1000 },
  );
});

test('a match visits each subscriber of each filter that matches, with its last value, whatever came and went', () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 60 }),
      fc.array(address, { minLength: 1 }),
      (steps, addresses) => {
        const tree = new FilterTree<number, number>();
        const model = new Map<string, Map<number, number>>();
        for (const { filter: each, who, value, isSet } of steps) {
          const subscribers = model.get(each) ?? new Map<number, number>();
          model.set(each, subscribers);
          const had = subscribers.has(who);
          expect(isSet ? tree.set(each, who, value) : tree.delete(each, who)).toBe(isSet ? !had : had);
          if (isSet) subscribers.set(who, value);
          else subscribers.delete(who);
        }
        expect(tree.size).toBe([...model.values()].reduce((sum, { size }) => sum + size, 0));
        for (const to of addresses) {
          const wanted = [...model].flatMap(([each, subscribers]) =>
            isMatch(each, to) ? [...subscribers] : [],
          );
          expect(found(tree, to).sort()).toEqual(wanted.sort());
        }
      },
    ),
    { numRuns: 400 },
  );
});

test('the order of the filters that match follows from the filters alone, not from how they came and went', () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 80 }),
      fc.array(address, { minLength: 1 }),
      (steps, addresses) => {
        const tree = new FilterTree<null, string>();
        const left = new Set<string>();
        for (const { filter: each, isSet } of steps) {
          if (isSet) tree.set(each, null, each);
          else tree.delete(each, null);
          if (isSet) left.add(each);
          else left.delete(each);
        }
        const again = new FilterTree<null, string>();
        for (const each of [...left].sort()) again.set(each, null, each);
        for (const to of addresses) expect(found(tree, to)).toEqual(found(again, to));
      },
    ),
    { numRuns: 400 },
  );
});

test('that order is also the same where a node has had many more filters below it than are left', () => {
  const few = fc.constantFrom('#', '+', 'n1', '+/#', 'n1/#', 'n1/+', '+/x', 'n1/x', 'n2');
  fc.assert(
    fc.property(fc.uniqueArray(few), fc.boolean(), (some, comeFirst) => {
      const stay = [...some, 'n3', 'n4', 'n5', 'n6'];
      const left = new FilterTree<null, string>();
      const others = Array.from({ length: 20 }, (_, number) => `other${number}`);
      for (const each of comeFirst ? [...others, ...stay] : [...stay, ...others]) left.set(each, null, each);
      for (const each of others) left.delete(each, null);
      const fresh = new FilterTree<null, string>();
      for (const each of stay) fresh.set(each, null, each);
      for (const to of ['n1', 'n1/x', 'n2', 'n3/x']) expect(found(left, to)).toEqual(found(fresh, to));
    }),
    { numRuns: 500 },
  );
});

test('subscribers of one filter are visited in the order in which they came', () => {
  const tree = new FilterTree<string, number>();
  for (const who of ['c', 'a', 'b']) tree.set('x', who, 1);
  tree.set('x', 'c', 2);
  expect(found(tree, 'x')).toEqual([
    ['c', 2],
    ['a', 1],
    ['b', 1],
  ]);
});

test('what is left after subscriptions have gone is what was there before them, and nothing after all', () => {
  fc.assert(
    fc.property(fc.array(filter), fc.array(filter), (stay, go) => {
      const tree = new FilterTree<string, null>();
      for (const each of stay) tree.set(each, 'stays', null);
      const before = tree.nodes;
      for (const each of go) tree.set(each, 'goes', null);
      for (const each of go) tree.delete(each, 'goes');
      expect(tree.nodes).toBe(before);
      for (const each of stay) tree.delete(each, 'stays');
      expect([tree.nodes, tree.size]).toEqual([1, 0]);
    }),
    { numRuns: 400 },
  );
});

test('a filter of its own costs one node, and one more where it parts from others', () => {
  const tree = new FilterTree<string, null>();
  tree.set('plant/line/machine1/+/state', 'a', null);
  expect(tree.nodes).toBe(2);
  tree.set('plant/line/machine2/+/state', 'a', null);
  expect(tree.nodes).toBe(4);
  for (let machine = 3; machine <= 100; machine++)
    tree.set(`plant/line/machine${machine}/+/state`, 'a', null);
  expect(tree.nodes).toBe(102);
});

/** Whole numbers of machines, each with a filter of its own, and ten subscribers to all alarms of a line of a hundred. */
function plant(machines: number): FilterTree<string, null> {
  const tree = new FilterTree<string, null>();
  for (let machine = 0; machine < machines; machine++) {
    const line = `plant/line${Math.floor(machine / 100)}`;
    tree.set(`${line}/machine${machine}/+/state`, `of ${machine}`, null);
    if (machine % 100 < 5) tree.set(`${line}/+/+/alarm`, `first ${machine}`, null);
    else if (machine % 100 < 10) tree.set(`${line}/#`, `second ${machine}`, null);
  }
  return tree;
}

test('the cost of a match does not grow with the subscriptions that do not match', () => {
  const small = plant(1_000);
  const large = plant(20_000);
  const costs = (tree: FilterTree<string, null>) =>
    [
      ['line4/machine432/drive/state', 6],
      ['line4/machine432/drive/alarm', 10],
      ['line4/machine432/drive/other', 5],
      ['line4', 5],
      ['line99999/machine432/drive/state', 0],
      ['', 0],
    ].map(([rest, count]) => {
      const before = tree.visited;
      expect(found(tree, `plant/${rest ?? ''}`)).toHaveLength(Number(count));
      return tree.visited - before;
    });
  expect(costs(large)).toEqual(costs(small));
  expect(Math.max(...costs(large))).toBeLessThanOrEqual(8);
});

test('the cost of a match with many subscribers is the subscribers, not nodes', () => {
  const tree = plant(1_000);
  for (let who = 0; who < 10_000; who++) tree.set('plant/+/notices', `reader ${who}`, null);
  const before = tree.visited;
  expect(found(tree, 'plant/line1/notices')).toHaveLength(10_005);
  expect(tree.visited - before).toBeLessThanOrEqual(8);
});

const LEVELS = 30_000;

test('filters and addresses of 30,000 levels do no harm', () => {
  const tree = new FilterTree<string, null>();
  const names = Array<string>(LEVELS).fill('a').join('/');
  const filters = [
    names,
    Array<string>(LEVELS).fill('+').join('/'),
    '/'.repeat(LEVELS),
    `${names}/#`,
    '#',
    'a/+/#',
  ];
  for (const each of filters) tree.set(each, each, null);
  expect(
    found(tree, names)
      .map(([each]) => each.length)
      .sort(),
  ).toEqual([names, names, `${names}/#`, '#', 'a/+/#'].map(({ length }) => length).sort());
  expect(found(tree, `${names}/b`)).toHaveLength(3);
  expect(found(tree, '/'.repeat(LEVELS)).map(([each]) => each[0])).toEqual(
    expect.arrayContaining(['/', '#']),
  );
  for (const each of filters) expect(tree.delete(each, each)).toBe(true);
  expect(tree.nodes).toBe(1);
});

test('filters within filters, 12,000 deep, do no harm', () => {
  const depth = 12_000;
  const tree = new FilterTree<number, null>();
  const filterOf = (levels: number): string => `${'/'.repeat(levels)}#`;
  for (let levels = depth; levels > 0; levels--) tree.set(filterOf(levels), levels, null);
  expect(tree.nodes).toBeGreaterThan(depth);
  expect(found(tree, '/'.repeat(depth))).toHaveLength(depth);
  const before = tree.nodes;
  expect(tree.delete(filterOf(depth), depth)).toBe(true);
  expect(tree.delete(filterOf(1), 1)).toBe(true);
  expect(tree.nodes).toBeLessThan(before);
  expect(found(tree, '/'.repeat(depth))).toHaveLength(depth - 2);
});
