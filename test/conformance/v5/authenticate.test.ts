/** Enhanced authentication and AUTH. Source: MQTT 5.0 §3.15, §4.12; RFC 5802, RFC 7677 for what SCRAM-SHA-256 says. */
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { expect, test } from 'vitest';
import {
  leftWith,
  refusedWith,
  serve,
  v5,
  type Properties,
  type TestClient,
  type TestServer,
} from '../harness/index.ts';
import { serveUsers } from './users.ts';

const METHOD = 'SCRAM-SHA-256';
const named = (data?: string, method = METHOD): Properties => [
  ['authenticationMethod', method],
  ...(data === undefined ? [] : ([['authenticationData', Buffer.from(data)]] as const)),
];

/** What a client says whose name and password are these. */
class Scram {
  readonly #password: string;
  readonly first: string;
  #expected = '';

  constructor(name: string, password: string, nonce: string) {
    this.#password = password;
    this.first = `n=${name},r=${nonce}`;
  }

  /** The answer to the server's challenge. */
  final(challenge: string): string {
    const {
      r = '',
      s = '',
      i = '',
    } = Object.fromEntries(challenge.split(',').map((part) => [part.slice(0, 1), part.slice(2)])) as Record<
      string,
      string
    >;
    const key = (of: Buffer, text: string): Buffer => createHmac('sha256', of).update(text).digest();
    const salted = pbkdf2Sync(this.#password, Buffer.from(s, 'base64'), Number(i), 32, 'sha256');
    const bare = `c=biws,r=${r}`;
    const all = `${this.first},${challenge},${bare}`;
    const clientKey = key(salted, 'Client Key');
    const signature = key(createHash('sha256').update(clientKey).digest(), all);
    const proof = Buffer.from(clientKey.map((byte, n) => byte ^ (signature[n] ?? 0)));
    this.#expected = `v=${key(key(salted, 'Server Key'), all).toString('base64')}`;
    return `${bare},p=${proof.toString('base64')}`;
  }

  /** Whether the server knows the password, too. */
  isProven(verdict: string): boolean {
    return verdict === this.#expected;
  }
}

const dataOf = (client: TestClient): string => String(client.told('authenticationData') ?? '');

/** Up to the server's verdict; what it was, and the client. */
async function authenticates(server: TestServer, scram: Scram): Promise<[string[], TestClient]> {
  const fields = { clientId: 'user', properties: named(`n,,${scram.first}`) };
  const client = server.dials(v5, fields);
  client.posts(v5.connect(fields));
  const challenged = await client.awaits();
  if (challenged[0] !== 'auth 0x18') return [challenged, client];
  expect(client.told('authenticationMethod')).toBe(METHOD);
  client.posts(v5.auth(0x18, named(scram.final(dataOf(client)))));
  return [await client.awaits(), client];
}

test('a method that is not supported is refused as such, then closed [MQTT5-4.12.0-1]', async () => {
  for (const server of [await serve(), await serveUsers()])
    for (const method of ['none such', 'scram-sha-256', 'PLAIN', '']) {
      const heard = await server.dials(v5).says(v5.connect({ properties: named('x', method) }));
      refusedWith(heard, 0x8c, 0x87);
    }
});

test('a server that needs more says AUTH with continue, and the method of the CONNECT [MQTT5-4.12.0-2, MQTT5-4.12.0-5, MQTT5-3.15.2-1]', async () => {
  const server = await serveUsers();
  const scram = new Scram('alice', 'correct horse', 'abcdef');
  const [heard, client] = await authenticates(server, scram);
  expect(heard).toEqual(['connack 0']);
  expect(client.told('authenticationMethod')).toBe(METHOD);
  expect(scram.isProven(dataOf(client))).toBe(true);
  expect(await client.says(v5.pingreq())).toEqual(['pingresp']);
});

test('a wrong password and an unknown user are refused alike, and closed [MQTT5-4.12.0-4]', async () => {
  const server = await serveUsers();
  for (const [name, password] of [
    ['alice', 'wrong'],
    ['nobody', 'correct horse'],
  ] as const) {
    const [heard] = await authenticates(server, new Scram(name, password, 'abcdef'));
    refusedWith(heard, 0x86, 0x87);
  }
});

test('AUTH with another reason, or another method, in the midst of it closes the connection [MQTT5-4.12.0-3, MQTT5-4.12.0-5]', async () => {
  const server = await serveUsers();
  for (const wrong of [
    v5.auth(0x19, named('x')),
    v5.auth(0x00, named('x')),
    v5.auth(0x18, named('x', 'PLAIN')),
    v5.auth(0x18),
    v5.auth(),
  ]) {
    const client = server.dials(v5);
    client.posts(v5.connect({ properties: named('n,,n=alice,r=abcdef') }));
    expect(await client.awaits()).toEqual(['auth 0x18']);
    refusedWith(await client.says(wrong), 0x81, 0x82, 0x86, 0x87, 0x8c);
  }
});

test('before CONNACK a client with a method says nothing but AUTH and DISCONNECT [MQTT5-3.1.2-30]', async () => {
  const server = await serveUsers();
  for (const wrong of [v5.pingreq(), v5.publish(), v5.subscribe(1, [['t', 0]]), v5.connect()]) {
    const client = server.dials(v5);
    client.posts(v5.connect({ properties: named('n,,n=alice,r=abcdef') }));
    expect(await client.awaits()).toEqual(['auth 0x18']);
    refusedWith(await client.says(wrong), 0x82);
  }
  const client = server.dials(v5);
  client.posts(v5.connect({ properties: named('n,,n=alice,r=abcdef') }));
  await client.awaits();
  expect(await client.says(v5.disconnect())).toEqual(['closed']);
});

test('without a method in CONNECT neither side says AUTH, nor the server a method [MQTT5-4.12.0-6, MQTT5-4.12.0-7]', async () => {
  const server = await serveUsers();
  const client = server.dials(v5);
  client.posts(v5.connect({ username: 'alice', password: 'correct horse' }));
  expect(await client.awaits()).toEqual(['connack 0']);
  expect(client.told('authenticationMethod')).toBe(null);
  leftWith(await client.says(v5.auth(0x19, named('n,,n=alice,r=abcdef'))), 0x82);
});

test('a client may authenticate again with its method, while it goes on [MQTT5-4.12.1-1]', async () => {
  const server = await serveUsers();
  const [, client] = await authenticates(server, new Scram('alice', 'correct horse', 'abcdef'));
  const again = new Scram('alice', 'correct horse', 'ghijkl');
  client.posts(v5.auth(0x19, named(`n,,${again.first}`)));
  expect(await client.awaits()).toEqual(['auth 0x18']);
  const answer = v5.auth(0x18, named(again.final(dataOf(client))));
  expect(await client.says(v5.pingreq())).toEqual(['pingresp']);
  client.posts(answer);
  expect(await client.awaits()).toEqual(['auth 0x00']);
  expect(again.isProven(dataOf(client))).toBe(true);
  expect(await client.says(v5.pingreq())).toEqual(['pingresp']);
});

test('another method then is a protocol error, and one that fails ends the connection with its reason [MQTT5-4.12.1-1, MQTT5-4.12.1-2]', async () => {
  const server = await serveUsers();
  const [, other] = await authenticates(server, new Scram('alice', 'correct horse', 'abcdef'));
  leftWith(await other.says(v5.auth(0x19, named('x', 'PLAIN'))), 0x82, 0x8c);
  const [, client] = await authenticates(server, new Scram('alice', 'correct horse', 'abcdef'));
  const wrong = new Scram('alice', 'wrong', 'ghijkl');
  client.posts(v5.auth(0x19, named(`n,,${wrong.first}`)));
  await client.awaits();
  client.posts(v5.auth(0x18, named(wrong.final(dataOf(client)))));
  leftWith(await client.awaits(), 0x87);
});

test('AUTH is not longer than the client takes [MQTT5-3.15.2-2, MQTT5-3.15.2-3]', async () => {
  const server = await serveUsers();
  for (const size of [16, 64, 100, 128, 160, 256]) {
    const fields = { properties: [...named('n,,n=alice,r=abcdef'), ['maximumPacketSize', size] as const] };
    const client = server.dials(v5, fields);
    client.posts(v5.connect(fields));
    // The judge measures what comes; what must be said and is too long ends the connection.
    await client.awaits();
  }
});
