/**
 * Who has subscribed to what: filters as a tree of their levels, so that a message meets only the filters that can match it.
 * Levels are separated by `/`; `+` stands for one level, `#` at the end for all that follow, also for none. A wildcard in first place
 * does not match an address that begins with `$`. Source: MQTT-4.7.1, MQTT-4.7.2-1; AMQP and STOMP map their own patterns to this.
 */
type Node<S, V> = { readonly below: Map<string, Node<S, V>>; readonly subscribers: Map<S, V> };

const fresh = <S, V>(): Node<S, V> => ({ below: new Map(), subscribers: new Map() });

export class FilterTree<S, V> {
  readonly #root = fresh<S, V>();

  /** True: the subscriber had no such filter before. The last value counts. */
  set(filter: string, subscriber: S, value: V): boolean {
    let node = this.#root;
    for (const level of filter.split('/')) {
      let next = node.below.get(level);
      if (next === undefined) node.below.set(level, (next = fresh()));
      node = next;
    }
    const isNew = !node.subscribers.has(subscriber);
    node.subscribers.set(subscriber, value);
    return isNew;
  }

  delete(filter: string, subscriber: S): void {
    removeBelow(this.#root, filter.split('/'), 0, subscriber);
  }

  /** Each subscriber of each filter that matches: one with several of them is visited several times. */
  match(address: string, visit: (subscriber: S, value: V) => void): void {
    collect(this.#root, address.split('/'), 0, address.startsWith('$'), visit);
  }
}

/** True when the branch below is empty and may go. */
function removeBelow<S, V>(
  node: Node<S, V>,
  levels: readonly string[],
  depth: number,
  subscriber: S,
): boolean {
  const level = levels[depth];
  if (level === undefined) node.subscribers.delete(subscriber);
  else {
    const next = node.below.get(level);
    if (next !== undefined && removeBelow(next, levels, depth + 1, subscriber)) node.below.delete(level);
  }
  return node.subscribers.size === 0 && node.below.size === 0;
}

function collect<S, V>(
  node: Node<S, V>,
  levels: readonly string[],
  depth: number,
  isReserved: boolean,
  visit: (subscriber: S, value: V) => void,
): void {
  const mayBeWild = depth > 0 || !isReserved;
  if (mayBeWild) gather(node.below.get('#'), visit);
  const level = levels[depth];
  if (level === undefined) {
    gather(node, visit);
    return;
  }
  const named = node.below.get(level);
  if (named !== undefined) collect(named, levels, depth + 1, isReserved, visit);
  const wild = mayBeWild ? node.below.get('+') : undefined;
  if (wild !== undefined) collect(wild, levels, depth + 1, isReserved, visit);
}

function gather<S, V>(node: Node<S, V> | undefined, visit: (subscriber: S, value: V) => void): void {
  if (node === undefined) return;
  for (const [subscriber, value] of node.subscribers) visit(subscriber, value);
}

export const hasWildcard = (filter: string): boolean => filter.includes('+') || filter.includes('#');

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
