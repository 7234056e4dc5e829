import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  ACCESS_KINDS,
  AccessState,
  decodeAccessOp,
  encodeAccessOp,
  faultInCredential,
  faultInName,
  USUAL_COST,
  type AccessOp,
  type Credential,
  type Rule,
} from '../../../src/core/access/index.ts';
import { accessOp as op } from './arbitraries.ts';

/** What `put` and `drop` make of a store; taking away what is not there is a fault. */
class Store {
  readonly values = new Map<string, Uint8Array>();
  put(key: Uint8Array, value: Uint8Array): void {
    this.values.set(Buffer.from(key).toString('hex'), Uint8Array.from(value));
  }
  drop(key: Uint8Array): void {
    if (!this.values.delete(Buffer.from(key).toString('hex')))
      throw new Error('dropped what was never stored');
  }
}

const partsOf = (state: AccessState): string[] =>
  [...state.parts()].map(({ key, value }) => `${key.toString('hex')} ${value.toString('hex')}`).sort();

function loadedFrom(store: Store): AccessState {
  const state = new AccessState(store);
  for (const [name, value] of [...store.values].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const key = Buffer.from(name, 'hex');
    expect(key.length).toBe(13);
    const place = { seq: Number(key.readBigUInt64BE(1)), index: key.readUInt32BE(9) };
    state.restore(key.readUInt8(0), place, value);
  }
  return state;
}

test('operations come out of their bytes as they went in', () => {
  fc.assert(
    fc.property(op, (it) => {
      expect(decodeAccessOp(encodeAccessOp(it))).toEqual(it);
    }),
  );
});

test('two servers that apply the same operations have the same state and say the same, and one that is loaded goes on as they do', () => {
  fc.assert(
    fc.property(fc.array(op, { maxLength: 30 }), fc.array(fc.boolean()), (ops, moments) => {
      const store = new Store();
      const stored = new AccessState(store);
      const other = new AccessState(new Store());
      ops.forEach((it, n) => {
        const place = { seq: n + 1, index: n % 3 };
        expect(stored.apply(it, place)).toBe(other.apply(it, place));
        if (moments[n] === true) stored.collect();
      });
      stored.collect();
      expect(partsOf(stored)).toEqual(partsOf(other));
      expect(store.values.size).toBe(stored.userCount + stored.ruleCount);
      const loaded = loadedFrom(store);
      expect(partsOf(loaded)).toEqual(partsOf(other));
      for (const [n, it] of ops.entries()) {
        const place = { seq: 1000 + n, index: 0 };
        expect(loaded.apply(it, place)).toBe(other.apply(it, place));
        if (moments[n] === true) loaded.collect();
      }
      expect(partsOf(loaded)).toEqual(partsOf(other));
    }),
  );
});

const SOME: Credential = { password: null, scram: null };
const RULE: Rule = { effect: 'allow', who: 'ann', action: 'both', filter: 'a/#', clientId: null };

test('two operators who change different things do not undo each other, and a repeat changes nothing', () => {
  const state = new AccessState(new Store());
  const other: Rule = { ...RULE, who: 'bob' };
  const all: AccessOp[] = [
    { type: 'addRule', rule: RULE },
    { type: 'addRule', rule: other },
    { type: 'addRule', rule: { ...RULE } },
    { type: 'removeRule', rule: { ...RULE } },
  ];
  all.forEach((it, n) => expect(state.apply(it, { seq: n + 1, index: 0 })).toBe(true));
  expect(state.rules()).toEqual([other]);
  const before = state.edition;
  expect(state.apply({ type: 'removeRule', rule: RULE }, { seq: 9, index: 0 })).toBe(false);
  expect(state.apply({ type: 'removeUser', name: 'ann' }, { seq: 10, index: 0 })).toBe(false);
  expect(state.apply({ type: 'addRule', rule: other }, { seq: 11, index: 0 })).toBe(true);
  expect(state.edition).toBe(before);
});

test('a password that is set anew makes another user, so that whoever came with the old one can be told from others', () => {
  const state = new AccessState(new Store());
  state.apply({ type: 'setUser', name: 'ann', credential: SOME }, { seq: 1, index: 0 });
  const first = state.user('ann');
  const edition = state.edition;
  state.apply({ type: 'setUser', name: 'ann', credential: SOME }, { seq: 2, index: 0 });
  expect(state.user('ann')).not.toBe(first);
  expect(state.edition).not.toBe(edition);
});

test("rights are made of the rules for the user and for everybody, and of no other's", () => {
  const state = new AccessState(new Store());
  expect(state.rightsOf({ user: 'bob', clientId: 'c' }).maySubscribe('#')).toBe(true);
  state.apply({ type: 'addRule', rule: RULE }, { seq: 1, index: 0 });
  state.apply({ type: 'addRule', rule: { ...RULE, who: '*', filter: 'open' } }, { seq: 2, index: 0 });
  const may = (user: string | null, topic: string): boolean =>
    state.rightsOf({ user, clientId: 'c' }).mayPublish(topic);
  expect([
    may('ann', 'a/x'),
    may('ann', 'open'),
    may('bob', 'a/x'),
    may('bob', 'open'),
    may(null, 'open'),
  ]).toEqual([true, true, false, true, true]);
});

test.each(['', '*', 'a\nb', 'a\u0000', 'a\u009b', 'x'.repeat(257)])('%j is no name for a user', (it) => {
  expect(faultInName(it)).not.toBeNull();
});

test('records that would cost a server too much, or are none, are refused', () => {
  const password = { cost: USUAL_COST, salt: Buffer.alloc(16), hash: Buffer.alloc(32) };
  const scram = {
    iterations: 4096,
    salt: Buffer.alloc(16),
    storedKey: Buffer.alloc(32),
    serverKey: Buffer.alloc(32),
  };
  expect(faultInCredential({ password, scram })).toBeNull();
  const wrong: Credential[] = [
    { password: { ...password, cost: { logN: 20, r: 8, p: 1 } }, scram },
    { password: { ...password, cost: { logN: 0, r: 8, p: 1 } }, scram },
    { password: { ...password, cost: { logN: 1.5, r: 8, p: 1 } }, scram },
    { password: { ...password, salt: Buffer.alloc(7) }, scram },
    { password: { ...password, hash: Buffer.alloc(31) }, scram },
    { password, scram: { ...scram, iterations: 4095 } },
    { password, scram: { ...scram, iterations: 1e9 } },
    { password, scram: { ...scram, storedKey: Buffer.alloc(0) } },
  ];
  for (const it of wrong) expect(faultInCredential(it)).not.toBeNull();
  expect(Object.values(ACCESS_KINDS)).toEqual([16, 17]);
});
