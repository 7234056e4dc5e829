/** Real channels on loopback, for tests: free ports, a log that is kept, and a wait for whatever has been told or logged. */
import { createServer } from 'node:net';
import type { Cancel, Clock, LogLine } from '../../src/base/index.ts';
import { incarnation, otherServer, type ServerName } from '../../src/core/pair/index.ts';
import { WsChannel, type WsChannelParts } from '../../src/io/channel/index.ts';
import { SystemClock, SystemRandom } from '../../src/io/system/index.ts';
import { Observer, type Side } from './channel-contract.ts';

export const secret = 'correct horse battery staple';
const random = new SystemRandom();

/** Real time, but its timers and its `now` can be bent. */
export class BentClock implements Clock {
  readonly #clock = new SystemClock();
  readonly #bend: (ms: number) => number;
  ahead = 0;
  /** Timers that have neither run nor been taken back. */
  pending = 0;

  constructor(bend: (ms: number) => number = (ms) => ms) {
    this.#bend = bend;
  }

  now(): number {
    return this.#clock.now() + this.ahead;
  }

  wall(): number {
    return this.#clock.wall();
  }

  soon(act: () => void): void {
    this.#clock.soon(act);
  }

  after(ms: number, act: () => void): Cancel {
    let isPending = true;
    const settle = (): void => {
      if (isPending) this.pending -= 1;
      isPending = false;
    };
    this.pending += 1;
    const cancel = this.#clock.after(this.#bend(ms), () => {
      settle();
      act();
    });
    return () => {
      settle();
      cancel();
    };
  }
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

export type WsSide = Side & Readonly<{ lines: readonly LogLine[] }>;

export class WsPair {
  readonly ports: Readonly<Record<ServerName, number>>;
  readonly #waiting = new Set<() => void>();
  readonly #closers: (() => Promise<void>)[] = [];

  private constructor(ports: Record<ServerName, number>) {
    this.ports = ports;
  }

  static async fresh(): Promise<WsPair> {
    return new WsPair({ primary: await freePort(), secondary: await freePort() });
  }

  /** A new run of that server; `differs` in what it is told. */
  async start(server: ServerName, differs: Partial<WsChannelParts> = {}): Promise<WsSide> {
    const lines: LogLine[] = [];
    const channel = new WsChannel({
      server,
      incarnation: incarnation(random.id()),
      pairName: 'plant 7',
      secret,
      listen: { host: '127.0.0.1', port: this.ports[server] },
      peer: { host: '127.0.0.1', port: this.ports[otherServer(server)] },
      options: { dialInterval: 40 },
      clock: new SystemClock(),
      random,
      log: {
        say: (line) => {
          lines.push(line);
          this.changed();
        },
      },
      ...differs,
    });
    const seen = new Observer(this.changed);
    this.closeLater(() => channel.close());
    await channel.open(seen);
    return { channel, seen, lines };
  }

  /** For what else the test waits for. */
  readonly changed = (): void => {
    for (const look of [...this.#waiting]) look();
  };

  readonly until = (isSo: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (!isSo()) return;
        this.#waiting.delete(look);
        // Whoever told finishes first.
        setImmediate(resolve);
      };
      this.#waiting.add(look);
      look();
    });

  closeLater(close: () => Promise<void>): void {
    this.#closers.push(close);
  }

  readonly close = async (): Promise<void> => {
    await Promise.all(this.#closers.map((close) => close()));
  };
}
