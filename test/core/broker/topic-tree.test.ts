import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TopicTree } from '../../../src/core/broker/topic-tree.ts';
import { address, filter, isMatch } from './addresses.ts';

const step = fc.record({ address, item: fc.nat(), isSet: fc.boolean() });

test('a filter finds the item of each address that it matches, whatever came and went [§4.7.1, MQTT-4.7.2-1]', () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 80 }),
      fc.array(fc.oneof(filter, address), { minLength: 1 }),
      (steps, filters) => {
        const tree = new TopicTree<string>();
        const model = new Map<string, string>();
        for (const { address: each, item, isSet } of steps) {
          const former = isSet ? tree.set(each, `${each} ${item}`) : tree.delete(each);
          expect(former).toBe(model.get(each));
          if (isSet) model.set(each, `${each} ${item}`);
          else model.delete(each);
          expect(tree.get(each)).toBe(model.get(each));
        }
        expect(tree.size).toBe(model.size);
        expect([...tree.all()].sort()).toEqual([...model.values()].sort());
        for (const one of filters)
          expect(tree.matching(one).sort()).toEqual(
            [...model]
              .filter(([each]) => isMatch(one, each))
              .map(([, item]) => item)
              .sort(),
          );
        for (const each of model.keys()) tree.delete(each);
        expect([tree.nodes, tree.size]).toEqual([1, 0]);
      },
    ),
    { numRuns: 400 },
  );
});

/** Lines of a hundred machines, two addresses each. */
function plant(machines: number): TopicTree<string> {
  const tree = new TopicTree<string>();
  for (let machine = 0; machine < machines; machine++)
    for (const what of ['state', 'speed']) {
      const each = `plant/line${Math.floor(machine / 100)}/machine${machine}/${what}`;
      tree.set(each, each);
    }
  return tree;
}

test('the cost of a search is what the filter can reach, not what is there', () => {
  const small = plant(1_000);
  const large = plant(20_000);
  const costs = (tree: TopicTree<string>) =>
    [
      ['plant/line4/machine432/state', 1],
      ['plant/line4/machine432/+', 2],
      ['plant/line4/machine432/other', 0],
      ['plant/line4/+/state', 100],
      ['plant/line4/#', 200],
      ['other/#', 0],
      ['+', 0],
    ].map(([one, count]) => {
      const before = tree.visited;
      expect(tree.matching(String(one))).toHaveLength(Number(count));
      return tree.visited - before;
    });
  expect(costs(large)).toEqual(costs(small));
  expect(costs(large).map((cost) => Math.ceil(cost / 10))).toEqual([1, 1, 1, 31, 31, 1, 1]);
});

const LEVELS = 30_000;

test('addresses and filters of 30,000 levels do no harm', () => {
  const tree = new TopicTree<number>();
  const names = Array<string>(LEVELS).fill('a').join('/');
  tree.set(names, 1);
  tree.set(`${names}/b`, 2);
  tree.set('/'.repeat(LEVELS), 3);
  expect(tree.matching(names)).toEqual([1]);
  expect(tree.matching(`${names}/#`).sort()).toEqual([1, 2]);
  expect(tree.matching('#').sort()).toEqual([1, 2, 3]);
  expect(
    tree
      .matching(
        Array<string>(LEVELS + 1)
          .fill('+')
          .join('/'),
      )
      .sort(),
  ).toEqual([2, 3]);
  for (const each of [names, `${names}/b`, '/'.repeat(LEVELS)]) tree.delete(each);
  expect(tree.nodes).toBe(1);
});

test('addresses within addresses, 12,000 deep, do no harm', () => {
  const depth = 12_000;
  const tree = new TopicTree<number>();
  for (let levels = depth; levels > 0; levels--) tree.set('/'.repeat(levels), levels);
  expect(tree.matching('#')).toHaveLength(depth);
  expect([...tree.all()]).toHaveLength(depth);
  expect(tree.matching('/'.repeat(depth))).toEqual([depth]);
  expect(tree.delete('/'.repeat(depth))).toBe(depth);
  expect(tree.delete('/')).toBe(1);
  expect(tree.matching('#')).toHaveLength(depth - 2);
});
