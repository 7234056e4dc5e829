/**
 * One round's pair and all that can go wrong with it: processes and their keepers, the line between the two, their hosts, disks and clocks. What
 * is broken here can be healed here, whatever else was broken meanwhile.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ServerName } from '../../src/core/pair/index.ts';
import { Backchannel } from '../../test/system/network.ts';
import { PairUnderTest, type ServerUnderTest } from '../../test/system/pair.ts';
import { GATEWAY } from './hosts.ts';
import type { Abilities } from './isolate.ts';
import { Watch } from './watch.ts';

export const BOTH: readonly ServerName[] = ['primary', 'secondary'];
const DISK = '512m';
const BALLOON = 'balloon';
const UNASKED_MAX = 4;

/** Whose clocks can be moved: the wall clock alone, or with it the one that measures time spans. */
export type ClockKind = 'wall' | 'whole';

export type StageNeeds = Readonly<{ disks: boolean; clock: ClockKind | null }>;

export class Stage {
  readonly pair: PairUnderTest;
  readonly backchannel: Backchannel;
  readonly watch: Watch;
  readonly ends: { at: number; server: ServerName; pid: number; how: number | string }[] = [];
  /** Ends that nobody has caused. */
  readonly unasked: string[] = [];
  readonly #abilities: Abilities;
  readonly #needs: StageNeeds;
  /** Servers whose end was asked for, or may come of what was done to them. */
  readonly #mayEnd = new WeakSet<ServerUnderTest>();
  readonly #frozenKeepers = new Set<number>();
  readonly #jumped: Record<ServerName, number> = { primary: 0, secondary: 0 };

  private constructor(
    pair: PairUnderTest,
    backchannel: Backchannel,
    abilities: Abilities,
    needs: StageNeeds,
  ) {
    this.pair = pair;
    this.backchannel = backchannel;
    this.#abilities = abilities;
    this.#needs = needs;
    this.watch = new Watch(pair);
  }

  static async open(abilities: Abilities, needs: StageNeeds): Promise<Stage> {
    const pair = await PairUnderTest.create(['journal.segmentSize=1 MiB']);
    const { hosts } = abilities;
    if (hosts !== null)
      for (const name of BOTH) {
        pair.places[name] = { ...pair.places[name], ...hosts.place(name) };
        pair.own[name].push(`gateway.host=${GATEWAY}`);
      }
    const backchannel = await Backchannel.between(pair, hosts === null ? '127.0.0.1' : GATEWAY);
    const stage = new Stage(pair, backchannel, abilities, needs);
    for (const name of BOTH) {
      if (needs.disks) await stage.#mount(name);
      if (needs.clock !== null) await stage.#loadClock(name, needs.clock);
    }
    return stage;
  }

  start(name: ServerName): void {
    const server = this.pair.start(name);
    void server.ended.then((how) => {
      this.ends.push({ at: performance.now(), server: name, pid: server.pid, how });
      if (!this.#mayEnd.has(server)) this.unasked.push(`the ${name} (${server.pid}) ended of itself: ${how}`);
    });
  }

  isUp(name: ServerName): boolean {
    const { exitCode, signalCode } = this.pair.server(name).process;
    return exitCode === null && signalCode === null;
  }

  signal(name: ServerName, signal: NodeJS.Signals): void {
    const server = this.pair.server(name);
    if (signal !== 'SIGSTOP' && signal !== 'SIGCONT') this.#mayEnd.add(server);
    server.kill(signal);
  }

  /** False: it has none at the moment. */
  async signalKeeper(name: ServerName, signal: 'SIGKILL' | 'SIGSTOP'): Promise<boolean> {
    const pid = this.isUp(name)
      ? await this.pair
          .server(name)
          .keeperPid()
          .catch(() => null)
      : null;
    if (pid === null) return false;
    if (signal === 'SIGSTOP') this.#frozenKeepers.add(pid);
    return kill(pid, signal);
  }

  /** Wakes whoever is frozen. */
  thaw(): void {
    for (const name of BOTH) if (this.isUp(name)) this.signal(name, 'SIGCONT');
    for (const pid of this.#frozenKeepers) kill(pid, 'SIGCONT');
    this.#frozenKeepers.clear();
  }

  unplug(name: ServerName): void {
    this.#abilities.hosts?.unplug(name);
  }

  mute(name: ServerName): void {
    this.#abilities.hosts?.mute(name);
  }

  deafen(name: ServerName): void {
    this.#abilities.hosts?.deafen(name);
  }

  /** Nothing more can be written to its store's disk. */
  async fillDisk(name: ServerName): Promise<void> {
    if (!this.#needs.disks) return;
    // A full disk ends the process (rule Ack).
    this.#mayEnd.add(this.pair.server(name));
    const balloon = join(this.pair.storePath(name), BALLOON);
    for (let taken = 0; ;) {
      const { bavail, bsize } = await statfs(this.pair.storePath(name));
      if (bavail === 0) return;
      // The server writes meanwhile: what was free when it was looked at may be free no more.
      const rest = ['--offset', String(taken), '--length', String(bavail * bsize)];
      if (spawnSync('fallocate', [...rest, balloon]).status === 0) taken += bavail * bsize;
    }
  }

  /** Moves its clock by so many seconds; what it shows is not taken back. */
  async jump(name: ServerName, seconds: number): Promise<void> {
    this.#jumped[name] += seconds;
    await this.#writeClock(name);
  }

  healNetwork(): void {
    this.backchannel.heal();
    for (const name of BOTH) this.#abilities.hosts?.heal(name);
  }

  async healDisks(): Promise<void> {
    if (!this.#needs.disks) return;
    for (const name of BOTH) await rm(join(this.pair.storePath(name), BALLOON), { force: true });
  }

  /** Starts whoever has ended. */
  reviveAll(): void {
    for (const name of BOTH) if (!this.isUp(name)) this.start(name);
  }

  /** Nothing is broken any more; fulfils once both protect each other. */
  async recover(ms: number): Promise<void> {
    this.healNetwork();
    await this.healDisks();
    this.thaw();
    const look = async (): Promise<true | null> => {
      if (this.unasked.length > UNASKED_MAX) throw new Error('servers end of themselves, again and again');
      // One that was asked to end may end only now.
      this.reviveAll();
      const states = await Promise.all(BOTH.map((name) => this.pair.state(name)));
      return states.includes('ACTIVE') && states.includes('PASSIVE') ? true : null;
    };
    await this.pair.until('one ACTIVE and one PASSIVE, after all is healed', look, ms);
  }

  /** Both at once and for good, as the power goes. */
  async kill(): Promise<void> {
    for (const name of BOTH) if (this.isUp(name)) this.signal(name, 'SIGKILL');
    for (const name of BOTH) await this.pair.server(name).ended;
  }

  async close(): Promise<void> {
    for (const name of BOTH) {
      const server = this.pair.servers[name];
      if (server !== undefined) this.#mayEnd.add(server);
    }
    for (const pid of this.#frozenKeepers) kill(pid, 'SIGKILL');
    this.healNetwork();
    await this.watch.end();
    await this.backchannel.close();
    await this.pair.end();
    if (this.#needs.disks)
      for (const name of BOTH) execFileSync('umount', ['--lazy', this.pair.storePath(name)]);
    await this.pair.close();
  }

  async #mount(name: ServerName): Promise<void> {
    const path = this.pair.storePath(name);
    await mkdir(path, { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK}`, 'chaos', path]);
  }

  async #loadClock(name: ServerName, kind: ClockKind): Promise<void> {
    const place = this.pair.places[name];
    this.pair.places[name] = {
      ...place,
      environment: {
        ...place.environment,
        LD_PRELOAD: this.#abilities.fakeTime ?? '',
        FAKETIME_TIMESTAMP_FILE: this.#clockFile(name),
        // The file is looked at again after this many seconds, by the real clock.
        FAKETIME_CACHE_DURATION: '1',
        ...(kind === 'wall' ? { FAKETIME_DONT_FAKE_MONOTONIC: '1' } : {}),
      },
    };
    await this.#writeClock(name);
  }

  #clockFile(name: ServerName): string {
    return join(this.pair.home, `clock-${name}`);
  }

  #writeClock(name: ServerName): Promise<void> {
    const seconds = this.#jumped[name];
    return writeFile(this.#clockFile(name), `${seconds < 0 ? '' : '+'}${seconds}\n`);
  }
}

/** False: it is gone already. */
function kill(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
