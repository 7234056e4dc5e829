/** What one process of the matching benchmark measures: one tree of one size. */
import { FilterTree } from '../../../src/core/broker/filter-tree.ts';
import { inOrderOfPublication } from '../../../src/core/broker/publication-order.ts';
import { TopicTree } from '../../../src/core/broker/topic-tree.ts';
import { filtersOf, lineOf, machineOf, topicsOf, trafficOf, watchers, type Shape } from './plants.ts';

export const KINDS = ['subscriptions', 'publishes', 'retained'] as const;

export type Job = Readonly<{
  kind: (typeof KINDS)[number];
  shape: Shape;
  size: number;
  runs: number;
}>;
export type Spread = Readonly<{ median: number; min: number; max: number }>;
export type Figures = Readonly<Record<string, Spread>>;

export const isJob = (value: unknown): value is Job =>
  typeof value === 'object' && value !== null && 'kind' in value && 'size' in value;

export function measure(job: Job): Figures {
  switch (job.kind) {
    case 'subscriptions':
      return subscriptions(job);
    case 'publishes':
      return publishes(job);
    case 'retained':
      return retained(job);
  }
}

/** To make a tree and take it down again, and what it takes while it is there. */
function subscriptions({ shape, size, runs }: Job): Figures {
  const filters = filtersOf(shape, size);
  const clients = filters.map((_, number) => ({ number }));
  const made = repeated(runs, () => {
    // Small trees several at once: one would be less than the collector's own ups and downs.
    const copies = Math.max(1, Math.round(100_000 / size));
    const trees = Array.from({ length: copies }, () => new FilterTree<object, number>());
    const before = heapBytes();
    const buildMicros = microsFor(() => {
      for (const tree of trees)
        filters.forEach((filter, n) => {
          const client = clients[n];
          if (client !== undefined) tree.set(filter, client, 1);
        });
    });
    const bytes = heapBytes() - before;
    const nodes = trees[0]?.nodes ?? 0;
    const deleteMicros = microsFor(() => {
      for (const tree of trees)
        filters.forEach((filter, n) => {
          const client = clients[n];
          if (client !== undefined) tree.delete(filter, client);
        });
    });
    if (trees.some((tree) => tree.nodes !== 1 || tree.size !== 0))
      throw new Error('a tree is not empty in the end');
    const each = (value: number): number => value / (copies * size);
    return { bytes: each(bytes), nodes: nodes / size, build: each(buildMicros), delete: each(deleteMicros) };
  });
  const slowest = repeated(runs, () => {
    const tree = new FilterTree<object, number>();
    let most = 0;
    filters.forEach((filter, n) => {
      const client = clients[n];
      const took = microsFor(() => client !== undefined && tree.set(filter, client, 1));
      most = Math.max(most, took);
    });
    return most / 1000;
  });
  return {
    'bytes each': spread(made.map(({ bytes }) => bytes)),
    'nodes each': spread(made.map(({ nodes }) => nodes)),
    'set, µs each': spread(made.map((run) => run.build)),
    'delete, µs each': spread(made.map((run) => run.delete)),
    'slowest set, ms': spread(slowest),
  };
}

/** How many publishes of 0, 1, 10 and 1000 matches a second, and how many nodes each has looked at. */
function publishes({ size, runs }: Job): Figures {
  const tree = new FilterTree<object, number>();
  for (const filter of [...filtersOf('mixed', size), ...watchers()]) tree.set(filter, { filter }, 1);
  const figures: Record<string, Spread> = {};
  for (const { name, matches, addresses } of trafficOf(size)) {
    const rounds = Math.ceil((matches > 100 ? 5_000 : 100_000) / addresses.length);
    const count = rounds * addresses.length;
    let visits = 0;
    let looked = 0;
    const rates = repeated(runs, () => {
      visits = 0;
      const before = tree.visited;
      const micros = microsFor(() => {
        for (let round = 0; round < rounds; round++)
          for (const address of addresses) tree.match(address, () => void (visits += 1));
      });
      looked = (tree.visited - before) / count;
      return (count / micros) * 1e6;
    });
    if (visits !== count * matches) throw new Error(`${visits} visits where ${count * matches} were due`);
    figures[`${name}: publishes/s`] = spread(rates);
    figures[`${name}: nodes`] = spread([looked]);
  }
  return figures;
}

/** How long a subscription searches among retained messages, till they are in order. */
function retained({ size, runs }: Job): Figures {
  const topics = topicsOf(size);
  // Ten messages an entry of the journal, a thousand entries apart.
  const messages = topics.map((_, n) => ({ place: { seq: 1 + Math.floor(n / 10) * 1000, index: n % 10 } }));
  const made = repeated(runs, () => {
    const copies = Math.max(1, Math.round(100_000 / size));
    const trees = Array.from({ length: copies }, () => new TopicTree<object>());
    const before = heapBytes();
    const micros = microsFor(() => {
      for (const tree of trees)
        topics.forEach((topic, n) => {
          const message = messages[n];
          if (message !== undefined) tree.set(topic, message);
        });
    });
    const bytes = heapBytes() - before;
    if (trees.some((tree) => tree.size !== size)) throw new Error('not every message is in the tree');
    return { bytes: bytes / (copies * size), micros: micros / (copies * size) };
  });
  const tree = new TopicTree<(typeof messages)[number]>();
  messages.forEach((message, n) => tree.set(topics[n] ?? '', message));
  const figures: Record<string, Spread> = {
    'bytes each': spread(made.map(({ bytes }) => bytes)),
    'set, µs each': spread(made.map(({ micros }) => micros)),
  };
  const lines = Array.from({ length: 10 }, (_, n) => Math.floor((n * size) / 10));
  const questions: [string, number, string[]][] = [
    ['1 by name', 1, lines.map((machine) => `${machineOf(machine)}/drive/state`)],
    ['1 by +', 1, lines.map((machine) => `${machineOf(machine)}/+/state`)],
    ['100 by +', 100, lines.map((machine) => `${lineOf(machine)}/+/drive/state`)],
    ['all by #', size, ['#']],
  ];
  for (const [name, count, filters] of questions) {
    const rounds = Math.max(1, Math.round(100_000 / count / filters.length));
    let looked = 0;
    const took = repeated(runs, () => {
      const before = tree.visited;
      let found = 0;
      const micros = microsFor(() => {
        for (let round = 0; round < rounds; round++)
          for (const filter of filters) found += inOrderOfPublication(tree.matching(filter)).length;
      });
      const searches = rounds * filters.length;
      if (found !== searches * count)
        throw new Error(`${name}: ${found} found where ${searches * count} were due`);
      looked = (tree.visited - before) / searches;
      return micros / searches;
    });
    figures[`${name}: µs`] = spread(took);
    figures[`${name}: nodes`] = spread([looked]);
  }
  return figures;
}

/** After one round that does not count, for the compiler. */
function repeated<T>(runs: number, once: () => T): T[] {
  once();
  return Array.from({ length: runs }, once);
}

/** Processor time of this process. */
function microsFor(act: () => void): number {
  const before = process.cpuUsage();
  act();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

function heapBytes(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (index: number): number => sorted[index] ?? NaN;
  return { median: at(Math.floor(sorted.length / 2)), min: at(0), max: at(sorted.length - 1) };
}
