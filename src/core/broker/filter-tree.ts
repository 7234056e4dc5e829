/**
 * Who has subscribed to what: filters as a tree of their levels, so that a message meets only the filters that can match it.
 * Levels are separated by `/`; `+` stands for one level, `#` at the end for all that follow, also for none. A wildcard in first place
 * does not match an address that begins with `$`. Source: MQTT-4.7.1, MQTT-4.7.2-1; AMQP and STOMP map their own patterns to this.
 */
import type { Qos } from './message.ts';

type Node<S> = { readonly below: Map<string, Node<S>>; readonly subscribers: Map<S, Qos> };

const fresh = <S>(): Node<S> => ({ below: new Map(), subscribers: new Map() });

export class FilterTree<S> {
  readonly #root = fresh<S>();

  /** Safe to repeat; the last QoS counts. */
  add(filter: string, subscriber: S, qos: Qos): void {
    let node = this.#root;
    for (const level of filter.split('/')) {
      let next = node.below.get(level);
      if (next === undefined) node.below.set(level, (next = fresh()));
      node = next;
    }
    node.subscribers.set(subscriber, qos);
  }

  remove(filter: string, subscriber: S): void {
    removeBelow(this.#root, filter.split('/'), 0, subscriber);
  }

  /** Each subscriber once, with the highest QoS of its filters that match. Source: MQTT-3.3.5-1. */
  match(address: string): ReadonlyMap<S, Qos> {
    const found = new Map<S, Qos>();
    collect(this.#root, address.split('/'), 0, address.startsWith('$'), found);
    return found;
  }
}

/** True when the branch below is empty and may go. */
function removeBelow<S>(node: Node<S>, levels: readonly string[], depth: number, subscriber: S): boolean {
  const level = levels[depth];
  if (level === undefined) node.subscribers.delete(subscriber);
  else {
    const next = node.below.get(level);
    if (next !== undefined && removeBelow(next, levels, depth + 1, subscriber)) node.below.delete(level);
  }
  return node.subscribers.size === 0 && node.below.size === 0;
}

function collect<S>(
  node: Node<S>,
  levels: readonly string[],
  depth: number,
  isReserved: boolean,
  found: Map<S, Qos>,
): void {
  const mayBeWild = depth > 0 || !isReserved;
  if (mayBeWild) gather(node.below.get('#'), found);
  const level = levels[depth];
  if (level === undefined) {
    gather(node, found);
    return;
  }
  const named = node.below.get(level);
  if (named !== undefined) collect(named, levels, depth + 1, isReserved, found);
  const wild = mayBeWild ? node.below.get('+') : undefined;
  if (wild !== undefined) collect(wild, levels, depth + 1, isReserved, found);
}

function gather<S>(node: Node<S> | undefined, found: Map<S, Qos>): void {
  if (node === undefined) return;
  for (const [subscriber, qos] of node.subscribers) {
    const before = found.get(subscriber);
    if (before === undefined || qos > before) found.set(subscriber, qos);
  }
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
