/** A client that is a program of its own: what it prints, line by line, what it is told, and how it ends. Gone with the test. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import { onTestFinished } from 'vitest';

export class Program {
  readonly lines: string[] = [];
  /** What it said on its standard error. */
  complaints = '';
  /** Its exit code; null: a signal ended it. */
  readonly ended: Promise<number | null>;
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #printed: Interface;

  constructor([program = '', ...words]: readonly string[], environment: NodeJS.ProcessEnv = {}) {
    // By the line: into a pipe most programs print only when their buffer is full.
    this.#process = spawn('stdbuf', ['-oL', program, ...words], {
      env: { ...process.env, ...environment },
    });
    onTestFinished(() => void this.#process.kill('SIGKILL'));
    this.ended = once(this.#process, 'close').then(([code]) => code as number | null);
    // One that has ended reads nothing more; how it ended is what counts.
    this.#process.stdin.on('error', () => undefined);
    this.#process.stderr.setEncoding('utf8').on('data', (text: string) => (this.complaints += text));
    this.#printed = createInterface({ input: this.#process.stdout });
    this.#printed.on('line', (line) => this.lines.push(line));
  }

  /** Told of every line from now on. */
  each(listener: (line: string) => void): void {
    this.#printed.on('line', listener);
  }

  /** Fulfils when it has printed a line with this in it; rejects when it has ended without. */
  async says(text: string): Promise<void> {
    const end = this.ended.then((code) => {
      throw new Error(`${code} before ${text}: ${this.complaints}`);
    });
    // Nobody listens to it any more once the line has come.
    end.catch(() => undefined);
    while (!this.lines.some((line) => line.includes(text)))
      await Promise.race([once(this.#printed, 'line'), end]);
  }

  tell(line: string): void {
    this.#process.stdin.write(`${line}\n`);
  }

  /** Nothing more will be told. */
  hush(): void {
    this.#process.stdin.end();
  }
}
