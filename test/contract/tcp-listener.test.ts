import { connect as dial, type Socket } from 'node:net';
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { NetFault, TcpListener } from '../../src/io/net/index.ts';
import type { ByteStream, StreamEvents } from '../../src/ports/index.ts';

/** What one accepted stream told, in order, and the stream itself. */
type Heard = { stream: ByteStream; data: Buffer[]; drained: number; closed: number };

async function listening(
  port = 0,
): Promise<{ listener: TcpListener; heard: Heard[]; next: () => Promise<Heard> }> {
  const listener = new TcpListener({ host: '127.0.0.1', port });
  const heard: Heard[] = [];
  const waiting: ((one: Heard) => void)[] = [];
  await listener.open({
    connected: (stream): StreamEvents => {
      const one: Heard = { stream, data: [], drained: 0, closed: 0 };
      heard.push(one);
      waiting.shift()?.(one);
      return {
        data: (bytes) => void one.data.push(bytes),
        drained: () => void (one.drained += 1),
        closed: () => void (one.closed += 1),
      };
    },
  });
  onTestFinished(() => listener.close());
  return { listener, heard, next: () => new Promise((resolve) => waiting.push(resolve)) };
}

async function client(listener: TcpListener): Promise<Socket> {
  const socket = dial({ host: '127.0.0.1', port: listener.port ?? 0 });
  socket.on('error', () => undefined);
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** Looks again at every turn of the loop; the test's own time-out bounds it. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}

test('bytes go both ways, whole and in order, small and big', async () => {
  const { listener, next } = await listening();
  const accepted = next();
  const socket = await client(listener);
  const { stream, data } = await accepted;
  expect(stream.remote).toMatch(/^127\.0\.0\.1:\d+$/);
  socket.write('hello');
  await until(() => Buffer.concat(data).toString() === 'hello');
  const pieces = Array.from({ length: 300 }, (_, n) => Buffer.alloc(n % 7 === 0 ? 40_000 : 4, n));
  const got: Buffer[] = [];
  socket.on('data', (bytes: Buffer) => got.push(bytes));
  for (const piece of pieces) stream.write(piece);
  expect(stream.backlog()).toBe(Buffer.concat(pieces).length);
  const wanted = Buffer.concat(pieces);
  await until(() => got.reduce((sum, bytes) => sum + bytes.length, 0) >= wanted.length);
  expect(Buffer.concat(got).equals(wanted)).toBe(true);
  expect(stream.backlog()).toBe(0);
});

test('what is written within one turn arrives in one piece', async () => {
  const { listener, next } = await listening();
  const accepted = next();
  const socket = await client(listener);
  const { stream } = await accepted;
  const first = once(socket, 'data');
  for (let n = 0; n < 100; n += 1) stream.write(Buffer.from([n]));
  const [bytes] = (await first) as [Buffer];
  expect(bytes.length).toBe(100);
});

test('a client that does not read leaves a backlog, and `drained` comes once it reads', async () => {
  const { listener, next } = await listening();
  const accepted = next();
  const socket = await client(listener);
  const one = await accepted;
  socket.pause();
  const size = 16 * 1024 * 1024;
  one.stream.write(Buffer.alloc(size));
  await new Promise((resolve) => setImmediate(resolve));
  expect(one.stream.backlog()).toBeGreaterThan(0);
  expect(one.drained).toBe(0);
  socket.resume();
  await until(() => one.drained === 1);
  expect(one.stream.backlog()).toBe(0);
});

test('a paused stream takes nothing more until it is resumed', async () => {
  const { listener, next } = await listening();
  const accepted = next();
  const socket = await client(listener);
  const { stream, data } = await accepted;
  stream.pause();
  // More than the kernel holds for both: the client's own network holds it back.
  const total = 32 * 1024 * 1024;
  let isTaken = false;
  socket.write(Buffer.alloc(total), () => (isTaken = true));
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(isTaken).toBe(false);
  expect(data.reduce((sum, bytes) => sum + bytes.length, 0)).toBeLessThan(1024 * 1024);
  stream.resume();
  await until(() => data.reduce((sum, bytes) => sum + bytes.length, 0) === total);
});

test('end sends what is queued, then closes; `closed` comes once', { timeout: 1_500 }, async () => {
  const { listener, next } = await listening();
  const accepted = next();
  const socket = await client(listener);
  const one = await accepted;
  // What the client has said and nobody has read must not turn the last word into a reset.
  const errors: Error[] = [];
  socket.on('error', (error) => errors.push(error));
  one.stream.pause();
  await new Promise<void>((resolve) => socket.write(Buffer.alloc(1024 * 1024), () => resolve()));
  one.stream.write(Buffer.from('last word'));
  one.stream.end();
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  expect(bytes.toString()).toBe('last word');
  await once(socket, 'close');
  expect(errors).toEqual([]);
  await until(() => one.closed === 1);
  one.stream.destroy();
  expect(one.closed).toBe(1);
});

test('destroy closes at once, and `closed` comes when the client goes too', async () => {
  const { listener, heard } = await listening();
  const sockets = [await client(listener), await client(listener)];
  await until(() => heard.length === 2);
  heard[0]?.stream.destroy();
  sockets[1]?.resetAndDestroy();
  await until(() => heard.every(({ closed }) => closed === 1));
});

test('a port in use is refused with a sentence that names it, and nothing stays open', async () => {
  const { listener } = await listening();
  const port = listener.port ?? 0;
  const second = new TcpListener({ host: '127.0.0.1', port });
  const failure: unknown = await second
    .open({ connected: () => ({ data: () => undefined, drained: () => undefined, closed: () => undefined }) })
    .catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(NetFault);
  expect(failure).toMatchObject({ code: 'LS_PORT_BUSY' });
  expect(String(failure)).toContain(`127.0.0.1:${port}`);
  expect(second.port).toBe(null);
  await second.close();
});

test('an address that is not this machine’s has its own code', async () => {
  const foreign = new TcpListener({ host: '192.0.2.1', port: 0 });
  await expect(
    foreign.open({
      connected: () => {
        throw new Error('nobody can connect');
      },
    }),
  ).rejects.toMatchObject({ code: 'LS_PORT_ADDRESS' });
});

test('close ends every connection, frees the port, is safe to repeat, and the port opens again', async () => {
  const { listener, heard } = await listening();
  const port = listener.port ?? 0;
  const socket = await client(listener);
  await until(() => heard.length === 1);
  const gone = once(socket, 'close');
  await listener.close();
  await listener.close();
  await gone;
  expect(heard[0]?.closed).toBe(1);
  const again = await listening(port);
  expect(again.listener.port).toBe(port);
});

test('closing while the port opens leaves no port open', async () => {
  const { listener: former } = await listening();
  const port = former.port ?? 0;
  await former.close();
  const listener = new TcpListener({ host: '127.0.0.1', port });
  const opening = listener.open({
    connected: () => {
      throw new Error('nobody can connect');
    },
  });
  await Promise.resolve();
  await listener.close();
  await opening;
  expect(listener.port).toBe(null);
  // Long enough for a port that would still be bound behind our back.
  for (let turns = 0; turns < 20; turns += 1) await new Promise((resolve) => setImmediate(resolve));
  const { listener: next } = await listening(port);
  expect(next.port).toBe(port);
});
