/** The admin API: who may ask, what it refuses, and that the answer to a stop is out before the stop begins. */
import { expect, onTestFinished, test } from 'vitest';
import {
  AdminClient,
  openAdmin,
  type AccessChange,
  type Admin,
  type Operations,
} from '../../src/admin/index.ts';
import type { LogLine } from '../../src/base/index.ts';

const SECRET = 'a-secret-for-this-test';

type Rig = Readonly<{
  admin: Admin;
  client: AdminClient;
  asked: string[];
  changes: AccessChange[];
  lines: LogLine[];
  token: string;
}>;

async function rig(more: Partial<Operations> = {}): Promise<Rig> {
  const asked: string[] = [];
  const changes: AccessChange[] = [];
  const lines: LogLine[] = [];
  const operations: Operations = {
    status: () => {
      throw new Error('no status in this test');
    },
    switchover: async (why) => {
      asked.push(`switchover ${why}`);
      return { kind: 'done', clientsWaitedMs: 12, nowServing: 'secondary' };
    },
    stop: async (why) => void asked.push(`stop ${why}`),
    reload: async (why) => {
      asked.push(`reload ${why}`);
      return { kind: 'done' };
    },
    forceActive: async ({ by, why }) => {
      asked.push(`force ${by} ${why}`);
      return { kind: 'refused', code: 'LS_TEST', why: 'the other server serves' };
    },
    access: () => ({ isServing: true, users: [], rules: [] }),
    changeAccess: async (change) => {
      changes.push(change);
      return { kind: 'done', rules: 0 };
    },
    ...more,
  };
  const log = { say: (line: LogLine) => void lines.push(line) };
  const admin = await openAdmin({ host: '127.0.0.1', port: 0, secret: SECRET, operations, log });
  onTestFinished(() => admin.close());
  const { adminToken } = await import('../../src/admin/token.ts');
  const client = new AdminClient({ host: '127.0.0.1', port: admin.port, secret: SECRET });
  return { admin, client, asked, changes, lines, token: adminToken(SECRET) };
}

const ask = (
  { admin, token }: Rig,
  path: string,
  init: RequestInit = {},
  bearer = `Bearer ${token}`,
): Promise<Response> =>
  fetch(`http://127.0.0.1:${admin.port}${path}`, { ...init, headers: { authorization: bearer } });

test('orders reach the server, and its report comes back', async () => {
  const { client, asked } = await rig();
  expect(await client.switchover('moving house')).toEqual({
    kind: 'done',
    clientsWaitedMs: 12,
    nowServing: 'secondary',
  });
  expect(await client.forceActive({ by: 'ann', why: 'fire' })).toMatchObject({
    kind: 'refused',
    code: 'LS_TEST',
  });
  expect(await client.reload('a new certificate')).toEqual({ kind: 'done' });
  expect(asked).toEqual(['switchover moving house', 'force ann fire', 'reload a new certificate']);
});

test('whoever does not know the secret is refused, and nothing is done', async () => {
  const made = await rig();
  const stranger = new AdminClient({ host: '127.0.0.1', port: made.admin.port, secret: 'another' });
  await expect(stranger.switchover('mischief')).rejects.toMatchObject({ code: 'LS_ADMIN_TOKEN' });
  await expect(stranger.status()).rejects.toMatchObject({ code: 'LS_ADMIN_TOKEN' });
  for (const authorization of ['', 'Bearer', `Bearer ${made.token}x`, made.token])
    expect((await ask(made, '/stop', { method: 'POST' }, authorization)).status).toBe(401);
  expect(made.asked).toEqual([]);
});

test('the answer to a stop is out before the stop begins', async () => {
  let admin: Admin | null = null;
  const stopped = new Promise<void>((settle) => {
    void rig({
      stop: async () => {
        await admin?.close();
        settle();
      },
    }).then(async (made) => {
      admin = made.admin;
      expect(await made.client.stop('the day is over')).toEqual({ pid: process.pid });
    });
  });
  await stopped;
});

test('wrong paths, methods and bodies are refused with a code, and nothing is done', async () => {
  const made = await rig();
  const refusal = async (path: string, init: RequestInit): Promise<[number, unknown]> => {
    const response = await ask(made, path, init);
    const body: unknown = await response.json();
    return [response.status, typeof body === 'object' && body !== null ? Reflect.get(body, 'code') : null];
  };
  expect(await refusal('/nothing', {})).toEqual([404, 'LS_ADMIN_PATH']);
  expect(await refusal('/switchover', {})).toEqual([405, 'LS_ADMIN_METHOD']);
  expect(await refusal('/status', { method: 'POST' })).toEqual([405, 'LS_ADMIN_METHOD']);
  for (const body of ['', '{', '[]', 'null', '{"why":""}', '{"why":5}', `{"why":"${'x'.repeat(20_000)}"}`])
    expect(await refusal('/switchover', { method: 'POST', body })).toEqual([400, 'LS_ADMIN_BODY']);
  expect(made.asked).toEqual([]);
});

test('a fault of the server is told to whoever asked and on the console', async () => {
  const { client, lines } = await rig();
  await expect(client.status()).rejects.toMatchObject({ code: 'LS_ADMIN_FAULT' });
  expect(lines).toMatchObject([{ level: 'error', code: 'LS_ADMIN_FAULT' }]);
});

test('a server that is not there has no status', async () => {
  const { admin, client } = await rig();
  await admin.close();
  expect(await client.status()).toBeNull();
  await expect(client.stop('')).rejects.toMatchObject({ code: 'LS_ADMIN_SILENT' });
});

test('a port in use is refused with a sentence', async () => {
  const { admin } = await rig();
  const again = { host: '127.0.0.1', port: admin.port, secret: SECRET };
  const operations = {} as Operations; // Never asked: it does not get so far.
  await expect(openAdmin({ ...again, operations, log: { say: () => undefined } })).rejects.toMatchObject({
    code: 'LS_ADMIN_PORT',
    message: expect.stringContaining('is this server running already?') as string,
  });
});

test('changes of users and rules arrive as they were sent, records to the byte', async () => {
  const { client, changes } = await rig();
  const some = (length: number): Buffer => Buffer.from(Array.from({ length }, (_, n) => 255 - n));
  const credential = {
    password: { cost: { logN: 15, r: 8, p: 1 }, salt: some(16), hash: some(32) },
    scram: { iterations: 4096, salt: some(17), storedKey: some(31), serverKey: some(30) },
  };
  const rule = { effect: 'deny', who: '*', action: 'both', filter: 'a/%u/#', clientId: null } as const;
  const sent: AccessChange[] = [
    { type: 'addUser', name: 'ann', credential },
    { type: 'setPassword', name: 'ann', credential: { password: null, scram: null } },
    { type: 'removeUser', name: 'ann' },
    { type: 'addRule', rule },
    { type: 'removeRule', rule: { ...rule, clientId: 'c-*' } },
  ];
  for (const change of sent) expect(await client.changeAccess(change)).toEqual({ kind: 'done', rules: 0 });
  expect(changes).toEqual(sent);
  expect(await client.access()).toEqual({ isServing: true, users: [], rules: [] });
});

test('a change that is none is refused without a word of what was in it', async () => {
  const made = await rig();
  for (const body of [
    '{"type":"addUser","name":"ann","password":"secret"}',
    '{"type":"addUser","name":"ann","credential":{"password":"secret","scram":null}}',
    '{"type":"addRule","rule":{"effect":"maybe","who":"*","action":"both","filter":"secret","clientId":null}}',
    '{"type":"becomeRoot"}',
    'secret',
  ]) {
    const response = await ask(made, '/access', { method: 'POST', body });
    expect(response.status).toBe(400);
    expect(await response.text()).not.toContain('secret');
  }
  expect(await (await ask(made, '/access', { method: 'DELETE' })).json()).toMatchObject({
    code: 'LS_ADMIN_METHOD',
  });
  expect([made.changes, made.lines]).toEqual([[], []]);
});
