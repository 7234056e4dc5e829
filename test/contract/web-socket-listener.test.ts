/** MQTT over WebSocket: the request, the rules of the frames, and who breaks them. Source: MQTT-6.0.0-1 to 6.0.0-4; RFC 6455. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import {
  closed,
  MESSAGE_BYTES_MAX,
  openPort,
  sizeOf,
  until,
  type Kind,
  type PortUnderTest,
} from './listener-fixture.ts';

const KINDS: readonly Kind[] = [
  { name: 'ws', transport: 'ws', isProxied: false },
  { name: 'wss', transport: 'wss', isProxied: false },
];
const WS: Kind = { name: 'ws', transport: 'ws', isProxied: false };

const warnings = ({ lines }: PortUnderTest): string[] =>
  lines.filter(({ level }) => level === 'warn').map(({ code, text }) => `${code ?? ''} ${text}`);

const upgrade = (more: Readonly<Record<string, string>> = {}, path = '/mqtt'): string =>
  [
    `GET ${path} HTTP/1.1`,
    ...Object.entries({
      Host: 'localhost',
      Upgrade: 'websocket',
      Connection: 'Upgrade',
      'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Protocol': 'mqtt',
      ...more,
    }).map(([name, value]) => `${name}: ${value}`),
    '',
    '',
  ].join('\r\n');

/** What the server answers until it closes. */
async function answerTo(socket: Socket, request: string): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on('data', (bytes: Buffer) => chunks.push(bytes));
  socket.write(request, 'latin1');
  await closed(socket);
  return Buffer.concat(chunks).toString('latin1');
}

describe.each(KINDS.map((kind) => [kind.transport, kind] as const))('%s', (_, kind) => {
  test('the server chooses mqtt among the sub-protocols offered [MQTT-6.0.0-3, MQTT-6.0.0-4, MQTT5-6.0.0-3, MQTT5-6.0.0-4], and no compression', async () => {
    const port = await openPort(kind);
    const { webSocket } = await port.webSocket({ protocols: ['mqttv3.1', 'mqtt', 'chat'] });
    expect(webSocket.protocol).toBe('mqtt');
    expect(webSocket.extensions).toBe('');
  });

  test('packets may begin and end anywhere in messages and in their fragments [MQTT-6.0.0-2, MQTT5-6.0.0-2]', async () => {
    const port = await openPort(kind);
    const accepted = port.next();
    const { webSocket } = await port.webSocket();
    const { data } = await accepted;
    for (const part of ['on', 'e|tw']) webSocket.send(Buffer.from(part), { fin: false });
    webSocket.send(Buffer.from('o|thr'), { fin: true });
    webSocket.send(Buffer.alloc(0));
    webSocket.send(Buffer.from('ee|'));
    await until(() => Buffer.concat(data).toString() === 'one|two|three|');
  });

  test('a text message closes the connection, and nothing of it arrives [MQTT-6.0.0-1, MQTT5-6.0.0-1]', async () => {
    const port = await openPort(kind);
    const accepted = port.next();
    const client = await port.webSocket();
    const one = await accepted;
    client.webSocket.send('text');
    expect(await client.closed).toBe(1003);
    await until(() => one.closed === 1);
    expect(sizeOf(one.data)).toBe(0);
    expect(warnings(port)).toEqual([
      expect.stringMatching(/^LS_WEBSOCKET A client at 127\.0\.0\.1:\d+ broke the rules.*a text message/),
    ]);
  });

  test('a message longer than the bound closes the connection, and is not waited for', async () => {
    const port = await openPort(kind);
    const accepted = port.next();
    const client = await port.webSocket();
    const one = await accepted;
    client.webSocket.send(Buffer.alloc(MESSAGE_BYTES_MAX + 1));
    expect(await client.closed).toBe(1009);
    await until(() => one.closed === 1);
    expect(sizeOf(one.data)).toBe(0);
    expect(warnings(port)).toEqual([expect.stringContaining('LS_WEBSOCKET')]);
  });

  test('a ping is answered', async () => {
    const port = await openPort(kind);
    const { webSocket } = await port.webSocket();
    const answer = once(webSocket, 'pong');
    webSocket.ping('are you there');
    expect(String((await answer)[0])).toBe('are you there');
  });

  test('any origin may connect', async () => {
    const port = await openPort(kind);
    const accepted = port.next();
    const socket = await port.carrier();
    socket.write(upgrade({ Origin: 'https://example.net' }));
    await accepted;
  });
});

describe('what is refused has its answer, and costs its connection', () => {
  test.each([
    [
      'no sub-protocol',
      upgrade().replace(/Sec-WebSocket-Protocol.*\r\n/, ''),
      '400 Bad Request',
      'MQTT-6.0.0-3',
    ],
    [
      'another sub-protocol',
      upgrade({ 'Sec-WebSocket-Protocol': 'mqttv3.1, chat' }),
      '400 Bad Request',
      'MQTT-6.0.0-3',
    ],
    ['another path', upgrade({}, '/other'), '404 Not Found', 'there is nothing at "/other", only at /mqtt'],
    [
      'MQTT itself',
      '\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00',
      '400 Bad Request',
      'what came is not HTTP',
    ],
    [
      'headers without end',
      `GET /mqtt HTTP/1.1\r\nX: ${'y'.repeat(20_000)}`,
      '431 Request Header Fields Too Large',
      'headers',
    ],
  ])('%s', async (_, request, status, why) => {
    const port = await openPort(WS);
    const answer = await answerTo(await port.carrier(), request);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status}\r\n`));
    expect(answer).toContain(why);
    expect(warnings(port)).toEqual([
      expect.stringMatching(/^LS_WEBSOCKET A client at 127\.0\.0\.1:\d+ broke the rules/),
    ]);
    expect(port.heard).toEqual([]);
  });

  test.each([
    ['an ordinary request', 'GET /mqtt HTTP/1.1\r\nHost: localhost\r\n\r\n', '426 Upgrade Required'],
    [
      'one with a body',
      `POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n${'x'.repeat(100)}`,
      '426 Upgrade Required',
    ],
    ['a WebSocket of another version', upgrade({ 'Sec-WebSocket-Version': '7' }), '400 Bad Request'],
    ['a WebSocket without its key', upgrade().replace(/Sec-WebSocket-Key.*\r\n/, ''), '400 Bad Request'],
    ['another upgrade', upgrade({ Upgrade: 'h2c' }), '400 Bad Request'],
  ])('%s, without a line', async (_, request, status) => {
    const port = await openPort(WS);
    expect(await answerTo(await port.carrier(), request)).toMatch(new RegExp(`^HTTP/1\\.1 ${status}\r\n`));
    expect(warnings(port)).toEqual([]);
    expect(port.heard).toEqual([]);
  });

  test('a path with a query is the path', async () => {
    const port = await openPort(WS);
    const accepted = port.next();
    await port.webSocket({ path: '/mqtt?token=1' });
    await accepted;
  });
});

test('a request that never ends is cut off by its time, however it trickles', async () => {
  const port = await openPort(WS, { arrivalMs: 300 });
  const socket = await port.raw();
  const isOver = closed(socket);
  const trickle = setInterval(() => socket.write('X: y\r\n'), 20);
  socket.write('GET /mqtt HTTP/1.1\r\n');
  await isOver;
  clearInterval(trickle);
  expect(warnings(port)).toEqual([expect.stringContaining('LS_ARRIVAL_TIMEOUT')]);
});

test('the bytes that come with the request are the first of the stream', async () => {
  const port = await openPort(WS);
  const accepted = port.next();
  const socket = await port.raw();
  // A masked binary frame with mask 0.
  socket.write(
    Buffer.concat([Buffer.from(upgrade()), Buffer.from([0x82, 0x85, 0, 0, 0, 0]), Buffer.from('hello')]),
  );
  const { data } = await accepted;
  await until(() => Buffer.concat(data).toString() === 'hello');
});

test.each([
  ['an unmasked frame', Buffer.from([0x82, 0x01, 0x41])],
  ['a reserved operation', Buffer.from([0x83, 0x80, 0, 0, 0, 0])],
  ['a compressed frame', Buffer.from([0xc2, 0x80, 0, 0, 0, 0])],
])('%s closes the connection (RFC 6455 §5)', async (_, frame) => {
  const port = await openPort(WS);
  const client = await port.webSocket();
  await until(() => port.heard.length === 1);
  client.carrier.write(frame);
  expect(await client.closed).toBe(1002);
  await until(() => port.heard[0]?.closed === 1);
  expect(warnings(port)).toEqual([expect.stringContaining('LS_WEBSOCKET')]);
});

test('a client that pings and never reads is cut off, before what it is owed fills the memory', async () => {
  const port = await openPort(WS);
  const accepted = port.next();
  const client = await port.webSocket();
  const { stream } = await accepted;
  client.carrier.pause();
  const ping = Buffer.concat([Buffer.from([0x89, 0xfd, 0, 0, 0, 0]), Buffer.alloc(125)]);
  const many = Buffer.concat(Array.from({ length: 512 }, () => ping));
  let highest = 0;
  const isOver = (): boolean => port.heard[0]?.closed === 1;
  const send = (): void => {
    highest = Math.max(highest, stream.backlog());
    if (!isOver()) client.carrier.write(many, () => setImmediate(send));
  };
  send();
  await until(isOver);
  expect(highest).toBeLessThan(1024 * 1024);
});
