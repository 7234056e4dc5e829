/**
 * A map whose keys are paths of levels, separated by `/` and some of them perhaps empty: what `FilterTree` and `TopicTree` walk. Levels at
 * which no two paths part are one node together, so a path of its own costs one node however many levels it has. The shape, and with it
 * every walk, follows from the paths alone and not from how they came and went. Nothing recurses: a path may have any number of levels.
 */
import { present } from '../../base/index.ts';

const SLASH = 47;
const PLUS = 43;
const HASH = 35;

/** Up to so many children stand in an array, which is small and quick to look through; more stand in a map. */
const FEW = 8;
/** A map goes back to an array only here, so that one path that comes and goes does not move all others each time. */
const FEWER = 4;

type Children<T> = readonly LevelNode<T>[] | Map<string, LevelNode<T>>;

const NONE: readonly never[] = [];

export class LevelNode<T> {
  /** From the root to here. */
  path: string;
  /** Undefined: paths part here, and none ends. */
  item: T | undefined = undefined;
  /** An array: `#` stands first, `+` last. A map: by the child's first level. */
  children: Children<T> = NONE;

  constructor(path: string) {
    this.path = path;
  }
}

export class LevelTree<T> {
  /** Has no path, not even an empty one, and no item. */
  readonly root = new LevelNode<T>('');
  #nodes = 1;

  /** The root too. */
  get nodes(): number {
    return this.#nodes;
  }

  /** Where, in the paths of the node's children, their own levels begin. */
  startBelow(node: LevelNode<T>): number {
    return node === this.root ? 0 : node.path.length + 1;
  }

  /** The node that the path ends at. It may be without an item. */
  find(path: string): LevelNode<T> | undefined {
    return this.#lineTo(path)?.node;
  }

  /** The path's node, made if it was not there; the caller must give it an item. It holds on to `path` as it is. */
  at(path: string): LevelNode<T> {
    let node = this.root;
    for (let from = 0; from <= path.length; from = node.path.length + 1) {
      const child = childAt(node, path, from);
      if (child === undefined) {
        const leaf = new LevelNode<T>(path);
        this.#nodes += 1;
        add(node, leaf, from);
        return leaf;
      }
      const end = sharedEnd(child.path, path, from);
      node = end === child.path.length ? child : this.#split(node, child, end);
    }
    node.path = path;
    return node;
  }

  /** Its former item. */
  delete(path: string): T | undefined {
    const line = this.#lineTo(path);
    const former = line?.node.item;
    if (line === undefined || former === undefined) return undefined;
    const { node, parent, grandparent } = line;
    node.item = undefined;
    if (node.children === NONE) {
      remove(parent, node, this.startBelow(parent));
      this.#nodes -= 1;
      this.#join(parent, grandparent);
    } else this.#join(node, parent);
    return former;
  }

  /** The node that a path ends at, its parent and that one's parent, which is the root again where there is none. */
  #lineTo(path: string): Line<T> | undefined {
    let line: Line<T> = { node: this.root, parent: this.root, grandparent: this.root };
    for (let from = 0; from <= path.length; from = line.node.path.length + 1) {
      const child = childAt(line.node, path, from);
      if (child === undefined || sharedEnd(child.path, path, from) !== child.path.length) return undefined;
      line = { node: child, parent: line.node, grandparent: line.parent };
    }
    return line;
  }

  /** Puts a node between a parent and its child, where the child's path has its level that ends at `end`. */
  #split(parent: LevelNode<T>, child: LevelNode<T>, end: number): LevelNode<T> {
    const between = new LevelNode<T>(ownText(child.path.slice(0, end)));
    this.#nodes += 1;
    between.children = [child];
    replace(parent, child, between, this.startBelow(parent));
    return between;
  }

  /** Takes a node out at which neither a path ends nor paths part. */
  #join(node: LevelNode<T>, parent: LevelNode<T>): void {
    if (node === this.root || node.item !== undefined || sizeOf(node.children) !== 1) return;
    const [only] = childrenOf(node);
    replace(parent, node, present(only, 'the only child'), this.startBelow(parent));
    this.#nodes -= 1;
  }
}

type Line<T> = Readonly<{ node: LevelNode<T>; parent: LevelNode<T>; grandparent: LevelNode<T> }>;

export const childrenOf = <T>({ children }: LevelNode<T>): Iterable<LevelNode<T>> =>
  children instanceof Map ? children.values() : children;

export const hasChildren = ({ children }: LevelNode<unknown>): boolean => children !== NONE;

/** The child that begins as `path` goes on from `from`. */
function childAt<T>({ children }: LevelNode<T>, path: string, from: number): LevelNode<T> | undefined {
  if (children instanceof Map) return children.get(levelAt(path, from));
  for (const child of children) if (isSameLevel(child.path, from, path, from)) return child;
  return undefined;
}

/** Where the level that begins at `from` ends. */
function levelEnd(path: string, from: number): number {
  const end = path.indexOf('/', from);
  return end < 0 ? path.length : end;
}

export const levelAt = (path: string, from: number): string => path.slice(from, levelEnd(path, from));

/** Whether the level that begins at `from` is `+`. */
const isPlus = (path: string, from: number): boolean =>
  path.charCodeAt(from) === PLUS && isEnd(path, from + 1);

/** Whether the level that begins at `from` is `#`, and the last. */
export const isHash = (path: string, from: number): boolean =>
  from === path.length - 1 && path.charCodeAt(from) === HASH;

/** Whether the level that begins at `from` stands for others. */
export const isWild = (filter: string, from: number): boolean => isPlus(filter, from) || isHash(filter, from);

/** Where a level after the one that begins at `from` begins; beyond the length: there is none. */
export const nextLevel = (path: string, from: number): number => levelEnd(path, from) + 1;

/** Whether both have a level there, and the filter's allows the address'. */
export function allows(filter: string, from: number, address: string, at: number): boolean {
  if (from > filter.length || at > address.length) return false;
  return isPlus(filter, from) || isSameLevel(filter, from, address, at);
}

function isSameLevel(a: string, from: number, b: string, at: number): boolean {
  let index = 0;
  for (; from + index < a.length && at + index < b.length; index++) {
    const code = a.charCodeAt(from + index);
    if (code !== b.charCodeAt(at + index)) break;
    if (code === SLASH) return true;
  }
  return isEnd(a, from + index) && isEnd(b, at + index);
}

const isEnd = (path: string, index: number): boolean =>
  index >= path.length || path.charCodeAt(index) === SLASH;

/** Where the last of the levels from `from` on that both paths share ends; before `from`: they share none. */
function sharedEnd(a: string, b: string, from: number): number {
  let end = from - 1;
  let index = from;
  for (; index < a.length && index < b.length; index++) {
    const code = a.charCodeAt(index);
    if (code !== b.charCodeAt(index)) break;
    if (code === SLASH) end = index;
  }
  return isEnd(a, index) && isEnd(b, index) ? index : end;
}

const sizeOf = <T>(children: Children<T>): number =>
  children instanceof Map ? children.size : children.length;

function add<T>(parent: LevelNode<T>, child: LevelNode<T>, from: number): void {
  const { children } = parent;
  if (children instanceof Map) children.set(ownText(levelAt(child.path, from)), child);
  else if (children.length < FEW) parent.children = ranked([...children, child], from);
  else
    parent.children = new Map([...children, child].map((each) => [ownText(levelAt(each.path, from)), each]));
}

function remove<T>(parent: LevelNode<T>, child: LevelNode<T>, from: number): void {
  const { children } = parent;
  if (children instanceof Map) {
    children.delete(levelAt(child.path, from));
    if (children.size <= FEWER) parent.children = ranked([...children.values()], from);
  } else parent.children = children.length === 1 ? NONE : children.filter((each) => each !== child);
}

function replace<T>(parent: LevelNode<T>, child: LevelNode<T>, by: LevelNode<T>, from: number): void {
  const { children } = parent;
  if (children instanceof Map) children.set(levelAt(child.path, from), by);
  else parent.children = children.map((each) => (each === child ? by : each));
}

const ranked = <T>(children: LevelNode<T>[], from: number): LevelNode<T>[] =>
  children.sort((a, b) => rank(a.path, from) - rank(b.path, from));

const rank = (path: string, from: number): number => (isHash(path, from) ? 0 : isPlus(path, from) ? 2 : 1);

/** A text with memory of its own: a slice would hold on to all of the path that it was cut from, which may be 64 KiB. */
const ownText = (text: string): string =>
  text.length < 2 ? text : [text.slice(0, 1), text.slice(1)].join('');
