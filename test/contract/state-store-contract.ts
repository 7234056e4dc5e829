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
const texts = (state: StateStore): string[] =>
  [...state.entries()].map(({ key, value }) => `${key.toString()}=${value.toString()}`);
const hex = (state: StateStore): string[] =>
  [...state.entries()].map(({ key, value }) => `${key.toString('hex')}=${value.toString('hex')}`);

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
    expect([...state.entries()].map(({ key }) => [...key])).toEqual(keys);
    expect([...state.entries()].map(({ value }) => [...value])).toEqual(keys);
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
    const found = [...opened.entries()];
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
    expect([...opened.entries()].map(({ key }) => key.length)).toEqual([1022]);
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
}
