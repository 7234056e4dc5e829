/** What every state store promises, on whatever disk. Source: ports/state-store.ts, PROTOCOL.md §1 (state), §5. */
import { expect, test } from 'vitest';
import { seq } from '../../src/core/pair/index.ts';
import type { Change, Snapshot, StateStore } from '../../src/ports/index.ts';

export type StateBench = Readonly<{
  state: StateStore;
  /** Another process opens what it finds. */
  restart: () => Promise<StateStore>;
  /** A second, empty store. */
  other: () => Promise<StateStore>;
}>;

const put = (key: string | Buffer, value: string | Buffer): Change => ({
  key: Buffer.from(key),
  value: Buffer.from(value),
});
const gone = (key: string): Change => ({ key: Buffer.from(key), value: null });
/** Every key and value, in key order. */
export const entriesOf = (state: StateStore): { key: Buffer; value: Buffer }[] => [
  ...state.range(Buffer.alloc(0), null),
];

const texts = (state: StateStore): string[] =>
  entriesOf(state).map(({ key, value }) => `${key.toString()}=${value.toString()}`);
const hex = (state: StateStore): string[] =>
  entriesOf(state).map(({ key, value }) => `${key.toString('hex')}=${value.toString('hex')}`);

function chunksOf(snapshot: Snapshot): Buffer[] {
  const chunks: Buffer[] = [];
  for (let chunk = snapshot.next(); chunk !== null; chunk = snapshot.next()) chunks.push(chunk);
  return chunks;
}

export function stateStoreContract(name: string, bench: () => Promise<StateBench>): void {
  test(`${name}: a new state is empty and reaches up to entry 0 (§1)`, async () => {
    const { state } = await bench();
    expect(state.appliedSeq).toBe(0);
    expect(texts(state)).toEqual([]);
  });

  test(`${name}: a checkpoint's changes and its appliedSeq are there after a restart (§1)`, async () => {
    const { state, restart } = await bench();
    await state.checkpoint([put('b', 'one'), put('a', 'two'), put('c', 'three')], seq(7));
    await state.checkpoint([gone('b'), put('a', 'four'), gone('never there')], seq(9));
    const opened = await restart();
    for (const each of [state, opened]) {
      expect(each.appliedSeq).toBe(9);
      expect(texts(each)).toEqual(['a=four', 'c=three']);
    }
  });

  test(`${name}: it tells how many bytes of values were read, one by one or in a range`, async () => {
    const { state, restart } = await bench();
    await state.checkpoint([put('a', 'one'), put('b', 'four'), put('c', 'seven')], seq(1));
    expect(state.readBytes).toBe(0);
    state.get(Buffer.from('b'));
    state.get(Buffer.from('never there'));
    expect(state.readBytes).toBe(4);
    expect([...state.range(Buffer.from('a'), Buffer.from('c'))]).toHaveLength(2);
    expect(state.readBytes).toBe(4 + 7);
    state.last(Buffer.from('a'), Buffer.from('z'));
    expect(state.readBytes).toBe(4 + 7 + 5);
    expect((await restart()).readBytes).toBe(0);
  });

  test(`${name}: a checkpoint without changes moves appliedSeq, which never falls`, async () => {
    const { state, restart } = await bench();
    await state.checkpoint([], seq(5));
    await expect((async () => state.checkpoint([], seq(4)))()).rejects.toThrow(
      'a checkpoint at 4 after one at 5',
    );
    expect((await restart()).appliedSeq).toBe(5);
  });

  test(`${name}: entries come in the order of their keys, as bytes`, async () => {
    const { state } = await bench();
    const keys = [[], [0], [0, 0], [0, 1], [1], [1, 0], [127], [128], [255], [255, 255, 254]];
    const changes = keys.map((bytes) => put(Buffer.from(bytes), Buffer.from(bytes)));
    await state.checkpoint(changes.toReversed(), seq(1));
    expect(entriesOf(state).map(({ key }) => [...key])).toEqual(keys);
    expect(entriesOf(state).map(({ value }) => [...value])).toEqual(keys);
  });

  test(`${name}: keys of up to 65,535 bytes and more are like any other, and keep their order (client ids, topics)`, async () => {
    const { state, restart, other } = await bench();
    const long = (size: number, last: string): Buffer =>
      Buffer.concat([Buffer.alloc(size, 'k'), Buffer.from(last)]);
    const keys = [1022, 1023, 1024, 1031, 1032, 1055, 1056, 1978, 4000, 65_535]
      .flatMap((size) => [long(size, ''), long(size, 'a'), long(size, 'z')])
      .sort((a, b) => a.compare(b));
    await state.checkpoint(keys.map((key) => put(key, `value of ${key.length}`)).toReversed(), seq(3));
    const opened = await restart();
    const found = entriesOf(opened);
    expect(found.map(({ key }) => keys.findIndex((it) => it.equals(key)))).toEqual(
      keys.map((_, index) => index),
    );
    expect(found.map(({ value }) => value.toString())).toEqual(keys.map((key) => `value of ${key.length}`));
    const copy = await other();
    for (const chunk of chunksOf(opened.snapshot(1000))) await copy.install(chunk);
    await copy.finishInstall(seq(3));
    expect(hex(copy)).toEqual(hex(opened));
    await opened.checkpoint(
      keys.slice(1).map((key) => ({ key, value: null })),
      seq(4),
    );
    expect(entriesOf(opened).map(({ key }) => key.length)).toEqual([1022]);
  });

  test(`${name}: a snapshot is the state as last checkpointed, whatever comes after (§5)`, async () => {
    const { state } = await bench();
    const before = Array.from({ length: 500 }, (_, i) => put(`key ${1000 + i}`, `value ${i}`));
    await state.checkpoint(before, seq(10));
    const expected = hex(state);
    const snapshot = state.snapshot(1000);
    expect(snapshot.appliedSeq).toBe(10);
    expect(snapshot.bytes).toBeGreaterThan(0);
    const first = snapshot.next();
    await state.checkpoint(
      before.map(({ key }, i) => ({ key, value: i % 2 === 0 ? null : Buffer.from('changed') })),
      seq(11),
    );
    await state.checkpoint([put('key 0', 'new')], seq(12));
    const chunks = [first ?? Buffer.alloc(0), ...chunksOf(snapshot)];
    snapshot.close();
    expect(chunks.length).toBeGreaterThan(5);
    expect(Math.max(...chunks.map((chunk) => chunk.length))).toBeLessThan(2000);

    const { state: copy } = await bench();
    for (const chunk of chunks) await copy.install(chunk);
    await copy.finishInstall(seq(10));
    expect(copy.appliedSeq).toBe(10);
    expect(hex(copy)).toEqual(expected);
    expect(state.appliedSeq).toBe(12);
  });

  test(`${name}: a snapshot right after a checkpoint has it, and two may be open at once`, async () => {
    const { state } = await bench();
    const open: Snapshot[] = [];
    for (let at = 1; at <= 5; at += 1) {
      await state.checkpoint([put(`key ${at}`, 'value')], seq(at));
      open.push(state.snapshot(10));
    }
    expect(open.map(({ appliedSeq }) => appliedSeq)).toEqual([1, 2, 3, 4, 5]);
    expect(open.map((snapshot) => chunksOf(snapshot).length)).toEqual([1, 2, 3, 4, 5]);
    for (const snapshot of open) snapshot.close();
  });

  test(`${name}: an installed state is there after a restart (§5)`, async () => {
    const { state, restart, other } = await bench();
    const source = await other();
    await source.checkpoint([put('a', 'one'), put('b', '')], seq(33));
    for (const chunk of chunksOf(source.snapshot(100))) await state.install(chunk);
    await state.finishInstall(seq(33));
    const opened = await restart();
    expect(opened.appliedSeq).toBe(33);
    expect(texts(opened)).toEqual(['a=one', 'b=']);
  });

  test(`${name}: a snapshot that was let go is not taken for a whole one`, async () => {
    const { state } = await bench();
    await state.checkpoint([put('a', 'one')], seq(1));
    const snapshot = state.snapshot(100);
    await state.close();
    expect(() => snapshot.next()).toThrow('closed');
  });

  test(`${name}: a key is read as the last durable checkpoint has left it, also right after that (ports/state-store.ts)`, async () => {
    const { state, restart } = await bench();
    expect(state.get(Buffer.from('a'))).toBe(null);
    for (let at = 1; at <= 20; at += 1) {
      const read = [state.get(Buffer.from('a'))?.toString(), [...state.range(Buffer.from('a'), null)].length];
      expect(read).toEqual(at === 1 ? [undefined, 0] : [`at ${at - 1}`, at]);
      await state.checkpoint([put('a', `at ${at}`), put(`b ${at}`, '')], seq(at));
      expect(state.get(Buffer.from('a'))?.toString()).toBe(`at ${at}`);
    }
    await state.checkpoint([gone('a')], seq(21));
    for (const each of [state, await restart()]) {
      expect(each.get(Buffer.from('a'))).toBe(null);
      expect(each.get(Buffer.from('b 7'))).toEqual(Buffer.alloc(0));
    }
  });

  test(`${name}: a range has its first key and not its end; the last key of one may be its end`, async () => {
    const { state } = await bench();
    const keys = [[1], [1, 0], [1, 0, 5], [2], [2, 255], [3]].map((bytes) => Buffer.from(bytes));
    await state.checkpoint(keys.map((key) => put(key, key)).toReversed(), seq(1));
    const bounds = [...keys, Buffer.from([0]), Buffer.from([1, 0, 4]), Buffer.from([2, 1]), Buffer.from([9])];
    const names = (found: Iterable<{ key: Buffer }>): string[] =>
      [...found].map(({ key }) => key.toString('hex'));
    for (const from of bounds)
      for (const to of [...bounds, null]) {
        const isIn = (key: Buffer): boolean => key.compare(from) >= 0 && (to === null || key.compare(to) < 0);
        expect(names(state.range(from, to))).toEqual(names(keys.filter(isIn).map((key) => ({ key }))));
        if (to === null) continue;
        const last = keys.findLast((key) => key.compare(from) >= 0 && key.compare(to) <= 0);
        expect(state.last(from, to)?.key.toString('hex')).toBe(last?.toString('hex'));
        expect(state.last(from, to)?.value.toString('hex')).toBe(last?.toString('hex'));
      }
  });

  test(`${name}: a walk that is given up half-way hinders nothing, and what was read stays as it was`, async () => {
    const { state } = await bench();
    const pairs = Array.from({ length: 200 }, (_, n) => put(`key ${1000 + n}`, Buffer.alloc(3000, n)));
    await state.checkpoint(pairs, seq(1));
    const read: Buffer[] = [];
    for (let n = 0; n < 100; n += 1)
      for (const { value } of state.range(Buffer.from(`key ${1000 + n}`), null)) {
        read.push(value);
        break;
      }
    await state.checkpoint(
      pairs.map(({ key }) => ({ key, value: null })),
      seq(2),
    );
    await state.checkpoint(
      pairs.map(({ key }) => put(Buffer.from(key), Buffer.alloc(3000, 255))),
      seq(3),
    );
    expect(read.map((value) => value.equals(Buffer.alloc(3000, value[0])))).toEqual(read.map(() => true));
    expect(read.map(([first]) => first)).toEqual(read.map((_, n) => n));
  });

  test(`${name}: values are asked for once each, in their order, and what the store had meanwhile it has still`, async () => {
    const { state } = await bench();
    await state.checkpoint([put('a', 'before')], seq(1));
    const asked: number[] = [];
    const changes = Array.from({ length: 300 }, (_, n) => ({
      key: Buffer.from(`key ${1000 + n}`),
      get value() {
        asked.push(n);
        expect(state.get(Buffer.from('a'))?.toString()).toBe('before');
        return Buffer.alloc(20_000, n);
      },
    }));
    const done = state.checkpoint([put('a', 'after'), ...changes], seq(2));
    expect(state.get(Buffer.from('a'))?.toString()).toBe('before');
    await done;
    expect(asked).toEqual(changes.map((_, n) => n));
    expect(state.get(Buffer.from('key 1299'))).toEqual(Buffer.alloc(20_000, 299 % 256));
    expect(state.get(Buffer.from('a'))?.toString()).toBe('after');
  });

  test(`${name}: nothing is read from a state that is closed`, async () => {
    const { state } = await bench();
    await state.checkpoint([put('a', 'one')], seq(1));
    await state.close();
    const bytes = Buffer.from('a');
    for (const read of [
      () => state.get(bytes),
      () => [...state.range(bytes, null)],
      () => state.last(bytes, bytes),
    ])
      expect(read).toThrow('closed');
  });
}
