/**
 * Items by address, found by filter: what has been retained. Finding costs what the filter can reach: levels before its first wildcard are
 * gone down, not searched. Source: MQTT-4.7.1, MQTT-4.7.2-1.
 */
import {
  allows,
  childrenOf,
  hasChildren,
  isHash,
  isWild,
  levelAt,
  LevelTree,
  nextLevel,
  type LevelNode,
} from './level-tree.ts';

/** A node below which more may match, and where the levels of the filter begin that are to allow it; ALL: everything below matches. */
type Open<T> = Readonly<{ node: LevelNode<T>; at: number; rest: Open<T> | null }>;

const ALL = -1;
const NO = -2;

/** Items are never undefined. */
export class TopicTree<T> {
  readonly #tree = new LevelTree<T>();
  #size = 0;
  #visited = 0;

  get size(): number {
    return this.#size;
  }

  /** What the tree is made of; 1: it is empty. */
  get nodes(): number {
    return this.#tree.nodes;
  }

  /** Nodes that `matching` has looked at so far: its cost, counted. */
  get visited(): number {
    return this.#visited;
  }

  get(address: string): T | undefined {
    return this.#tree.find(address)?.item;
  }

  /** Gives the address' former item. Holds on to `address` as it is. */
  set(address: string, item: T): T | undefined {
    const node = this.#tree.at(address);
    const former = node.item;
    node.item = item;
    if (former === undefined) this.#size += 1;
    return former;
  }

  /** Gives the address' former item. */
  delete(address: string): T | undefined {
    const former = this.#tree.delete(address);
    if (former !== undefined) this.#size -= 1;
    return former;
  }

  /** In no order to rely on. */
  matching(filter: string): T[] {
    const { root } = this.#tree;
    const found: T[] = [];
    let open: Open<T> | null = { node: root, at: 0, rest: null };
    while (open !== null) {
      const { node, at }: Open<T> = open;
      open = open.rest;
      const from = this.#tree.startBelow(node);
      for (const child of candidates(node, filter, at)) {
        this.#visited += 1;
        // A wildcard in first place stands for no level that begins with `$`.
        if (node === root && isWild(filter, 0) && child.path.startsWith('$')) continue;
        const next = at === ALL ? ALL : follow(filter, at, child.path, from);
        if (next === NO) continue;
        const isEnd = next === ALL || next > filter.length || isHash(filter, next);
        if (isEnd && child.item !== undefined) found.push(child.item);
        if (next <= filter.length && hasChildren(child)) open = { node: child, at: next, rest: open };
      }
    }
    return found;
  }

  /** In no order to rely on. The tree must stay as it is meanwhile. */
  *all(): Iterable<T> {
    const open = [this.#tree.root];
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      if (node.item !== undefined) yield node.item;
      for (const child of childrenOf(node)) open.push(child);
    }
  }
}

/** The children that may match the filter's levels from `at` on. */
function candidates<T>(node: LevelNode<T>, filter: string, at: number): Iterable<LevelNode<T>> {
  const { children } = node;
  if (!(children instanceof Map) || at === ALL || isWild(filter, at)) return childrenOf(node);
  const child = children.get(levelAt(filter, at));
  return child === undefined ? [] : [child];
}

/** Where the filter goes on when it has allowed all levels of the address from `from` on. */
function follow(filter: string, at: number, address: string, from: number): number {
  while (from <= address.length) {
    if (isHash(filter, at)) return ALL;
    if (!allows(filter, at, address, from)) return NO;
    at = nextLevel(filter, at);
    from = nextLevel(address, from);
  }
  return at;
}
