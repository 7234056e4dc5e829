/** Ports behind a load balancer: whose connection it is comes before everything else. Source: The PROXY protocol, §2. */
import { once } from 'node:events';
import { connect as dialTls } from 'node:tls';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  closed,
  KINDS,
  kindText,
  openPort,
  PROXIED_REMOTE,
  until,
  usesTls,
  type PortUnderTest,
} from './listener-fixture.ts';

const PROXIED = KINDS.filter(({ isProxied }) => isProxied).map((kind) => [kindText(kind), kind] as const);
const LINE = `PROXY TCP4 192.0.2.77 127.0.0.1 40123 1883\r\n`;
const LINE_V6 = 'PROXY TCP6 2001:db8::42 ::1 40123 1883\r\n';
const LOCAL = '\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00';
const REQUEST = [
  'GET /mqtt HTTP/1.1',
  'Host: localhost',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Protocol: mqtt',
  '',
  '',
].join('\r\n');

const codes = ({ lines }: PortUnderTest): (string | undefined)[] =>
  lines.filter(({ level }) => level === 'warn').map(({ code }) => code);

describe.each(PROXIED)('%s', (_, kind) => {
  test('the header and the first bytes of the client may come in one piece', async () => {
    const port = await openPort(kind);
    const accepted = port.next();
    const socket = await port.raw();
    const first = kind.transport === 'tcp' ? 'hello' : kind.transport === 'ws' ? REQUEST : '';
    socket.cork();
    socket.write(LINE + first);
    const secured = usesTls(kind)
      ? dialTls({ socket, servername: 'localhost', ca: port.authority?.certificate })
      : null;
    onTestFinished(() => void secured?.destroy());
    if (kind.transport === 'wss') secured?.write(REQUEST);
    setImmediate(() => socket.uncork());
    const { stream, data } = await accepted;
    expect(stream.remote).toBe(PROXIED_REMOTE);
    if (kind.transport === 'tcp') await until(() => Buffer.concat(data).toString() === 'hello');
  });

  test('the header may come byte by byte', async () => {
    const port = await openPort(kind);
    const accepted = port.next();
    const socket = await port.raw();
    for (const byte of LINE_V6) {
      socket.write(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (kind.transport === 'ws') socket.write(REQUEST);
    if (usesTls(kind)) {
      const secured = dialTls({ socket, servername: 'localhost', ca: port.authority?.certificate });
      onTestFinished(() => void secured.destroy());
      await once(secured, 'secureConnect');
      if (kind.transport === 'wss') secured.write(REQUEST);
    }
    expect((await accepted).stream.remote).toBe('[2001:db8::42]:40123');
  });

  test('where the balancer speaks for itself (LOCAL), the address is its own', async () => {
    const port = await openPort(kind);
    const accepted = port.next();
    const carrier = await port.carrier({}, LOCAL);
    if (kind.transport === 'ws' || kind.transport === 'wss') carrier.write(REQUEST);
    expect((await accepted).stream.remote).toBe(`127.0.0.1:${carrier.localPort ?? 0}`);
  });

  test.each([
    ['the client’s own protocol', '\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00'],
    ['an HTTP request', REQUEST],
    ['a header that is broken', 'PROXY TCP4 nobody\r\n'],
  ])('without a header it is closed with a warning: %s', async (_what, bytes) => {
    const port = await openPort(kind);
    const socket = await port.raw();
    socket.write(bytes, 'latin1');
    await closed(socket);
    expect(codes(port)).toEqual(['LS_PROXY_HEADER']);
    expect(port.lines.at(-1)?.text).toMatch(
      new RegExp(
        `^A client at 127\\.0\\.0\\.1:\\d+ sent no PROXY header.*listeners\\.${kind.name}\\.proxyProtocol`,
      ),
    );
    expect(port.heard).toEqual([]);
    await port.met();
  });

  test('a header that does not come to its end is cut off by its time', async () => {
    const port = await openPort(kind, { arrivalMs: 200 });
    const socket = await port.raw();
    socket.write(LINE.slice(0, 20));
    await closed(socket);
    expect(codes(port)).toEqual(['LS_ARRIVAL_TIMEOUT']);
  });

  test('who connects and goes again, as a balancer’s check does, is not worth a line', async () => {
    const port = await openPort(kind);
    const socket = await port.raw();
    socket.end();
    await closed(socket);
    await port.met();
    expect(codes(port)).toEqual([]);
  });
});

test('where no header is required, one is the client’s own bytes, and moves no address', async () => {
  const port = await openPort({ name: 'mqtt', transport: 'tcp', isProxied: false });
  const { client, one } = await port.met();
  void client.send(Buffer.from(LINE));
  await until(() => Buffer.concat(one.data).toString() === LINE);
  expect(one.stream.remote).toBe(client.address);
});
