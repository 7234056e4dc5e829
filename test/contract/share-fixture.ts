/** A share and two store directories on real files, arbiters with real keepers, and what they told. */
import { mkdir, mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Clock, Log, LogLine } from '../../src/base/index.ts';
import type { ServerName } from '../../src/core/pair/index.ts';
import { COPY_BYTES } from '../../src/core/pair/record.ts';
import { KeeperArbiter } from '../../src/io/arbitration/index.ts';

/** The keeper from its source, as the checkout has it. */
export const keeperFromSource = (): string[] => [
  process.execPath,
  '--import',
  'tsx',
  fileURLToPath(new URL('../../src/io/arbitration/keeper-main.ts', import.meta.url)),
];

export const realClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after: (ms, act) => {
    const timer = setTimeout(act, ms);
    return () => clearTimeout(timer);
  },
  soon: (act) => void setImmediate(act),
};

export type Timing = Readonly<{ keeperTimeout: number; activeLockReacquisitionInterval: number }>;
export const defaultTiming: Timing = { keeperTimeout: 4_000, activeLockReacquisitionInterval: 40 };

export class ShareFixture {
  readonly directory: string;
  readonly lockFile: string;
  readonly lines: LogLine[] = [];
  readonly lost: Record<ServerName, string[]> = { primary: [], secondary: [] };
  readonly #arbiters: KeeperArbiter[] = [];
  readonly #waiting: { server: ServerName; resolve: (why: string) => void }[] = [];

  constructor(directory: string) {
    this.directory = directory;
    this.lockFile = join(directory, 'share', 'lock.lck');
  }

  static async create(): Promise<ShareFixture> {
    const directory = await mkdtemp(join(tmpdir(), 'lockstep-share-'));
    for (const name of ['share', 'primary', 'secondary']) await mkdir(join(directory, name));
    return new ShareFixture(directory);
  }

  storeDirectory(server: ServerName): string {
    return join(this.directory, server);
  }

  blockFile(server: ServerName): string {
    return `${this.lockFile}.${server}`;
  }

  arbiter(server: ServerName, timing: Timing = defaultTiming): KeeperArbiter {
    const log: Log = { say: (line) => void this.lines.push(line) };
    const arbiter = new KeeperArbiter({
      server,
      lockFile: this.lockFile,
      storeDirectory: this.storeDirectory(server),
      timing,
      program: keeperFromSource(),
      events: { lockLost: (why) => this.#tellLost(server, why) },
      log,
    });
    this.#arbiters.push(arbiter);
    return arbiter;
  }

  /** The next loss of this server's lock; one that was told already counts. */
  lockLost(server: ServerName): Promise<string> {
    const told = this.lost[server][0];
    if (told !== undefined) return Promise.resolve(told);
    return new Promise((resolve) => this.#waiting.push({ server, resolve }));
  }

  /** The process number that the store's keeper wrote down. */
  async keeperPid(server: ServerName): Promise<number> {
    return Number(await readFile(join(this.storeDirectory(server), 'keeper.lock'), 'utf8'));
  }

  async spoil(server: ServerName, copies: readonly (1 | 2)[]): Promise<void> {
    const file = await open(this.blockFile(server), 'r+');
    for (const copy of copies) await file.write('not a copy of anything', (copy - 1) * COPY_BYTES + 100);
    await file.close();
  }

  async close(): Promise<void> {
    await Promise.all(this.#arbiters.map((arbiter) => arbiter.close()));
    await rm(this.directory, { recursive: true, force: true });
  }

  #tellLost(server: ServerName, why: string): void {
    this.lost[server].push(why);
    for (const waiting of this.#waiting) if (waiting.server === server) waiting.resolve(why);
  }
}
