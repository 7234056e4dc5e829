/**
 * The share in memory: one lock, two blocks and a mark, as bytes, behind the same port as the real one and under the same rule Write.
 * Every touch of it takes a moment of the clock, so that crashes, hangs and lost locks come between any two steps of a write. A block
 * is a file that a new keeper replaces: a write that hangs lands late, in the file that it was meant for.
 * Source: PROTOCOL.md §1, §2 Write and Keeper; REASONS.md A4, A5, W5.
 */
import { present, unreachable, type Clock } from '../base/index.ts';
import {
  beginWrite,
  COPY_BYTES,
  decodeBlock,
  decodeMark,
  emptyContent,
  encodeCopy,
  encodeMark,
  type Hold,
  hold as holdNumber,
  isNewer,
  nextWrite,
  noStamp,
  otherServer,
  readShare,
  type ServerName,
  type ShareReading,
  type Stamp,
  type WriteInput,
  type WriteOrder,
} from '../core/pair/index.ts';
import type {
  Arbiter,
  ArbiterEvents,
  LockOutcome,
  ReadOutcome,
  WriteOutcome,
  WriteRequest,
} from '../ports/index.ts';

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
const POLL_MS = 5;

/** A file: whoever opened it goes on writing to it after another has taken its name. */
type BlockFile = { bytes: Buffer };

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

/** One call under way. When it is over, nothing more of it happens, but what hangs in the share. */
type Run = { isOver: boolean; end: () => void; fail: (why: string) => void };

class SimArbiter implements Arbiter {
  readonly #share: SimShare;
  readonly #server: ServerName;
  readonly #events: ArbiterEvents;
  readonly #runs = new Set<Run>();
  #file: BlockFile | null = null;
  #hold: Hold | null = null;
  #committed: Stamp = noStamp;
  #isProbeDue = false;

  constructor(share: SimShare, server: ServerName, events: ArbiterEvents) {
    this.#share = share;
    this.#server = server;
    this.#events = events;
  }

  read(): Promise<ReadOutcome> {
    return this.#call<ReadOutcome>({
      patienceMs: 0,
      work: (run) => this.#touch(run, () => ({ kind: 'read', reading: this.#share.reading() })),
      silent: (why) => ({ kind: 'unreachable', why }),
    });
  }

  lock(patienceMs: number): Promise<LockOutcome> {
    const clock = this.#share.clockOf(this.#server);
    const until = clock.now() + patienceMs;
    return this.#call<LockOutcome>({
      patienceMs,
      work: async (run) => {
        while (true) {
          const outcome = await this.#touch(run, () => this.#tryLock());
          if (outcome.kind !== 'refused' || clock.now() >= until) return outcome;
          await new Promise<void>((resolve) => clock.after(Math.min(POLL_MS, until - clock.now()), resolve));
        }
      },
      silent: (why) => ({ kind: 'unreachable', why }),
    });
  }

  write(request: WriteRequest): Promise<WriteOutcome> {
    return this.#call<WriteOutcome>({
      patienceMs: 0,
      work: async (run) => {
        const outcome = await this.#write(run, request);
        if (outcome.kind === 'unresolved') this.lose(outcome.why);
        return outcome;
      },
      silent: (why) => ({ kind: 'unresolved', why }),
    });
  }

  async release(): Promise<void> {
    this.#letGo();
  }

  committed(stamp: Stamp): void {
    if (isNewer(stamp, this.#committed)) this.#committed = stamp;
    this.#probe();
  }

  async close(): Promise<void> {
    this.crash();
  }

  /** The keeper is lost, with the lock if it held it and the calls that it was at. The next one begins with a block file of its own. */
  lose(why: string): void {
    const runs = [...this.#runs];
    this.#file = null;
    const wasHeld = this.#hold !== null;
    this.#letGo();
    if (wasHeld) this.#events.lockLost(why);
    for (const run of runs) run.fail(why);
  }

  crash(): void {
    for (const run of this.#runs) run.end();
    this.#letGo();
    this.#file = null;
  }

  #letGo(): void {
    if (this.#hold !== null) this.#share.unlock(this.#server);
    this.#hold = null;
  }

  #tryLock(): LockOutcome {
    this.#renewBlock();
    if (this.#hold === null) {
      this.#hold = this.#share.tryLock(this.#server);
      const mark = decodeMark(this.#share.mark);
      if (this.#hold === null) return { kind: 'refused', holder: mark?.holder ?? 'unknown' };
      if (mark !== null && isNewer(mark.stamp, this.#committed)) this.#committed = mark.stamp;
    }
    const reading = this.#share.reading();
    this.#putMark();
    return { kind: 'held', hold: this.#hold, reading };
  }

  /** Writes the mark now, or when the next probe is due. */
  #probe(): void {
    const { probeIntervalMs = 0 } = this.#share.settings;
    if (probeIntervalMs === 0) return this.#putMark();
    if (this.#isProbeDue) return;
    this.#isProbeDue = true;
    this.#share.clockOf(this.#server).after(probeIntervalMs, () => {
      this.#isProbeDue = false;
      this.#putMark();
    });
  }

  #putMark(): void {
    if (this.#hold === null || this.#share.mount(this.#server).hang !== null) return;
    const at = new Date(this.#share.settings.clock.wall()).toISOString();
    this.#share.mark = encodeMark({ holder: this.#server, stamp: this.#committed, at });
  }

  #renewBlock(): void {
    if (this.#file !== null && this.#file === this.#share.blocks[this.#server]) return;
    const old = this.#share.blocks[this.#server]?.bytes ?? null;
    const reading = decodeBlock(old);
    const { announced, record } = reading.kind === 'good' ? reading : emptyContent;
    const copy = encodeCopy({ announced, record });
    const bytes = reading.kind === 'damaged' && old !== null ? Buffer.from(old) : Buffer.concat([copy, copy]);
    this.#file = { bytes };
    this.#share.blocks[this.#server] = this.#file;
  }

  async #write(run: Run, request: WriteRequest): Promise<WriteOutcome> {
    const mount = this.#share.mount(this.#server);
    let step = beginWrite({ ...request, server: this.#server });
    while (step.do.type !== 'end') {
      const order = step.do;
      const isFailing = order.type === 'put' && mount.nextWriteFails === 'before';
      if (isFailing) mount.nextWriteFails = null;
      const input: WriteInput = isFailing
        ? { type: 'failed', why: 'the write failed' }
        : await this.#touch(run, this.#doer(order), order.type === 'put');
      step = nextWrite(step.state, input);
    }
    if (step.do.outcome.kind !== 'written' || mount.nextWriteFails !== 'after') return step.do.outcome;
    mount.nextWriteFails = null;
    return { kind: 'unresolved', why: 'the last answer was lost' };
  }

  /** What will be done once the order reaches the share; the file of a `put` is the one that is open now. */
  #doer(order: Exclude<WriteOrder, { type: 'end' }>): () => WriteInput {
    const file = this.#file;
    return () => this.#obey(order, file);
  }

  #obey(order: Exclude<WriteOrder, { type: 'end' }>, file: BlockFile | null): WriteInput {
    const { blocks } = this.#share;
    const read = (server: ServerName): ReturnType<typeof decodeBlock> =>
      decodeBlock(blocks[server]?.bytes ?? null);
    switch (order.type) {
      case 'readBoth':
        return {
          type: 'both',
          hold: this.#hold,
          blocks: { primary: read('primary'), secondary: read('secondary') },
          mark: decodeMark(this.#share.mark),
        };
      case 'moveAside':
        for (const server of order.blocks) blocks[server] = null;
        this.#renewBlock();
        return { type: 'done' };
      case 'put':
        present(file, 'a block file').bytes.set(encodeCopy(order.content), (order.copy - 1) * COPY_BYTES);
        return { type: 'done' };
      case 'readPeer':
        return { type: 'peer', peer: read(otherServer(this.#server)) };
      default:
        return unreachable(order);
    }
  }

  /** One round trip. `landsLate`: what hangs is done when the share heals, though nobody waits for it any more. */
  #touch<T>(run: Run, act: () => T, landsLate = false): Promise<T> {
    return new Promise((resolve) => {
      const { hang } = this.#share.mount(this.#server);
      const arrive = (didHang: boolean): void => {
        if (run.isOver && !(didHang && landsLate)) return;
        const result = act();
        if (!run.isOver) resolve(result);
      };
      if (hang !== null) void hang.healed.then(() => arrive(true));
      else this.#share.clockOf(this.#server).after(this.#share.settings.latencyMs, () => arrive(false));
    });
  }

  #call<T>(call: {
    patienceMs: number;
    work: (run: Run) => Promise<T>;
    silent: (why: string) => T;
  }): Promise<T> {
    return new Promise((resolve, reject) => {
      const clock = this.#share.clockOf(this.#server);
      const { keeperTimeoutMs } = this.#share.settings;
      const giveUp = (): void => this.lose('the share has not answered');
      const cancel = clock.after(keeperTimeoutMs + call.patienceMs, giveUp);
      const run: Run = {
        isOver: false,
        end: () => {
          run.isOver = true;
          cancel();
          this.#runs.delete(run);
        },
        fail: (why) => {
          run.end();
          resolve(call.silent(why));
        },
      };
      this.#runs.add(run);
      call.work(run).then((outcome) => {
        if (run.isOver) return;
        run.end();
        resolve(outcome);
      }, reject);
    });
  }
}
