/** Who is let in: passwords, certificates, nobody; what waits, what is remembered, what is told. */
import { createHash, createHmac, pbkdf2Sync, scryptSync } from 'node:crypto';
import { expect, test } from 'vitest';
import {
  AccessState,
  GENERATED_COST,
  scramRecord,
  USUAL_COST,
  type AccessOp,
  type Credential,
  type Rule,
  type ScryptCost,
} from '../../src/core/access/index.ts';
import type { PasswordHashing } from '../../src/ports/index.ts';
import {
  AccessGate,
  type AccessOptions,
  type Admission,
  type Credentials,
} from '../../src/runtime/access/index.ts';

/** Hashes when the test says so. The hash itself is a real one, but cheap: what it should have cost is noted down. */
class HeldHashing implements PasswordHashing {
  readonly costs: ScryptCost[] = [];
  #held: (() => void)[] = [];
  isImmediate = true;

  get running(): number {
    return this.#held.length;
  }

  async scrypt(password: Uint8Array, salt: Uint8Array, cost: ScryptCost): Promise<Uint8Array> {
    this.costs.push(cost);
    if (!this.isImmediate) await new Promise<void>((resolve) => this.#held.push(resolve));
    return quick(password, salt);
  }

  /** Lets those that run go on, until none does. */
  async release(): Promise<number> {
    let rounds = 0;
    while (this.#held.length > 0) {
      rounds += 1;
      for (const resolve of this.#held.splice(0)) resolve();
      await turn();
    }
    return rounds;
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const quick = (password: Uint8Array | string, salt: Uint8Array): Buffer =>
  scryptSync(password, salt, 32, { N: 2, r: 1, p: 1 });
const SALT = Buffer.from('a salt of 16 byt');

const credentialOf = (password: string, cost = USUAL_COST): Credential => ({
  password: { cost, salt: SALT, hash: quick(password, SALT) },
  scram: scramRecord(pbkdf2Sync(password, SALT, 4096, 32, 'sha256'), { iterations: 4096, salt: SALT }),
});

class Rig {
  readonly state = new AccessState({ put: () => undefined, drop: () => undefined });
  readonly hashing = new HeldHashing();
  readonly gate: AccessGate;
  #seq = 0;

  constructor(options: Partial<AccessOptions> = {}) {
    this.gate = new AccessGate({
      state: () => this.state,
      options: { anonymous: 'allow', certificateNames: 'ignore', ...options },
      hashing: this.hashing,
      key: Buffer.alloc(32, 7),
      decoyKey: Buffer.alloc(32, 8),
      nonce: () => 'server-nonce',
    });
  }

  do(...ops: readonly AccessOp[]): this {
    for (const op of ops) this.state.apply(op, { seq: (this.#seq += 1), index: 0 });
    return this;
  }

  user(name: string, password: string, cost = USUAL_COST): this {
    return this.do({ type: 'setUser', name, credential: credentialOf(password, cost) });
  }

  login(
    userName: string | null,
    password: string | null,
    more: Partial<Credentials> = {},
  ): Admission | Promise<Admission> {
    const given = password === null ? null : Buffer.from(password);
    return this.gate.authenticate(
      { userName, password: given, certificateName: null, clientId: 'c', ...more },
      () => true,
    );
  }
}

/** `ann` for a user, `anonymous`, or the code of the refusal. */
const said = (admission: Admission): string =>
  admission.type === 'admitted' ? (admission.user ?? 'anonymous') : `${admission.reason} ${admission.code}`;

test('while there are no users and anonymous clients may come, a user name is not looked at, and nobody waits', () => {
  const rig = new Rig();
  for (const [name, password] of [
    [null, null],
    ['ann', 'x'],
    ['ann', null],
  ] as const) {
    const admission = rig.login(name, password);
    expect(admission).not.toBeInstanceOf(Promise);
    expect(said(admission as Admission)).toBe('anonymous');
  }
});

test('with users a name must be proved; without one a client is anonymous, where the profile lets it', async () => {
  const rig = new Rig().user('ann', 'right');
  expect(said(await rig.login('ann', 'right'))).toBe('ann');
  expect(said(await rig.login('ann', 'wrong'))).toBe('badCredentials LS_ACCESS_PASSWORD');
  expect(said(await rig.login('ann', null))).toBe('badCredentials LS_ACCESS_PASSWORD');
  expect(said(await rig.login('bob', 'right'))).toBe('badCredentials LS_ACCESS_PASSWORD');
  expect(said(await rig.login(null, null))).toBe('anonymous');
  const strict = new Rig({ anonymous: 'deny' });
  expect(said(await strict.login(null, null))).toBe('notAuthorized LS_ACCESS_ANONYMOUS');
  expect(said(await strict.login('ann', 'x'))).toBe('badCredentials LS_ACCESS_PASSWORD');
});

test('whoever is refused has waited for one hash of the usual cost: wrong password, no such user, no password, quick password', async () => {
  const rig = new Rig().user('ann', 'right').user('device', 'generated', GENERATED_COST);
  rig.do({ type: 'setUser', name: 'bare', credential: { password: null, scram: null } });
  for (const [name, password] of [
    ['ann', 'wrong'],
    ['nobody', 'x'],
    ['bare', 'x'],
    ['ann', null],
  ] as const) {
    rig.hashing.costs.length = 0;
    expect(said(await rig.login(name, password))).toBe('badCredentials LS_ACCESS_PASSWORD');
    expect(rig.hashing.costs, name).toEqual([USUAL_COST]);
  }
  rig.hashing.costs.length = 0;
  await rig.login('device', 'wrong');
  expect(rig.hashing.costs.at(0)).toEqual(GENERATED_COST);
  expect(rig.hashing.costs.filter(({ logN }) => logN === USUAL_COST.logN)).toHaveLength(1);
});

test('a refusal names a user only where there is one, and never a password', async () => {
  const rig = new Rig().user('ann', 'right');
  const texts: string[] = [];
  for (const [name, password] of [
    ['ann', 'my-secret'],
    ['my-secret', 'my-secret'],
    ['my-secret', null],
  ] as const) {
    const admission = await rig.login(name, password);
    if (admission.type === 'refused') texts.push(admission.text);
  }
  expect(texts).toHaveLength(3);
  expect(texts.join('\n')).not.toContain('my-secret');
  expect(texts[0]).toContain('"ann"');
});

test('what was right is remembered: the same name and password are let in at once, and without a hash', async () => {
  const rig = new Rig().user('ann', 'right');
  await rig.login('ann', 'right');
  rig.hashing.costs.length = 0;
  const again = rig.login('ann', 'right');
  expect(again).not.toBeInstanceOf(Promise);
  expect(said(again as Admission)).toBe('ann');
  expect(said(await rig.login('ann', 'wrong'))).toContain('badCredentials');
  expect(rig.hashing.costs).toEqual([USUAL_COST]);
});

test('what was right is forgotten with the password: set anew, or the user removed', async () => {
  const rig = new Rig().user('ann', 'old');
  const identity = await rig.login('ann', 'old');
  if (identity.type !== 'admitted') throw new Error('not admitted');
  expect(rig.gate.isCurrent(identity)).toBe(true);
  rig.user('ann', 'new');
  expect(rig.gate.isCurrent(identity)).toBe(false);
  expect(said(await rig.login('ann', 'old'))).toContain('badCredentials');
  expect(said(await rig.login('ann', 'new'))).toBe('ann');
  rig.do({ type: 'removeUser', name: 'ann' }).user('other', 'x');
  expect(said(await rig.login('ann', 'new'))).toContain('badCredentials');
});

test('a password that is set anew while the old one is checked lets nobody in', async () => {
  const rig = new Rig().user('ann', 'old');
  rig.hashing.isImmediate = false;
  const login = rig.login('ann', 'old');
  rig.user('ann', 'new');
  await rig.hashing.release();
  expect(said(await login)).toBe('badCredentials LS_ACCESS_PASSWORD');
});

test('two hashes at a time, the rest in their order; the same name and password once, however many come with it', async () => {
  const rig = new Rig();
  for (let n = 0; n < 6; n += 1) rig.user(`u${n}`, 'right');
  rig.hashing.isImmediate = false;
  const order: string[] = [];
  const logins = ['u0', 'u1', 'u2', 'u0', 'u3', 'u0', 'u4', 'u5'].map(async (name) => {
    const admission = await rig.login(name, 'right');
    order.push(said(admission));
  });
  await turn();
  expect(rig.hashing.running).toBe(2);
  expect(await rig.hashing.release()).toBe(3);
  await Promise.all(logins);
  expect(order).toEqual(['u0', 'u0', 'u0', 'u1', 'u2', 'u3', 'u4', 'u5']);
  expect(rig.hashing.costs).toHaveLength(6);
});

test('nothing is hashed for a client that is gone when its turn comes, and whoever was remembered does not wait behind it', async () => {
  const rig = new Rig().user('ann', 'right').user('bob', 'right');
  await rig.login('bob', 'right');
  rig.hashing.isImmediate = false;
  rig.hashing.costs.length = 0;
  const flood = Array.from({ length: 50 }, async (_, n) =>
    rig.gate.authenticate(
      { userName: 'ann', password: Buffer.from(`guess ${n}`), certificateName: null, clientId: 'c' },
      () => n < 2,
    ),
  );
  expect(said(rig.login('bob', 'right') as Admission)).toBe('bob');
  await rig.hashing.release();
  const ends = (await Promise.all(flood)).map(said);
  expect(ends.slice(0, 2)).toEqual(Array.from({ length: 2 }, () => 'badCredentials LS_ACCESS_PASSWORD'));
  expect(new Set(ends.slice(2))).toEqual(new Set(['busy LS_ACCESS_BUSY']));
  expect(rig.hashing.costs).toHaveLength(2);
});

test('a generated password does not wait behind those that take long, and is remembered like them', async () => {
  const rig = new Rig().user('ann', 'right').user('device', 'generated', GENERATED_COST);
  const slow: PasswordHashing = {
    scrypt: (password, salt, cost) =>
      cost.logN === USUAL_COST.logN ? new Promise(() => undefined) : Promise.resolve(quick(password, salt)),
  };
  const gate = new AccessGate({
    state: () => rig.state,
    options: { anonymous: 'deny', certificateNames: 'ignore' },
    hashing: slow,
    key: Buffer.alloc(16),
    decoyKey: Buffer.alloc(16),
    nonce: () => 'n',
  });
  const login = (userName: string, password: string): Admission | Promise<Admission> =>
    gate.authenticate(
      { userName, password: Buffer.from(password), certificateName: null, clientId: 'c' },
      () => true,
    );
  for (let n = 0; n < 10; n += 1) void login('ann', `guess ${n}`);
  expect(said(await login('device', 'generated'))).toBe('device');
  expect(said(login('device', 'generated') as Admission)).toBe('device');
});

test('a flood is refused beyond a bound, and a hash that fails is no verdict', async () => {
  const rig = new Rig().user('ann', 'right');
  rig.hashing.isImmediate = false;
  const flood = Array.from({ length: 20_010 }, (_, n) => rig.login('ann', `guess ${n}`));
  expect(said(await (flood.at(-1) as Promise<Admission>))).toBe('busy LS_ACCESS_BUSY');
  const failing = new AccessGate({
    state: () => rig.state,
    options: { anonymous: 'deny', certificateNames: 'ignore' },
    hashing: { scrypt: () => Promise.reject(new Error('no memory')) },
    key: Buffer.alloc(16),
    decoyKey: Buffer.alloc(16),
    nonce: () => 'n',
  });
  const given = { userName: 'ann', password: Buffer.from('right'), certificateName: null, clientId: 'c' };
  expect(said(await failing.authenticate(given, () => true))).toBe('busy LS_ACCESS_BUSY');
});

test.each<[AccessOptions['certificateNames'], string | null, string | null, string]>([
  ['ignore', 'press', null, 'anonymous'],
  ['known', 'press', null, 'press'],
  ['known', 'press', 'press', 'press'],
  ['known', 'press', 'ann', 'badCredentials LS_ACCESS_CERTIFICATE_NAME'],
  ['known', 'stranger', null, 'notAuthorized LS_ACCESS_CERTIFICATE'],
  ['known', null, null, 'anonymous'],
  ['any', 'stranger', null, 'stranger'],
  ['any', 'stranger', 'ann', 'badCredentials LS_ACCESS_CERTIFICATE_NAME'],
])(
  'certificateNames %s: a certificate for %s and the user name %s make %s',
  async (certificateNames, certificateName, userName, end) => {
    const rig = new Rig({ certificateNames });
    rig.do({ type: 'setUser', name: 'press', credential: { password: null, scram: null } });
    expect(said(await rig.login(userName, null, { certificateName }))).toBe(end);
  },
);

test('a certificate counts until its user is removed, also when a password is set; with any, for good', async () => {
  for (const certificateNames of ['known', 'any'] as const) {
    const rig = new Rig({ certificateNames }).user('press', 'x');
    const identity = await rig.login(null, null, { certificateName: 'press' });
    if (identity.type !== 'admitted') throw new Error('not admitted');
    rig.user('press', 'y');
    expect(rig.gate.isCurrent(identity)).toBe(true);
    rig.do({ type: 'removeUser', name: 'press' });
    expect([rig.gate.isCurrent(identity), rig.gate.isKnown('press')]).toEqual(
      certificateNames === 'any' ? [true, true] : [false, false],
    );
  }
});

const RULE: Rule = { effect: 'allow', who: 'ann', action: 'both', filter: 'a/#', clientId: null };

test('a rule that is changed is in force with the next question', async () => {
  const rig = new Rig().user('ann', 'right');
  const identity = await rig.login('ann', 'right');
  if (identity.type !== 'admitted') throw new Error('not admitted');
  const may = (): boolean[] => [rig.gate.mayPublish(identity, 'b'), rig.gate.maySubscribe(identity, 'a/+')];
  expect([rig.gate.hasRules, ...may()]).toEqual([false, true, true]);
  rig.do({ type: 'addRule', rule: RULE });
  expect([rig.gate.hasRules, ...may()]).toEqual([true, false, true]);
  rig.do({ type: 'addRule', rule: { ...RULE, effect: 'deny', filter: 'a/x' } });
  expect(may()).toEqual([false, false]);
  rig.do(
    { type: 'removeRule', rule: { ...RULE, effect: 'deny', filter: 'a/x' } },
    { type: 'removeRule', rule: RULE },
  );
  expect([rig.gate.hasRules, ...may()]).toEqual([false, true, true]);
});

/** A client of RFC 5802 with this password, through to what it is told last. */
function scram(rig: Rig, name: string, password: string): [string, string] {
  const conversation = rig.gate.beginScram('c');
  const bare = `n=${name},r=client`;
  const first = conversation.step(Buffer.from(`n,,${bare}`));
  if (first.type !== 'challenge') return [first.type, first.data.toString()];
  const challenge = first.data.toString();
  const [, nonce = '', salt = '', iterations = ''] = /^r=(.*),s=(.*),i=(\d+)$/.exec(challenge) ?? [];
  const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
  const key = hmac(
    pbkdf2Sync(password, Buffer.from(salt, 'base64'), Number(iterations), 32, 'sha256'),
    'Client Key',
  );
  const without = `c=biws,r=${nonce}`;
  const signature = hmac(createHash('sha256').update(key).digest(), `${bare},${challenge},${without}`);
  const proof = Buffer.from(key.map((byte, at) => byte ^ signature.readUInt8(at))).toString('base64');
  const last = conversation.step(Buffer.from(`${without},p=${proof}`));
  if (last.type === 'admitted') expect(rig.gate.isCurrent(last.identity)).toBe(true);
  return [
    last.type === 'admitted' ? (last.identity.user ?? '') : last.type,
    last.data.toString().slice(0, 2),
  ];
}

test('SCRAM lets in whoever proves that it knows the password, and needs no slow hash here', () => {
  const rig = new Rig().user('ann', 'right');
  expect(scram(rig, 'ann', 'right')).toEqual(['ann', 'v=']);
  expect(scram(rig, 'ann', 'wrong')).toEqual(['refused', 'e=']);
  expect(scram(rig, 'nobody', 'right')).toEqual(['refused', 'e=']);
  expect(rig.hashing.costs).toEqual([]);
});
