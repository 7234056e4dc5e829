/**
 * Two real servers as real processes for a test: a directory, ports and a share of their own, quick times, everything gone afterwards. What is
 * waited for is an event of the processes (a line, a status, an end), with a bound.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AdminClient, type ServerStatus } from '../../src/admin/index.ts';
import type { ServerName, StateName } from '../../src/core/pair/index.ts';

const MAIN = new URL('../../dist/cli/main.js', import.meta.url).pathname;
/** Not the shipped one, which is refused outside of loopback. */
export const SECRET = 'a-secret-of-the-tests-0123456789';
const WAIT_MS = 30_000;

type Ports = Readonly<Record<'mqtt' | 'mqtts' | 'ws' | 'wss' | 'backchannel' | 'admin', number>>;

/** Where and how a server runs: its addresses, what its command begins with, node's own flags, and what is added to its environment. */
export type Place = Readonly<{
  host: string;
  /** Where its orders are taken: an address of its own lets the network of the pair be cut, and the server still be asked. */
  adminHost: string;
  command: readonly string[];
  flags: readonly string[];
  environment: NodeJS.ProcessEnv;
}>;

/** Their keys; only `mqtt` is on where a test does not say otherwise. */
export const LISTENERS = ['mqtt', 'mqtts', 'ws', 'wss'] as const;

const HERE: Place = { host: '127.0.0.1', adminHost: '127.0.0.1', command: [], flags: [], environment: {} };

export class ServerUnderTest {
  readonly name: ServerName;
  readonly process: ChildProcess;
  readonly lines: string[] = [];
  readonly ended: Promise<number | string>;
  readonly #watchers = new Set<() => void>();

  constructor(name: ServerName, process: ChildProcess) {
    this.name = name;
    this.process = process;
    this.ended = new Promise((resolve) =>
      process.once('close', (code, signal) => resolve(code ?? signal ?? 'gone')),
    );
    let rest = '';
    const take = (text: string): void => {
      const parts = (rest + text).split('\n');
      rest = parts.pop() ?? '';
      this.lines.push(...parts);
      for (const watcher of this.#watchers) watcher();
    };
    process.stdout?.setEncoding('utf8').on('data', take);
    process.stderr?.setEncoding('utf8').on('data', take);
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  /** The first line from index `from` on that matches; waits for it. */
  line(pattern: RegExp, from = 0): Promise<string> {
    return bounded(
      `a line ${String(pattern)} of the ${this.name}`,
      () => this.lines.slice(from).join('\n'),
      (resolve) => {
        const look = (): void => {
          const found = this.lines.slice(from).find((line) => pattern.test(line));
          if (found === undefined) return;
          this.#watchers.delete(look);
          resolve(found);
        };
        this.#watchers.add(look);
        look();
      },
    );
  }

  /** The states that it has told of itself since line `from`. */
  states(from = 0): string[] {
    const told = new RegExp(`${this.name} Server switched to (\\w+)`, 'i');
    return this.lines.slice(from).flatMap((line) => told.exec(line)?.[1] ?? []);
  }

  /** The process number of its lock keeper, as the kernel knows its children; null while there is none. */
  async keeperPid(): Promise<number | null> {
    const threads = `/proc/${this.pid}/task`;
    for (const thread of await readdir(threads)) {
      const children = await readFile(`${threads}/${thread}/children`, 'utf8');
      for (const pid of children.split(' ').filter((word) => word !== '')) {
        const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
        if (command.includes('keeper')) return Number(pid);
      }
    }
    return null;
  }

  kill(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }
}

export class PairUnderTest {
  readonly home: string;
  readonly ports: Readonly<Record<ServerName, Ports>>;
  /** What is changed here counts for servers started after it. */
  readonly places: Record<ServerName, Place> = { primary: HERE, secondary: HERE };
  readonly servers: Partial<Record<ServerName, ServerUnderTest>> = {};
  /** Settings of one server alone; they come last and so win. */
  readonly own: Record<ServerName, string[]> = { primary: [], secondary: [] };
  readonly #sets: readonly string[];
  readonly #all: ServerUnderTest[] = [];

  private constructor(home: string, ports: Readonly<Record<ServerName, Ports>>, sets: readonly string[]) {
    this.home = home;
    this.ports = ports;
    this.#sets = sets;
  }

  static async create(sets: readonly string[] = []): Promise<PairUnderTest> {
    const home = await mkdtemp(join(tmpdir(), 'lockstep-system-'));
    await mkdir(join(home, 'share'));
    const [primary, secondary] = await freePorts();
    return new PairUnderTest(home, { primary, secondary }, sets);
  }

  get lockFile(): string {
    return join(this.home, 'share', 'lock.lck');
  }

  storePath(name: ServerName): string {
    return join(this.home, 'haprofile1', name, 'store');
  }

  /** The `--set`s that give a server its place in this test. */
  settings(name: ServerName): string[] {
    const own = this.ports[name];
    const peer = this.ports[name === 'primary' ? 'secondary' : 'primary'];
    const { host, adminHost } = this.places[name];
    return [
      `pair.secret=${SECRET}`,
      ...LISTENERS.map((listener) => `listeners.${listener}.host=${host}`),
      `backchannel.host=${host}`,
      `admin.host=${adminHost}`,
      `peer.host=${this.places[name === 'primary' ? 'secondary' : 'primary'].host}`,
      ...LISTENERS.map((listener) => `listeners.${listener}.port=${own[listener]}`),
      `backchannel.port=${own.backchannel}`,
      `admin.port=${own.admin}`,
      `peer.port=${peer.backchannel}`,
      `peer.adminPort=${peer.admin}`,
      `peer.clientPort=${peer.mqtt}`,
      `peer.clientMqttsPort=${peer.mqtts}`,
      `peer.clientWsPort=${peer.ws}`,
      `peer.clientWssPort=${peer.wss}`,
      'gateway.port=9',
      'backchannel.dialInterval=50',
      'timing.pingInterval=100',
      'timing.peerTimeout=1000',
      'timing.ackTimeout=1500',
      'timing.activeLockReacquisitionInterval=200',
      'timing.passiveLockAcquisitionInterval=500',
      'timing.startupWait=700',
      'timing.claimTimeout=1500',
      'timing.shrinkTimeout=4000',
      'timing.handoverTimeout=2000',
      'timing.keeperTimeout=1000',
      'timing.gatewayTimeout=300',
      ...this.#sets,
      ...this.own[name],
    ];
  }

  arguments(command: string, name: ServerName, more: readonly string[] = []): string[] {
    return [
      MAIN,
      ...command.split(' '),
      name,
      ...this.settings(name).flatMap((set) => ['--set', set]),
      ...more,
    ];
  }

  get environment(): NodeJS.ProcessEnv {
    return { ...process.env, LOCKSTEP_HOME: this.home };
  }

  start(name: ServerName, more: readonly string[] = []): ServerUnderTest {
    const { command, flags, environment } = this.places[name];
    const words = [process.execPath, ...flags, ...this.arguments('serve', name, more)];
    const [program = process.execPath, ...rest] = [...command, ...words];
    const child = spawn(program, rest, {
      env: { ...this.environment, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const server = new ServerUnderTest(name, child);
    this.servers[name] = server;
    this.#all.push(server);
    return server;
  }

  server(name: ServerName): ServerUnderTest {
    const server = this.servers[name];
    if (server === undefined) throw new Error(`the ${name} was not started`);
    return server;
  }

  /** Starts both and waits until they protect each other. */
  async startBoth(
    order: readonly ServerName[] = ['primary', 'secondary'],
  ): Promise<Record<'active' | 'passive', ServerName>> {
    for (const name of order) this.start(name);
    return this.protected();
  }

  /** Waits until one is ACTIVE and the other PASSIVE. */
  protected(ms = WAIT_MS): Promise<Record<'active' | 'passive', ServerName>> {
    const look = async (): Promise<Record<'active' | 'passive', ServerName> | null> => {
      const [p, s] = await Promise.all([this.state('primary'), this.state('secondary')]);
      if (p === 'ACTIVE' && s === 'PASSIVE') return { active: 'primary', passive: 'secondary' };
      if (s === 'ACTIVE' && p === 'PASSIVE') return { active: 'secondary', passive: 'primary' };
      return null;
    };
    return this.until('one ACTIVE and one PASSIVE', look, ms);
  }

  /** Fulfils when this server's own journal has grown by so many entries from now on. */
  async stores(name: ServerName, entries: number): Promise<void> {
    const last = async (): Promise<number> => (await this.status(name))?.stamp.seq ?? 0;
    const from = await last();
    await this.until(`${entries} more entries`, async () => ((await last()) >= from + entries ? true : null));
  }

  async reaches(name: ServerName, state: StateName): Promise<void> {
    await this.until(`the ${name} ${state}`, async () => ((await this.state(name)) === state ? true : null));
  }

  client(name: ServerName): AdminClient {
    return new AdminClient({
      host: this.places[name].adminHost,
      port: this.ports[name].admin,
      secret: SECRET,
    });
  }

  async status(name: ServerName): Promise<ServerStatus | null> {
    return this.client(name)
      .status()
      .catch(() => null);
  }

  async state(name: ServerName): Promise<StateName | null> {
    return (await this.status(name))?.state ?? null;
  }

  /** Asks again and again, with a breath between, until the answer is not null. */
  async until<T>(what: string, ask: () => Promise<T | null>, ms = WAIT_MS): Promise<T> {
    const end = Date.now() + ms;
    while (Date.now() < end) {
      const answer = await ask();
      if (answer !== null) return answer;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`not within ${ms} ms: ${what}\n${this.transcript()}`);
  }

  /** A short-lived command of the shipped program; `typed` is what its operator types. */
  async run(
    command: string,
    name: ServerName,
    more: readonly string[] = [],
    typed = '',
  ): Promise<{ code: number | string; output: string }> {
    const child = spawn(process.execPath, this.arguments(command, name, more), { env: this.environment });
    child.stdin.end(typed);
    const server = new ServerUnderTest(name, child);
    this.#all.push(server);
    const code = await server.ended;
    return { code, output: server.lines.join('\n') };
  }

  /** What each server said, for a test that fails. */
  transcript(): string {
    return this.#all
      .map((server) => `--- ${server.name} (${server.pid})\n${server.lines.join('\n')}`)
      .join('\n');
  }

  /** Ends every process; what they wrote stays. */
  async end(): Promise<void> {
    for (const server of this.#all) {
      if (server.process.exitCode !== null || server.process.signalCode !== null) continue;
      server.kill('SIGCONT');
      server.kill('SIGKILL');
      await server.ended;
    }
  }

  async close(): Promise<void> {
    await this.end();
    await rm(this.home, { recursive: true, force: true, maxRetries: 5 });
  }
}

function bounded<T>(
  what: string,
  seen: () => string,
  act: (resolve: (value: T) => void) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`not within ${WAIT_MS} ms: ${what}\n${seen()}`)),
      WAIT_MS,
    );
    act((value) => {
      clearTimeout(timer);
      resolve(value);
    });
  });
}

/** Of two servers. */
async function freePorts(): Promise<[Ports, Ports]> {
  const servers = Array.from({ length: 12 }, () => createServer());
  const port = (server: (typeof servers)[number]): Promise<number> =>
    new Promise((resolve) =>
      server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)),
    );
  const found = await Promise.all(servers.map(port));
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  const ports = ([
    mqtt = 0,
    mqtts = 0,
    ws = 0,
    wss = 0,
    backchannel = 0,
    admin = 0,
  ]: readonly number[]): Ports => ({
    mqtt,
    mqtts,
    ws,
    wss,
    backchannel,
    admin,
  });
  return [ports(found.slice(0, 6)), ports(found.slice(6))];
}
