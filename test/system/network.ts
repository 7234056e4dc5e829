/**
 * The network of a pair under test: the backchannel goes through a line here that can hold bytes back as a cut cable does (late, never lost), or
 * break; the gateway is a process that can freeze.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { otherServer, type ServerName } from '../../src/core/pair/index.ts';
import type { PairUnderTest } from './pair.ts';

type Line = Readonly<{ dialler: ServerName; near: Socket; far: Socket }>;

export class Backchannel {
  readonly #listeners: Server[] = [];
  readonly #lines = new Set<Line>();
  /** Whose bytes are held back. */
  readonly #held = new Set<ServerName>();
  /** Dialled while bytes were held back: on a cut cable nobody answers, either. */
  readonly #unanswered = new Set<Socket>();

  /** Puts itself between the two servers, which must not run yet. */
  /** `here`: the address under which the servers reach this process. */
  static async between(pair: PairUnderTest, here = '127.0.0.1'): Promise<Backchannel> {
    const backchannel = new Backchannel();
    for (const dialler of ['primary', 'secondary'] as const) {
      const peer = otherServer(dialler);
      const target = { host: pair.places[peer].host, port: pair.ports[peer].backchannel };
      const listener = createServer({ allowHalfOpen: true }, (near) =>
        backchannel.#dialled(dialler, near, target),
      );
      await new Promise<void>((resolve) => listener.listen(0, here, resolve));
      backchannel.#listeners.push(listener);
      pair.own[dialler].push(`peer.host=${here}`, `peer.port=${(listener.address() as AddressInfo).port}`);
    }
    return backchannel;
  }

  /** Nothing that these servers send arrives any more, and nobody is told. */
  cut(...senders: readonly ServerName[]): void {
    for (const sender of senders) this.#held.add(sender);
    for (const line of this.#lines) this.#flow(line);
  }

  /** Bytes flow again, late ones first; what was dialled meanwhile is lost. */
  heal(): void {
    this.#held.clear();
    for (const socket of this.#unanswered) socket.destroy();
    this.#unanswered.clear();
    for (const line of this.#lines) this.#flow(line);
  }

  /** Both sides are told at once that the connection is gone; a new one may be dialled. */
  reset(): void {
    for (const { near, far } of this.#lines) {
      near.resetAndDestroy();
      far.resetAndDestroy();
    }
  }

  async close(): Promise<void> {
    this.heal();
    this.reset();
    for (const listener of this.#listeners) await new Promise((resolve) => listener.close(resolve));
  }

  #dialled(dialler: ServerName, near: Socket, target: Readonly<{ host: string; port: number }>): void {
    near.on('error', () => undefined);
    if (this.#held.size > 0) {
      this.#unanswered.add(near);
      near.pause();
      return;
    }
    const far = connect({ ...target, allowHalfOpen: true });
    far.on('error', () => undefined);
    near.setNoDelay();
    far.setNoDelay();
    const line = { dialler, near, far };
    this.#lines.add(line);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('data', (bytes) => to.write(bytes));
      from.on('end', () => to.end());
      from.on('close', () => {
        // The news of an end does not pass a cut, either; `heal` lets it through, for the held side has not read to its end.
        if (this.#held.size === 0) to.destroy();
        if (near.destroyed && far.destroyed) this.#lines.delete(line);
      });
    }
  }

  #flow(line: Line): void {
    const far = otherServer(line.dialler);
    for (const [from, to, sender] of [
      [line.near, line.far, line.dialler],
      [line.far, line.near, far],
    ] as const) {
      if (this.#held.has(sender)) from.pause();
      else if (to.destroyed) from.destroy();
      else from.resume();
    }
  }
}

const GATEWAY = `
  const server = require('node:net').createServer((socket) => socket.destroy());
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => console.log(server.address().port));
`;

/** A machine that answers while it runs. Frozen, its kernel takes no new connection: the silence of a host that is gone. */
export class GatewayUnderTest {
  readonly port: number;
  readonly #process: ChildProcess;
  readonly #waiting: Socket[] = [];

  private constructor(process: ChildProcess, port: number) {
    this.#process = process;
    this.port = port;
  }

  static async start(): Promise<GatewayUnderTest> {
    const child = spawn(process.execPath, ['-e', GATEWAY], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    return new GatewayUnderTest(child, Number(line));
  }

  /** Fulfils when it is silent: its queue of connections is full, and one more is not answered. */
  async freeze(): Promise<void> {
    this.#process.kill('SIGSTOP');
    while (await this.#answers());
  }

  async close(): Promise<void> {
    for (const socket of this.#waiting) socket.destroy();
    this.#process.kill('SIGKILL');
    await once(this.#process, 'close');
  }

  #answers(): Promise<boolean> {
    const socket = connect({ port: this.port, host: '127.0.0.1' });
    this.#waiting.push(socket);
    socket.on('error', () => undefined);
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), SILENCE_MS);
      socket.once('connect', () => {
        clearTimeout(timer);
        resolve(true);
      });
    });
  }
}

/** On loopback an answer comes within a millisecond, from the kernel, however busy the machine is. */
const SILENCE_MS = 250;
