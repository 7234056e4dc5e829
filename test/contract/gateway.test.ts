/** What counts as an answer of the gateway, and what as silence. Source: PROTOCOL.md §4.1; REASONS.md B10. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import { TcpGateway } from '../../src/io/arbitration/index.ts';

const host = '127.0.0.1';

async function listening(server: Server): Promise<number> {
  server.listen(0, host);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** A frozen process whose queue of connections is full: the kernel drops whoever knocks. */
async function silentHost(): Promise<{ port: number; process: ChildProcess }> {
  const program = `const s = require('node:net').createServer((c) => c.destroy());
    s.listen({ port: 0, host: '${host}', backlog: 1 }, () => console.log(s.address().port));`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  child.kill('SIGSTOP');
  const port = Number(line);
  for (let filler = 0; filler < 8; filler += 1) {
    const socket = connect({ host, port }).on('error', () => undefined);
    onTestFinished(() => void socket.destroy());
  }
  return { port, process: child };
}

test('a gateway that accepts answers (§4.1)', async () => {
  const server = createServer((socket) => socket.destroy());
  onTestFinished(() => void server.close());
  const port = await listening(server);

  expect(await new TcpGateway({ host, port, probes: 3, timeoutMs: 2_000 }).answers()).toBe(true);
});

test('a refused connection is an answer: the host is there (§4.1)', async () => {
  const server = createServer();
  const port = await listening(server);
  server.close();
  await once(server, 'close');

  expect(await new TcpGateway({ host, port, probes: 1, timeoutMs: 2_000 }).answers()).toBe(true);
});

test('no answer to any probe within gatewayTimeout is silence, and takes no longer (§4.1)', async () => {
  const { port } = await silentHost();

  const asked = performance.now();
  expect(await new TcpGateway({ host, port, probes: 3, timeoutMs: 400 }).answers()).toBe(false);
  expect(performance.now() - asked).toBeGreaterThan(390);
  expect(performance.now() - asked).toBeLessThan(2_000);
});

test('an error that no host causes is silence, told when the last probe has failed (§4.1)', async () => {
  // The kernel itself refuses to connect a socket to a broadcast address.
  const gateway = new TcpGateway({ host: '255.255.255.255', port: 9, probes: 3, timeoutMs: 1_500 });

  const asked = performance.now();
  expect(await gateway.answers()).toBe(false);
  expect(performance.now() - asked).toBeLessThan(1_450);
});

test('one answer of several probes is enough, also a late one (REASONS B10)', async () => {
  const gateway = await silentHost();
  // The kernel knocks again a second after the first time: only a later probe can be answered in this time.
  const asking = new TcpGateway({ host, port: gateway.port, probes: 20, timeoutMs: 950 }).answers();
  const asked = performance.now();
  setTimeout(() => void gateway.process.kill('SIGCONT'), 300);

  expect(await asking).toBe(true);
  expect(performance.now() - asked).toBeGreaterThan(290);
});
