/** What users and rules mean for clients, from CONNECT to the loss of a right. Source: MQTT 3.1.1 §5.4. */
import { scryptSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { USUAL_COST, type AccessOp, type Rule } from '../../src/core/access/index.ts';
import { Broker, plainSubscription } from '../../src/core/broker/index.ts';
import type { PasswordHashing } from '../../src/ports/index.ts';
import {
  connectPacket,
  pubackPacket,
  publishPacket,
  pubrelPacket,
  Serving,
  subscribePacket,
  type MemoryClient,
} from './serving.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const SALT = Buffer.from('a salt of 16 byt');
const quick = (password: Uint8Array | string): Buffer => scryptSync(password, SALT, 32, { N: 2, r: 1, p: 1 });

/** Hashes quickly, and only while it is not held. */
class Hashing implements PasswordHashing {
  isHeld = false;
  #held: (() => void)[] = [];

  async scrypt(password: Uint8Array): Promise<Uint8Array> {
    if (this.isHeld) await new Promise<void>((resolve) => this.#held.push(resolve));
    return quick(password);
  }

  release(): Promise<void> {
    this.isHeld = false;
    for (const resolve of this.#held.splice(0)) resolve();
    return turn();
  }
}

class Guarded extends Serving {
  readonly hashing: Hashing;

  constructor(options: ConstructorParameters<typeof Serving>[2] = {}, broker = new Broker()) {
    const hashing = new Hashing();
    super({}, broker, options, hashing);
    this.hashing = hashing;
  }

  static async open(
    users: readonly string[],
    rules: readonly string[] = [],
    options: ConstructorParameters<typeof Serving>[2] = {},
  ): Promise<Guarded> {
    const server = new Guarded(options);
    await server.connections.open();
    server.change(...users.map((name) => userOp(name)), ...rules.map((words) => ruleOp('addRule', words)));
    return server;
  }

  change(...ops: readonly AccessOp[]): void {
    for (const change of ops) this.proposals.propose({ type: 'access', change }, null);
    this.proposals.commit();
  }

  /** A client that has logged in with its own name for a password; what it was answered. */
  async login(
    user: string | null,
    clientId: string,
    more: Parameters<typeof connectPacket>[1] = {},
  ): Promise<{ client: MemoryClient; answer: string }> {
    const client = this.client();
    client.send(connectPacket(clientId, user === null ? more : { login: [user, user], ...more }));
    await turn();
    this.proposals.commit();
    return { client, answer: client.received() };
  }

  async in(
    user: string | null,
    clientId: string,
    more: Parameters<typeof connectPacket>[1] = {},
  ): Promise<MemoryClient> {
    const { client, answer } = await this.login(user, clientId, more);
    expect(answer.slice(0, 4)).toBe('2002');
    expect(answer.slice(6)).toBe('00');
    return client;
  }

  /** Sends it, lets it be committed, and says what came back. */
  async say(client: MemoryClient, ...packets: readonly Buffer[]): Promise<string[]> {
    client.send(...packets);
    await turn();
    this.proposals.commit();
    return client.packets();
  }

  codes(): string[] {
    return this.lines.flatMap(({ code }) => code ?? []);
  }
}

const userOp = (name: string, password = name): AccessOp => ({
  type: 'setUser',
  name,
  credential: { password: { cost: USUAL_COST, salt: SALT, hash: quick(password) }, scram: null },
});

/** `allow ann publish a/#`. */
function ruleOp(type: 'addRule' | 'removeRule', words: string): AccessOp {
  const [effect = '', who = '', action = '', filter = ''] = words.split(' ');
  return { type, rule: { effect, who, action, filter, clientId: null } as Rule }; // The tests give such words.
}

const addRule = (words: string): AccessOp => ruleOp('addRule', words);
const removeRule = (words: string): AccessOp => ruleOp('removeRule', words);

test('a wrong password gets code 4, no user name code 5 where nobody may be anonymous, and nothing is done for either', async () => {
  const server = await Guarded.open(['ann'], [], { anonymous: 'deny' });
  const cases: [Parameters<typeof connectPacket>[1], string, string][] = [
    [{ login: ['ann', 'my-guess'] }, '20020004', 'LS_ACCESS_PASSWORD'],
    [{ login: ['bob', 'ann'] }, '20020004', 'LS_ACCESS_PASSWORD'],
    [{}, '20020005', 'LS_ACCESS_ANONYMOUS'],
  ];
  for (const [more, answer, code] of cases) {
    const client = server.client();
    client.send(Buffer.concat([connectPacket('c', more), subscribePacket(1, '#')]));
    await turn();
    expect(server.proposals.ops).toEqual([]);
    expect([client.received(), client.isOpen]).toEqual([answer, false]);
    expect(server.codes()).toContain(code);
  }
  expect(JSON.stringify(server.lines)).not.toContain('my-guess');
});

test('the name in the certificate that a stream brings is the user, with the rights of that user', async () => {
  const server = await Guarded.open(['press'], ['allow press publish press/#'], {
    anonymous: 'deny',
    certificateNames: 'known',
  });
  const press = server.client('press');
  expect(await server.say(press, connectPacket('c'))).toEqual(['20020000']);
  await server.say(press, publishPacket('press/heat', 'm', 1));
  expect(server.codes()).toEqual([]);
  await server.say(press, publishPacket('pump/heat', 'm', 2));
  expect(server.codes()).toEqual(['LS_ACCESS_PUBLISH']);
  for (const [name, code] of [
    ['ghost', 'LS_ACCESS_CERTIFICATE'],
    [null, 'LS_ACCESS_ANONYMOUS'],
  ] as const) {
    const client = server.client(name);
    client.send(connectPacket('d'));
    await turn();
    expect([client.received(), client.isOpen]).toEqual(['20020005', false]);
    expect(server.codes()).toContain(code);
  }
});

test('what came right behind a CONNECT waits until its password is checked and its session is open', async () => {
  const server = await Guarded.open(['ann']);
  server.hashing.isHeld = true;
  const client = server.client();
  client.send(Buffer.concat([connectPacket('c', { login: ['ann', 'ann'] }), subscribePacket(1, 't')]));
  await turn();
  expect(server.proposals.ops).toEqual([]);
  await server.hashing.release();
  expect(server.proposals.ops).toEqual(['openSession']);
  server.proposals.commit();
  expect(client.packets()).toEqual(['20020000', '9003000101']);
});

test('a client whose password waits to be checked is not silent, however long it takes; one that goes meanwhile leaves nothing', async () => {
  const server = await Guarded.open(['ann', 'bob']);
  server.hashing.isHeld = true;
  const [waiting, gone] = [server.client(), server.client()];
  waiting.send(connectPacket('w', { login: ['ann', 'ann'] }));
  gone.send(connectPacket('g', { login: ['bob', 'bob'] }));
  await server.clock.run(60_000);
  expect([waiting.isOpen, gone.isOpen]).toEqual([true, true]);
  gone.lose();
  await turn();
  await server.hashing.release();
  expect(server.proposals.ops).toEqual(['openSession']);
  server.proposals.commit();
  expect([waiting.received(), gone.received()]).toEqual(['20020000', '']);
});

test('a password found right during a drain lets its client in after an undrain, if its user is still there', async () => {
  const server = await Guarded.open(['ann', 'bob']);
  server.hashing.isHeld = true;
  const [stays, removed] = [server.client(), server.client()];
  stays.send(connectPacket('s', { login: ['ann', 'ann'] }));
  removed.send(connectPacket('r', { login: ['bob', 'bob'] }));
  await turn();
  await server.connections.drain();
  await server.hashing.release();
  expect(server.proposals.ops).toEqual([]);
  server.change({ type: 'removeUser', name: 'bob' });
  server.connections.undrain();
  server.proposals.commit();
  expect([stays.received(), removed.received()]).toEqual(['20020000', '20020005']);
});

test('a message that must not be published is acknowledged, reaches nobody, and is told of without its payload [MQTT-3.3.5-2]', async () => {
  const server = await Guarded.open(['ann', 'eve'], ['allow ann both #', 'allow eve publish ok']);
  const ann = await server.in('ann', 'a');
  await server.say(ann, subscribePacket(1, '#'));
  const eve = await server.in('eve', 'e', { isDurable: true });
  expect(
    await server.say(
      eve,
      publishPacket('no', 'payload', 1),
      publishPacket('no', 'payload', 2, true),
      publishPacket('no', 'payload', 3, false, 2),
      pubrelPacket(3),
      publishPacket('no', 'payload'),
      publishPacket('ok', 'fine', 4),
      publishPacket('$SYS/broker/version', 'payload', 5),
    ),
  ).toEqual(['40020001', '40020002', '50020003', '70020003', '40020004', '40020005']);
  expect(ann.packets()).toEqual(['ok=fine q1 #1']);
  expect(server.connections.stats().retainedMessages).toBe(0);
  const told = server.lines.filter(({ code }) => code === 'LS_ACCESS_PUBLISH');
  expect(told).toHaveLength(1);
  expect(told[0]?.text).toBe(
    'A client (user "eve", client "e") published to "no", which no rule lets it; the message was dropped; see `lockstep rule list`',
  );
  expect(JSON.stringify(server.lines)).not.toContain('payload');
});

test('a filter that reaches what must not be read gets 0x80 and nothing of it [MQTT-3.9.3-1]', async () => {
  const server = await Guarded.open(
    ['ann'],
    ['allow * publish #', 'allow ann subscribe a/#', 'deny ann subscribe a/secret'],
  );
  for (const isDurable of [true, false]) {
    const ann = await server.in('ann', `a${isDurable}`, { isDurable });
    expect(
      await server.say(ann, subscribePacket(1, '#'), subscribePacket(2, 'a/#'), subscribePacket(3, 'a/b')),
    ).toEqual(['9003000180', '9003000280', '9003000301']);
    const writer = await server.in(null, 'w');
    await server.say(
      writer,
      publishPacket('a/secret', 's', 1),
      publishPacket('a/b', 'm', 2),
      publishPacket('c', 'n', 3),
    );
    expect(ann.packets()).toEqual(['a/b=m q1 #1']);
  }
});

test('a will is checked as a message is, before anything is done', async () => {
  const server = await Guarded.open(['ann', 'eve'], ['allow ann both #', 'allow eve both eve/#']);
  const eve = await server.in('eve', 'e');
  const { client, answer } = await server.login('eve', 'e', { will: 'bye' });
  expect([answer, client.isOpen, eve.isOpen]).toEqual(['20020005', false, true]);
  expect(server.codes()).toContain('LS_ACCESS_WILL');
  expect((await server.login('ann', 'a', { will: 'bye' })).answer).toBe('20020000');
});

test("nobody gets another user's session, connected or not, nor ends it, nor its client (MQTT 3.1.1 §5.4.2)", async () => {
  const server = await Guarded.open(['ann', 'eve']);
  const ann = await server.in('ann', 'pump', { isDurable: true });
  await server.say(ann, subscribePacket(1, 't'));
  const thefts = async (): Promise<string[]> => [
    (await server.login('eve', 'pump', { isDurable: true })).answer,
    (await server.login('eve', 'pump')).answer,
    (await server.login(null, 'pump')).answer,
  ];
  expect(await thefts()).toEqual(['20020005', '20020005', '20020005']);
  expect(ann.isOpen).toBe(true);
  ann.lose();
  await turn();
  server.proposals.commit();
  const eve = await server.in('eve', 'e');
  await server.say(eve, publishPacket('t', 'm', 1));
  expect(await thefts()).toEqual(['20020005', '20020005', '20020005']);
  const back = await server.login('ann', 'pump', { isDurable: true });
  expect(back.answer.slice(0, 8)).toBe('20020100');
  // A clean session is her own too, while she is here.
  const clean = await server.in('ann', 'tap');
  expect((await server.login('eve', 'tap')).answer).toBe('20020005');
  expect(clean.isOpen).toBe(true);
});

test("what was an anonymous client's is for whoever comes; from then on it is a user's own", async () => {
  const server = await Guarded.open([]);
  const before = await server.in(null, 'pump', { isDurable: true });
  await server.say(before, subscribePacket(1, 't'));
  server.change(userOp('ann'), userOp('eve'));
  expect((await server.login('ann', 'pump', { isDurable: true })).answer).toBe('20020100');
  expect(before.isOpen).toBe(false);
  expect((await server.login('eve', 'pump', { isDurable: true })).answer).toBe('20020005');
  expect((await server.login(null, 'pump', { isDurable: true })).answer).toBe('20020005');
});

test('the session of a user who was removed makes way for the next one, who gets nothing of it', async () => {
  const server = await Guarded.open(['ann', 'eve']);
  const ann = await server.in('ann', 'pump', { isDurable: true });
  await server.say(ann, subscribePacket(1, 't'));
  server.change({ type: 'removeUser', name: 'ann' });
  expect(ann.isOpen).toBe(false);
  await turn();
  const writer = await server.in('eve', 'w');
  await server.say(writer, publishPacket('t', 'for ann', 1));
  const { client, answer } = await server.login('eve', 'pump', { isDurable: true });
  expect(answer).toBe('20020000');
  expect(await server.say(client, subscribePacket(1, 'u'), publishPacket('t', 'm', 2))).toEqual([
    '9003000101',
    '40020002',
  ]);
  expect(server.broker.sessionOf('pump')?.user).toBe('eve');
});

test('who was removed, or has another password now, is disconnected at once, and its will is published; others stay', async () => {
  const server = await Guarded.open(['ann', 'bob', 'eve']);
  const bob = await server.in('bob', 'b');
  await server.say(bob, subscribePacket(1, 'wills'));
  const [ann, eve, nobody] = [
    await server.in('ann', 'a', { will: 'ann has gone' }),
    await server.in('eve', 'e', { will: 'eve has gone' }),
    await server.in(null, 'n'),
  ];
  server.change({ type: 'removeUser', name: 'ann' });
  expect([ann.isOpen, eve.isOpen, bob.isOpen, nobody.isOpen]).toEqual([false, true, true, true]);
  server.change(userOp('eve', 'another'));
  expect([eve.isOpen, bob.isOpen]).toEqual([false, true]);
  await turn();
  server.proposals.commit();
  expect(bob.packets()).toEqual(['wills=ann has gone q1 #1', 'wills=eve has gone q1 #2']);
  expect(server.codes()).toContain('LS_ACCESS_REVOKED');
  expect((await server.login('eve', 'e')).answer).toBe('20020004');
});

test('when rules change, subscriptions that they do not allow any more end: of clients that are here, and of sessions that wait', async () => {
  const server = await Guarded.open(['ann', 'eve'], ['allow * publish #', 'allow ann subscribe #']);
  const [durable, clean, away] = [
    await server.in('ann', 'durable', { isDurable: true }),
    await server.in('ann', 'clean'),
    await server.in('ann', 'away', { isDurable: true }),
  ];
  for (const client of [durable, clean, away])
    await server.say(client, subscribePacket(1, 'a'), subscribePacket(2, 'b/#'));
  away.lose();
  await turn();
  server.change(addRule('deny ann subscribe b/secret'));
  await server.clock.run(1_000);
  server.proposals.commit();
  const writer = await server.in('eve', 'w');
  await server.say(writer, publishPacket('b/x', 'no', 1), publishPacket('a', 'yes', 2));
  expect([durable.packets(), clean.packets()]).toEqual([['a=yes q1 #1'], ['a=yes q1 #1']]);
  const back = await server.login('ann', 'away', { isDurable: true });
  expect(back.answer).toContain(Buffer.from('yes').toString('hex'));
  expect(back.answer).not.toContain(Buffer.from('no').toString('hex'));
  expect(server.codes()).toContain('LS_ACCESS_UNSUBSCRIBED');
  // What was lost does not come back with the right.
  server.change(removeRule('deny ann subscribe b/secret'));
  await server.say(writer, publishPacket('b/x', 'later', 3));
  expect(clean.packets()).toEqual([]);
});

test('a thousand sessions that wait lose what they must, some at a time', async () => {
  const server = await Guarded.open([], ['allow * both #']);
  for (let n = 0; n < 1_200; n += 1) {
    server.proposals.propose(
      {
        type: 'openSession',
        clientId: `c${n}`,
        user: null,
        isClean: false,
        expirySeconds: 60,
        queue: { messages: 9, bytes: 99, whenFull: 'refuse' },
        will: null,
      },
      null,
    );
    const subscriptions = [plainSubscription('x', 1)];
    server.proposals.propose({ type: 'subscribe', clientId: `c${n}`, subscriptions }, null);
  }
  server.proposals.commit();
  const subscribed = (): number =>
    [...server.broker.sessions()].filter((it) => it.subscriptions.size > 0).length;
  expect(subscribed()).toBe(1_200);
  server.change(addRule('deny * subscribe x'));
  expect(subscribed()).toBeGreaterThan(0);
  await server.clock.run(100);
  server.proposals.commit();
  expect(subscribed()).toBe(0);
});

test('a server that begins to serve looks at all that was changed while another served', async () => {
  const first = await Guarded.open(['ann'], ['allow * both #']);
  const ann = await first.in('ann', 'c', { isDurable: true });
  await first.say(ann, subscribePacket(1, 'x'));
  await first.connections.close('the end');
  const change = addRule('deny * both x');
  first.proposals.propose({ type: 'access', change }, null);
  first.proposals.commit();
  expect(first.broker.sessionOf('c')?.subscriptions.size).toBe(1);
  const second = new Guarded({}, first.broker);
  await second.connections.open();
  second.proposals.commit();
  await second.clock.run(100);
  second.proposals.commit();
  expect(second.broker.sessionOf('c')?.subscriptions.size).toBe(0);
});

test('rules that let a client have less are in force for the messages that it publishes next', async () => {
  const server = await Guarded.open(['ann']);
  const ann = await server.in('ann', 'c');
  await server.say(ann, subscribePacket(1, 't'));
  expect(await server.say(ann, publishPacket('t', 'one', 1))).toEqual(['40020001', 't=one q1 #1']);
  ann.send(pubackPacket(1));
  server.change(addRule('allow ann subscribe #'));
  expect(await server.say(ann, publishPacket('t', 'two', 2))).toEqual(['40020002']);
  server.change(addRule('allow ann publish t'));
  expect(await server.say(ann, publishPacket('t', 'three', 3))).toEqual(['40020003', 't=three q1 #2']);
});
