/**
 * Who has subscribed to what: filters as a tree of their levels, so that a message meets only the filters that can match it, however many
 * there are. Levels are separated by `/`; `+` stands for one level, `#` at the end for all that follow, also for none. A wildcard in first
 * place does not match an address that begins with `$`. Source: MQTT-4.7.1, MQTT-4.7.2-1; AMQP and STOMP map their own patterns to this.
 */
import {
  allows,
  hasChildren,
  isHash,
  isWild,
  levelAt,
  LevelTree,
  nextLevel,
  type LevelNode,
} from './level-tree.ts';

/** Most filters have one subscriber, and a map for it would take more memory than all the rest. */
type Subscribers<S, V> = Sole<S, V> | Map<S, V>;

class Sole<S, V> {
  readonly subscriber: S;
  value: V;

  constructor(subscriber: S, value: V) {
    this.subscriber = subscriber;
    this.value = value;
  }
}

/** A node below which more may match, and where the levels of the address begin that are to be allowed. */
type Open<T> = Readonly<{ node: LevelNode<T>; at: number; rest: Open<T> | null }>;

const ALL = -1;
const NO = -2;

/** Filters must be valid: `#` nowhere but alone in the last level, `+` alone in its level. Addresses have no wildcards. */
export class FilterTree<S, V> {
  readonly #tree = new LevelTree<Subscribers<S, V>>();
  #size = 0;
  #visited = 0;

  /** Pairs of a filter and a subscriber. */
  get size(): number {
    return this.#size;
  }

  /** What the tree is made of; 1: it is empty. */
  get nodes(): number {
    return this.#tree.nodes;
  }

  /** Nodes that `match` has looked at so far: its cost but for the subscribers themselves, counted. */
  get visited(): number {
    return this.#visited;
  }

  /**
   * True: the subscriber had no such filter before. A new value takes the former one's place. Holds on to `filter` as it is: give the text
   * that the subscriber keeps, and it is in memory once.
   */
  set(filter: string, subscriber: S, value: V): boolean {
    const node = this.#tree.at(filter);
    const { item } = node;
    if (item instanceof Sole && item.subscriber === subscriber) {
      item.value = value;
      return false;
    }
    if (item instanceof Map) {
      const before = item.size;
      if (item.set(subscriber, value).size === before) return false;
    } else if (item === undefined) node.item = new Sole(subscriber, value);
    else
      node.item = new Map([
        [item.subscriber, item.value],
        [subscriber, value],
      ]);
    this.#size += 1;
    return true;
  }

  /** True: it was there. */
  delete(filter: string, subscriber: S): boolean {
    const node = this.#tree.find(filter);
    const item = node?.item;
    if (node === undefined || item === undefined) return false;
    if (item instanceof Sole) {
      if (item.subscriber !== subscriber) return false;
      this.#tree.delete(filter);
    } else {
      if (!item.delete(subscriber)) return false;
      if (item.size === 1) for (const [last, value] of item) node.item = new Sole(last, value);
    }
    this.#size -= 1;
    return true;
  }

  /**
   * Visits each subscriber of each filter that matches: one that has several of them, several times. The order of the filters follows from
   * the filters alone, however they came and went: it is the same on both servers and after loading. The order of one filter's subscribers
   * is that in which they came, which is another after loading. `visit` must leave the tree as it is.
   *
   * Costs what can match: at each level the filters that go on with that level's name and those that go on with `+`. It is bounded by two to
   * the number of levels, and by the filters that there are: so many only where somebody has subscribed to all mixtures of names and `+`.
   */
  match(address: string, visit: (subscriber: S, value: V) => void): void {
    const { root } = this.#tree;
    const isReserved = address.startsWith('$');
    let open: Open<Subscribers<S, V>> | null = { node: root, at: 0, rest: null };
    while (open !== null) {
      const { node, at }: Open<Subscribers<S, V>> = open;
      open = open.rest;
      const from = this.#tree.startBelow(node);
      for (const child of candidates(node, address, at)) {
        this.#visited += 1;
        if (node === root && isReserved && isWild(child.path, 0)) continue;
        const next = follow(child.path, from, address, at);
        if (next === NO) continue;
        if ((next === ALL || next > address.length) && child.item !== undefined) tell(child.item, visit);
        if (hasChildren(child)) open = { node: child, at: next, rest: open };
      }
    }
  }
}

/** The children that may match the address' levels from `at` on: `#` first, `+` last. */
function candidates<T>({ children }: LevelNode<T>, address: string, at: number): Iterable<LevelNode<T>> {
  if (!(children instanceof Map)) return children;
  const found: LevelNode<T>[] = [];
  for (const level of at > address.length ? ['#'] : ['#', levelAt(address, at), '+']) {
    const child = children.get(level);
    if (child !== undefined) found.push(child);
  }
  return found;
}

/** Where the address goes on when all levels of the filter from `from` on have allowed its own. */
function follow(filter: string, from: number, address: string, at: number): number {
  while (from <= filter.length) {
    if (isHash(filter, from)) return ALL;
    if (!allows(filter, from, address, at)) return NO;
    from = nextLevel(filter, from);
    at = nextLevel(address, at);
  }
  return at;
}

function tell<S, V>(subscribers: Subscribers<S, V>, visit: (subscriber: S, value: V) => void): void {
  if (subscribers instanceof Sole) visit(subscribers.subscriber, subscribers.value);
  else for (const [subscriber, value] of subscribers) visit(subscriber, value);
}

/** Whether one filter matches one address, by the same rules as the tree. */
export function matches(filter: string, address: string): boolean {
  if (address.startsWith('$') && (filter.startsWith('+') || filter.startsWith('#'))) return false;
  const wanted = filter.split('/');
  const levels = address.split('/');
  for (const [depth, level] of wanted.entries()) {
    if (level === '#') return true;
    if (depth >= levels.length || (level !== '+' && level !== levels[depth])) return false;
  }
  return wanted.length === levels.length;
}
