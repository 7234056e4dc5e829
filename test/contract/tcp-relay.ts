/** A line between a dialler and a port, for tests: it can be late, mute, or broken for one side, and keeps what was dialled with. */
import { connect, createServer, type Server, type Socket } from 'node:net';

type Line = { readonly near: Socket; readonly far: Socket; isMute: boolean };

export class TcpRelay {
  readonly port: number;
  /** Drawn for each piece; order is kept. */
  delayMs: () => number = () => 0;
  /** False: connections are accepted, and nothing is passed on or answered. */
  passes = true;
  accepted = 0;
  /** All that diallers have sent. */
  readonly dialled: Buffer[] = [];
  readonly #server: Server;
  readonly #lines = new Set<Line>();
  readonly #changed: () => void;

  private constructor(server: Server, port: number, target: number, changed: () => void) {
    this.#server = server;
    this.port = port;
    this.#changed = changed;
    server.on('connection', (near) => this.#join(near, target));
  }

  static async open(port: number, target: number, changed: () => void): Promise<TcpRelay> {
    const server = createServer({ allowHalfOpen: true });
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    return new TcpRelay(server, port, target, changed);
  }

  get standing(): number {
    return this.#lines.size;
  }

  /** Lines that stand pass nothing on any more, and neither side is told. */
  mute(): void {
    for (const line of this.#lines) line.isMute = true;
  }

  async close(): Promise<void> {
    for (const { near, far } of this.#lines) {
      near.destroy();
      far.destroy();
    }
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(near: Socket, target: number): void {
    this.accepted += 1;
    const far = connect({ port: target, host: '127.0.0.1', allowHalfOpen: true });
    const line: Line = { near, far, isMute: !this.passes };
    this.#lines.add(line);
    near.on('data', (bytes) => this.dialled.push(bytes));
    this.#pass(line, near, far);
    this.#pass(line, far, near);
    this.#changed();
  }

  #pass(line: Line, from: Socket, to: Socket): void {
    let last = 0;
    const later = (act: () => void): void => {
      last = Math.max(last, performance.now() + this.delayMs());
      setTimeout(() => {
        if (!line.isMute) act();
      }, last - performance.now());
    };
    from.setNoDelay();
    from.on('data', (bytes) => later(() => to.write(bytes)));
    from.on('error', () => undefined);
    from.on('close', () =>
      later(() => {
        to.destroy();
        this.#lines.delete(line);
        this.#changed();
      }),
    );
    from.on('end', () => later(() => to.end()));
  }
}
