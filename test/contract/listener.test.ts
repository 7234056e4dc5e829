/** Port `Listener`, said of every kind of port for clients. Source: src/ports/listener.ts. */
import { describe, expect, test } from 'vitest';
import { NetFault } from '../../src/io/net/index.ts';
import {
  bytesOf,
  KINDS,
  kindText,
  openPort,
  portOf,
  PROXIED_REMOTE,
  sizeOf,
  until,
} from './listener-fixture.ts';

describe.each(KINDS.map((kind) => [kindText(kind), kind] as const))('%s', (_, kind) => {
  test('bytes go both ways, whole and in order, small and big', async () => {
    const port = await openPort(kind);
    const { client, one } = await port.met();
    const { stream, data } = one;
    expect(stream.transport).toBe(kind.transport);
    expect(stream.certificateName).toBe(null);
    const sent = Array.from({ length: 300 }, (_piece, n) => Buffer.alloc(n % 7 === 0 ? 40_000 : 4, n));
    const wanted = Buffer.concat(sent);
    for (const piece of sent) void client.send(piece);
    await until(() => sizeOf(data) >= wanted.length);
    expect(Buffer.concat(data).equals(wanted)).toBe(true);
    for (const piece of sent) stream.write(piece);
    expect(stream.backlog()).toBe(wanted.length);
    await until(() => sizeOf(client.pieces) >= wanted.length);
    expect(bytesOf(client).equals(wanted)).toBe(true);
    await until(() => stream.backlog() === 0);
  });

  test('the address is the client’s: its own, or the one that the balancer tells', async () => {
    const port = await openPort(kind);
    const { client, one } = await port.met();
    expect(one.stream.remote).toBe(kind.isProxied ? PROXIED_REMOTE : client.address);
  });

  test('what is written within one turn arrives in one piece', async () => {
    const port = await openPort(kind);
    const { client, one } = await port.met();
    for (let n = 0; n < 100; n += 1) one.stream.write(Buffer.from([n]));
    await until(() => client.pieces.length > 0);
    expect(client.pieces.map(({ length }) => length)).toEqual([100]);
  });

  test('a client that does not read leaves a backlog, and `drained` comes once it reads', async () => {
    const port = await openPort(kind);
    const { client, one } = await port.met();
    client.pause();
    const size = 16 * 1024 * 1024;
    one.stream.write(Buffer.alloc(size));
    await new Promise((resolve) => setImmediate(resolve));
    expect(one.stream.backlog()).toBeGreaterThan(0);
    expect(one.drained).toBe(0);
    client.resume();
    await until(() => one.drained > 0 && one.stream.backlog() === 0);
    await until(() => sizeOf(client.pieces) === size);
  });

  test('a paused stream takes nothing more until it is resumed', async () => {
    const port = await openPort(kind);
    const { client, one } = await port.met();
    one.stream.pause();
    // More than the kernel holds for both: the client's own network holds it back.
    const pieces = Array.from({ length: 128 }, (_piece, n) => Buffer.alloc(256 * 1024, n));
    let isTaken = false;
    void Promise.all(pieces.map((piece) => client.send(piece))).then(() => (isTaken = true));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(isTaken).toBe(false);
    expect(sizeOf(one.data)).toBeLessThan(1024 * 1024);
    one.stream.resume();
    const total = Buffer.concat(pieces);
    await until(() => sizeOf(one.data) === total.length);
    expect(Buffer.concat(one.data).equals(total)).toBe(true);
  });

  test('end sends what is queued, then closes; `closed` comes once', async () => {
    const port = await openPort(kind);
    const { client, one } = await port.met();
    // What the client has said and nobody has read must not turn the last word into a reset.
    one.stream.pause();
    const pieces = Array.from({ length: 32 }, () => client.send(Buffer.alloc(256 * 1024)));
    await new Promise((resolve) => setImmediate(resolve));
    one.stream.write(Buffer.from('last word'));
    one.stream.end();
    const code = await client.closed;
    expect(bytesOf(client).toString()).toBe('last word');
    expect(client.errors).toEqual([]);
    expect(new Set(await Promise.all(pieces))).toEqual(new Set([true]));
    if (code !== null) expect(code).toBe(1000);
    await until(() => one.closed === 1);
    one.stream.destroy();
    expect(one.closed).toBe(1);
  });

  test('a client that does not take the last word, or never goes, is not waited for', async () => {
    const port = await openPort(kind);
    const { client, one } = await port.met();
    client.pause();
    one.stream.write(Buffer.alloc(16 * 1024 * 1024));
    one.stream.end();
    await until(() => one.closed === 1);
  });

  test('destroy closes at once, and `closed` comes when the client goes too', async () => {
    const port = await openPort(kind);
    const first = await port.met();
    const second = await port.met();
    first.one.stream.destroy();
    second.client.reset();
    await until(() => port.heard.every(({ closed }) => closed === 1));
  });

  test('a port in use is refused with a sentence that names it and its key, and nothing stays open', async () => {
    const { port } = await openPort(kind);
    const second = await portOf(kind, { port });
    const failure: unknown = await second.open().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(NetFault);
    expect(failure).toMatchObject({ code: 'LS_PORT_BUSY' });
    expect(String(failure)).toContain(`127.0.0.1:${port}`);
    expect(String(failure)).toContain(`listeners.${kind.name}.port`);
    expect(second.listener.port).toBe(null);
    await second.listener.close();
  });

  test('close ends every connection, also one on its way, frees the port, is safe to repeat, and the port opens again', async () => {
    const under = await openPort(kind);
    const { port } = under;
    const { client, one } = await under.met();
    const onItsWay = await under.raw();
    onItsWay.on('error', () => undefined);
    const isGone = new Promise((resolve) => onItsWay.once('close', resolve));
    await under.listener.close();
    await under.listener.close();
    await client.closed;
    await isGone;
    await until(() => one.closed === 1);
    expect(under.listener.port).toBe(null);
    const again = await openPort(kind, { port });
    expect(again.port).toBe(port);
    await under.listener.close();
    await again.listener.close();
    await under.open();
    await under.met();
  });

  test('closing while the port opens leaves no port open', async () => {
    const former = await openPort(kind);
    const { port } = former;
    await former.listener.close();
    const under = await portOf(kind, { port });
    const opening = under.open();
    await Promise.resolve();
    await under.listener.close();
    await opening;
    expect(under.listener.port).toBe(null);
    // Long enough for a port that would still be bound behind our back.
    for (let turns = 0; turns < 20; turns += 1) await new Promise((resolve) => setImmediate(resolve));
    expect((await openPort(kind, { port })).port).toBe(port);
  });
});

test('an address that is not this machine’s has its own code', async () => {
  const foreign = await portOf(KINDS[0] ?? expect.fail(), { host: '192.0.2.1' });
  await expect(foreign.open()).rejects.toMatchObject({ code: 'LS_PORT_ADDRESS' });
});

test.each(['::1', '::'])(
  'a port at %s takes IPv6 clients; at :: IPv4 ones too, each under its plain address',
  async (host) => {
    const port = await openPort({ name: 'mqtt', transport: 'tcp', isProxied: false }, { host });
    for (const from of host === '::' ? ['::1', '127.0.0.1'] : ['::1']) {
      const accepted = port.next();
      const socket = await port.raw(from);
      const { stream } = await accepted;
      expect(stream.remote).toBe(
        from === '::1' ? `[::1]:${socket.localPort ?? 0}` : `127.0.0.1:${socket.localPort ?? 0}`,
      );
    }
  },
);
