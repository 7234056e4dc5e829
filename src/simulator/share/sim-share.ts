/**
 * The share in memory: one lock, two blocks and a mark, as bytes, behind the same port as the real one and under the same rule Write.
 * Every touch of it takes a moment of the clock, so that crashes, hangs and lost locks come between any two steps of a write. A block
 * is a file that a new keeper replaces: a write that hangs lands late, in the file that it was meant for.
 * Source: PROTOCOL.md §1, §2 Write and Keeper; REASONS.md A4, A5, W5.
 */
import type { Clock } from '../../base/index.ts';
import {
  type BlockReading,
  COPY_BYTES,
  decodeBlock,
  decodeMark,
  type Hold,
  hold as holdNumber,
  otherServer,
  readShare,
  type ServerName,
  type ShareReading,
} from '../../core/pair/index.ts';
import type { Arbiter, ArbiterEvents } from '../../ports/index.ts';
import { SimArbiter } from './sim-arbiter.ts';

/** What keepers do on the share, where a planted fault has them do it otherwise. */
export type KeeperActs = Readonly<{
  readBlock?: (bytes: Uint8Array | null) => BlockReading;
  /** The fresh look at the peer's block in step 3 of rule Write, instead of which they take what they saw in step 1. */
  leavesOut?: 'secondLook';
}>;

export type SimShareSettings = Readonly<{
  clock: Clock;
  /** Within which every call settles. */
  keeperTimeoutMs: number;
  /** What one touch of the share takes. */
  latencyMs: number;
  /** How often the keeper probes with a write of the mark; 0: whenever something is committed, for those who don't wait. */
  probeIntervalMs?: number;
  /** By which each server's keeper lives, where its machine can stand still. */
  clockOf?: (server: ServerName) => Clock;
  /** What keepers do otherwise than they should; of planted faults. */
  acts?: KeeperActs;
}>;

const SERVERS: readonly ServerName[] = ['primary', 'secondary'];

/** A file: whoever opened it goes on writing to it after another has taken its name. */
export type BlockFile = { bytes: Buffer };

/** One server's way to the share. */
type Mount = {
  arbiter: SimArbiter | null;
  /** Null: it answers. */
  hang: { healed: Promise<void>; heal: () => void } | null;
  /** What is asked is done, and no answer comes back. */
  isDeaf: boolean;
  nextWriteFails: 'before' | 'after' | null;
  slowness: number;
  /** What a read outside a hold shows; null: what stands there. */
  cached: ShareReading | null;
  /** Its lock is gone, and the next write through the locked descriptor says so. */
  isLockVoid: boolean;
  /** How often it has taken the lock. */
  holds: number;
};

const freshMount = (): Mount => ({
  arbiter: null,
  hang: null,
  isDeaf: false,
  nextWriteFails: null,
  slowness: 1,
  cached: null,
  isLockVoid: false,
  holds: 0,
});

export class SimShare {
  readonly settings: SimShareSettings;
  readonly blocks: Record<ServerName, BlockFile | null> = { primary: null, secondary: null };
  mark: Buffer = Buffer.alloc(0);
  readonly #mounts: Readonly<Record<ServerName, Mount>> = {
    primary: freshMount(),
    secondary: freshMount(),
  };
  readonly #holders = new Set<ServerName>();
  #doLocksLie = false;
  /** What was read last, and of what: a checker asks at each commit, and little changes. */
  #read: Readonly<{ files: readonly (Buffer | null)[]; reading: ShareReading }> | null = null;
  /** Until then nobody gets a lock that he has not. */
  #graceUntil = 0;
  #holds = 0;

  constructor(settings: SimShareSettings) {
    this.settings = settings;
  }

  /** A server's process starts: its arbiter. One that it had before has crashed. */
  arbiter(server: ServerName, events: ArbiterEvents): Arbiter {
    this.crash(server);
    this.#mounts[server].isLockVoid = false;
    const arbiter = new SimArbiter(this, server, events);
    this.#mounts[server].arbiter = arbiter;
    return arbiter;
  }

  /** These servers' calls are not answered; whoever of them holds the lock loses it after `keeperTimeoutMs`. */
  hang(servers: readonly ServerName[] = SERVERS): void {
    for (const server of servers) {
      const mount = this.#mounts[server];
      if (mount.hang !== null) continue;
      let heal = (): void => undefined;
      const healed = new Promise<void>((resolve) => (heal = resolve));
      const hang = { healed, heal };
      mount.hang = hang;
      this.clockOf(server).after(this.settings.keeperTimeoutMs, () => {
        if (mount.hang === hang) mount.arbiter?.lose('the share has not answered');
      });
    }
  }

  /** What these servers ask is done, but no answer reaches them: the way back is cut. */
  deafen(servers: readonly ServerName[]): void {
    for (const server of servers) {
      const mount = this.#mounts[server];
      mount.isDeaf = true;
      this.clockOf(server).after(this.settings.keeperTimeoutMs, () => {
        if (mount.isDeaf) mount.arbiter?.lose('the share has not answered');
      });
    }
  }

  /** The share answers them again. Writes that hung land now, before anything that is asked later. */
  heal(servers: readonly ServerName[] = SERVERS): void {
    for (const server of servers) {
      const mount = this.#mounts[server];
      const { hang } = mount;
      mount.hang = null;
      mount.isDeaf = false;
      hang?.heal();
    }
  }

  /** From now on every touch by this server takes `times` as long as at first. */
  slow(server: ServerName, times: number): void {
    this.#mounts[server].slowness = times;
  }

  /**
   * The file server has restarted: for `graceMs` nobody gets a lock that he has not. `areLocksKept`: those who had one may go on; otherwise
   * the file server has forgotten them, and they learn it at once.
   */
  beginGrace(graceMs: number, areLocksKept: boolean): void {
    this.#graceUntil = this.settings.clock.now() + graceMs;
    if (!areLocksKept) for (const server of SERVERS) this.revoke(server);
  }

  /**
   * From now on this server's reads outside a hold show what stands there at this moment, whatever is written: its attribute cache lies. What it
   * reads within a hold stays fresh, as rule Write wants it ("afresh"): taking a lock and opening a file anew go past every cache.
   */
  freezeCache(server: ServerName): void {
    this.#mounts[server].cached = this.reading();
  }

  thawCache(server: ServerName): void {
    this.#mounts[server].cached = null;
  }

  /** What this server reads outside a hold. */
  readingOf(server: ServerName): ShareReading {
    return this.#mounts[server].cached ?? this.reading();
  }

  /** All is well again, but for what is written. */
  recover(): void {
    this.heal();
    this.#graceUntil = 0;
    this.#doLocksLie = false;
    for (const server of SERVERS) {
      this.slow(server, 1);
      this.thawCache(server);
    }
  }

  /** The file server takes the lock away: a lease ran out, or the keeper died. */
  revoke(server: ServerName): void {
    this.#mounts[server].arbiter?.lose('the file server took the lock away');
  }

  /** The server's process is gone: its lock is free, its calls never settle, it is told nothing. */
  crash(server: ServerName): void {
    this.#mounts[server].arbiter?.crash();
    this.#mounts[server].arbiter = null;
  }

  /** The server's machine is gone: the file server keeps its lock until the lease has run out. */
  powerLoss(server: ServerName, leaseMs: number): void {
    const mount = this.#mounts[server];
    const wasHeld = this.#holders.has(server);
    this.crash(server);
    if (!wasHeld) return;
    this.#holders.add(server);
    const { holds } = mount;
    this.settings.clock.after(leaseMs, () => {
      // Unless the server has come back and taken the lock anew.
      if (mount.holds === holds) this.#holders.delete(server);
    });
  }

  /** A lease has run out, and the server doesn't know: somebody else may have the lock. */
  expire(server: ServerName): void {
    this.#holders.delete(server);
  }

  /** As `expire`; the server finds out at its keeper's next write through the locked descriptor. */
  voidLock(server: ServerName): void {
    if (!this.#holders.has(server)) return;
    this.#holders.delete(server);
    this.#mounts[server].isLockVoid = true;
  }

  /** The next write of this server that would be written is unresolved: nothing of it landed, or all of it. */
  failNextWrite(server: ServerName, when: 'before' | 'after'): void {
    this.#mounts[server].nextWriteFails = when;
  }

  /** From now on everybody gets the lock. Source: REASONS.md A5. */
  lieAboutLocks(): void {
    this.#doLocksLie = true;
  }

  /** Locks exclude again. Who has one keeps it, and nobody else gets one before that. */
  tellTruthAboutLocks(): void {
    this.#doLocksLie = false;
  }

  /** Copies of a block rot. */
  spoil(server: ServerName, copies: readonly (1 | 2)[]): void {
    const file = this.blocks[server];
    for (const copy of copies) file?.bytes.fill('?', (copy - 1) * COPY_BYTES, copy * COPY_BYTES - 1);
  }

  /** Both copies of its block are good and carry the same. */
  isSound(server: ServerName): boolean {
    const bytes = this.blocks[server]?.bytes;
    return bytes?.subarray(0, COPY_BYTES).equals(bytes.subarray(COPY_BYTES)) === true;
  }

  /** Somebody deletes all three files. Whoever holds the lock finds out. */
  wipe(): void {
    this.blocks.primary = null;
    this.blocks.secondary = null;
    this.mark = Buffer.alloc(0);
    for (const server of SERVERS) this.#mounts[server].arbiter?.lose('the lock file was deleted or replaced');
  }

  /** What stands on the share, as anybody would read it now. */
  reading(): ShareReading {
    const files = [this.blocks.primary?.bytes ?? null, this.blocks.secondary?.bytes ?? null, this.mark];
    if (this.#read !== null && areSame(files, this.#read.files)) return this.#read.reading;
    const reading = readShare(this.block('primary'), this.block('secondary'), decodeMark(this.mark));
    this.#read = { files: files.map((file) => (file === null ? null : Buffer.from(file))), reading };
    return reading;
  }

  block(server: ServerName): BlockReading {
    const { readBlock = decodeBlock } = this.settings.acts ?? {};
    return readBlock(this.blocks[server]?.bytes ?? null);
  }

  clockOf(server: ServerName): Clock {
    return this.settings.clockOf?.(server) ?? this.settings.clock;
  }

  mount(server: ServerName): Mount {
    return this.#mounts[server];
  }

  /** A new hold, or null where somebody else has the lock. */
  tryLock(server: ServerName): Hold | null {
    if (this.#holders.has(otherServer(server)) && !this.#doLocksLie) return null;
    if (this.settings.clock.now() < this.#graceUntil) return null;
    this.#mounts[server].isLockVoid = false;
    this.#holders.add(server);
    this.#mounts[server].holds += 1;
    this.#holds += 1;
    return holdNumber(this.#holds);
  }

  unlock(server: ServerName): void {
    this.#holders.delete(server);
    this.#mounts[server].isLockVoid = false;
  }
}

const areSame = (some: readonly (Buffer | null)[], others: readonly (Buffer | null)[]): boolean =>
  some.every((one, at) => {
    const other = others[at] ?? null;
    return one === null || other === null ? one === other : one.equals(other);
  });
