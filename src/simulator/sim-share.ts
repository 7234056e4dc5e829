/**
 * The share in memory: one lock, two blocks and a mark, as bytes, behind the same port as the real one and under the same rule Write.
 * Every touch of it takes a moment of the clock, so that crashes, hangs and lost locks come between any two steps of a write. A block
 * is a file that a new keeper replaces: a write that hangs lands late, in the file that it was meant for.
 * Source: PROTOCOL.md §1, §2 Write and Keeper; REASONS.md A4, A5, W5.
 */
import type { Clock } from '../base/index.ts';
import {
  COPY_BYTES,
  decodeBlock,
  decodeMark,
  type Hold,
  hold as holdNumber,
  otherServer,
  readShare,
  type ServerName,
  type ShareReading,
} from '../core/pair/index.ts';
import type { Arbiter, ArbiterEvents } from '../ports/index.ts';
import { SimArbiter } from './sim-arbiter.ts';

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
}>;

const SERVERS: readonly ServerName[] = ['primary', 'secondary'];

/** A file: whoever opened it goes on writing to it after another has taken its name. */
export type BlockFile = { bytes: Buffer };

/** One server's way to the share. */
type Mount = {
  arbiter: SimArbiter | null;
  /** Null: it answers. */
  hang: { healed: Promise<void>; heal: () => void } | null;
  nextWriteFails: 'before' | 'after' | null;
};

export class SimShare {
  readonly settings: SimShareSettings;
  readonly blocks: Record<ServerName, BlockFile | null> = { primary: null, secondary: null };
  mark: Buffer = Buffer.alloc(0);
  readonly #mounts: Readonly<Record<ServerName, Mount>> = {
    primary: { arbiter: null, hang: null, nextWriteFails: null },
    secondary: { arbiter: null, hang: null, nextWriteFails: null },
  };
  readonly #holders = new Set<ServerName>();
  #doLocksLie = false;
  #holds = 0;

  constructor(settings: SimShareSettings) {
    this.settings = settings;
  }

  /** A server's process starts: its arbiter. One that it had before has crashed. */
  arbiter(server: ServerName, events: ArbiterEvents): Arbiter {
    this.crash(server);
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

  /** The share answers them again. Writes that hung land now, before anything that is asked later. */
  heal(servers: readonly ServerName[] = SERVERS): void {
    for (const server of servers) {
      const { hang } = this.#mounts[server];
      this.#mounts[server].hang = null;
      hang?.heal();
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
    // A server that has started again meanwhile has told the file server that its former locks are void.
    this.settings.clock.after(leaseMs, () => {
      if (mount.arbiter === null) this.#holders.delete(server);
    });
  }

  /** A lease has run out, and the server doesn't know: somebody else may have the lock. */
  expire(server: ServerName): void {
    this.#holders.delete(server);
  }

  /** The next write of this server that would be written is unresolved: nothing of it landed, or all of it. */
  failNextWrite(server: ServerName, when: 'before' | 'after'): void {
    this.#mounts[server].nextWriteFails = when;
  }

  /** From now on everybody gets the lock. Source: REASONS.md A5. */
  lieAboutLocks(): void {
    this.#doLocksLie = true;
  }

  /** Copies of a block rot. */
  spoil(server: ServerName, copies: readonly (1 | 2)[]): void {
    const file = this.blocks[server];
    for (const copy of copies) file?.bytes.fill('?', (copy - 1) * COPY_BYTES, copy * COPY_BYTES - 1);
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
    const { primary, secondary } = this.blocks;
    return readShare(
      decodeBlock(primary?.bytes ?? null),
      decodeBlock(secondary?.bytes ?? null),
      decodeMark(this.mark),
    );
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
    this.#holders.add(server);
    this.#holds += 1;
    return holdNumber(this.#holds);
  }

  unlock(server: ServerName): void {
    this.#holders.delete(server);
  }
}
