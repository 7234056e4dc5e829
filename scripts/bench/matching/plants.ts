/** Who subscribes to what in the matching benchmark: plants of ten lines of a hundred machines, and clients that watch them. */

export type Shape = 'mixed' | 'own' | 'flat' | 'shared';

/** A text as it comes out of a packet: not cut from another, nor put together. */
const asReceived = (text: string): string => Buffer.from(text).toString();

export const lineOf = (machine: number): string =>
  `plant${Math.floor(machine / 1000)}/line${Math.floor(machine / 100) % 10}`;
export const machineOf = (machine: number): string => `${lineOf(machine)}/machine${machine}`;

/**
 * mixed: of ten, six with `+`, two without a wildcard, one with `#`, each filter with one client; one on a filter that has a thousand.
 * own: all with a `+`, each filter with one client. flat: that, and all parting at the first level. shared: a thousand clients a filter.
 */
const FILTERS: Readonly<Record<Shape, (n: number) => string>> = {
  mixed: (n) => {
    const which = n % 10;
    if (which < 6) return `${machineOf(n)}/+/state`;
    if (which < 8) return `${machineOf(n)}/drive/state`;
    return which === 8 ? `${machineOf(n)}/#` : `site${Math.floor(n / 10_000)}/notices`;
  },
  own: (n) => `${machineOf(n)}/+/state`,
  flat: (n) => `machine${n}/+/state`,
  shared: (n) => `site${Math.floor(n / 1000)}/+/notices`,
};

export const filtersOf = (shape: Shape, size: number): string[] =>
  Array.from({ length: size }, (_, n) => asReceived(FILTERS[shape](n)));

/** What makes publishes of the mixed shape match ten and a thousand subscriptions: these, on the first plant. */
export function watchers(): string[] {
  const lines = Array.from({ length: 10 }, (_, line) => `plant0/line${line}`);
  const times = (count: number, filter: string): string[] =>
    Array.from({ length: count }, () => asReceived(filter));
  return [
    ...times(4, 'plant0/+/+/drive/alarm'),
    ...times(3, 'plant0/+/+/drive/alarm/#'),
    ...lines.flatMap((line) => times(3, `${line}/+/+/alarm`)),
    ...times(500, 'plant0/line0/bulletin'),
    ...times(300, 'plant0/+/bulletin'),
    ...times(200, 'plant0/line0/bulletin/#'),
  ];
}

/** Machines all over the plants, never two neighbours one after the other: 7,919 is prime. */
function machines(count: number, size: number, isMeant: (which: number) => boolean): number[] {
  const found: number[] = [];
  for (let n = 0; found.length < count; n++) {
    const machine = (n * 7_919) % size;
    if (isMeant(machine % 10)) found.push(machine);
  }
  return found;
}

/** Publishes of the mixed shape, by how many subscriptions each matches. `near`: all in one plant, whatever else there is. */
export type Traffic = Readonly<{ name: string; matches: number; addresses: readonly string[] }>;

export function trafficOf(size: number): readonly Traffic[] {
  const all = (within: number, isMeant: (which: number) => boolean, rest: string): string[] =>
    machines(10_000, within, isMeant).map((machine) => asReceived(`${machineOf(machine)}${rest}`));
  const bulletins = Array.from({ length: 10 }, () => asReceived('plant0/line0/bulletin'));
  return [
    { name: '0 matches', matches: 0, addresses: all(size, (which) => which < 8, '/drive/other') },
    { name: '1 match', matches: 1, addresses: all(size, (which) => which < 9, '/drive/state') },
    { name: '1 match, near', matches: 1, addresses: all(1000, (which) => which < 9, '/drive/state') },
    { name: '10 matches, near', matches: 10, addresses: all(1000, (which) => which < 8, '/drive/alarm') },
    { name: '1000 matches, near', matches: 1000, addresses: bulletins },
  ];
}

/** Addresses of retained messages, in the order in which they were published, which is drawn. */
export function topicsOf(size: number): string[] {
  const topics = Array.from({ length: size }, (_, machine) =>
    asReceived(`${machineOf(machine)}/drive/state`),
  );
  let state = 1;
  for (let last = size - 1; last > 0; last--) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const other = state % (last + 1);
    [topics[last], topics[other]] = [topics[other] ?? '', topics[last] ?? ''];
  }
  return topics;
}
