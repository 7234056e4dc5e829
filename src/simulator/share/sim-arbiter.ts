/**
 * One server's keeper in the simulation: the same port, the same rule Write as the real one, on the share in memory. It does one thing at a
 * time, in the order in which it was asked. A call under way ends with its keeper; what hangs in the share lands late.
 * Source: PROTOCOL.md §2 Write and Keeper; REASONS.md A4, W5.
 */
import { present, unreachable } from '../../base/index.ts';
import {
  beginWrite,
  type BlockReading,
  COPY_BYTES,
  decodeMark,
  emptyContent,
  encodeCopy,
  encodeMark,
  type Hold,
  isNewer,
  nextWrite,
  noStamp,
  otherServer,
  type ServerName,
  type Stamp,
  type WriteInput,
  type WriteOrder,
} from '../../core/pair/index.ts';
import type {
  Arbiter,
  ArbiterEvents,
  LockOutcome,
  ReadOutcome,
  WriteOutcome,
  WriteRequest,
} from '../../ports/index.ts';
import type { BlockFile, SimShare } from './sim-share.ts';

const POLL_MS = 5;

/** One call under way. When it is over, nothing more of it happens, but what hangs in the share. */
type Run = { isOver: boolean; end: () => void; fail: (why: string) => void };

export class SimArbiter implements Arbiter {
  readonly #share: SimShare;
  readonly #server: ServerName;
  readonly #events: ArbiterEvents;
  readonly #runs = new Set<Run>();
  #file: BlockFile | null = null;
  #hold: Hold | null = null;
  /** What the keeper is at, and has been asked since. */
  #turn: Promise<void> = Promise.resolve();
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
      work: (run) => this.#touch(run, () => ({ kind: 'read', reading: this.#share.readingOf(this.#server) })),
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

  release(): Promise<void> {
    this.#turn = this.#turn.then(() => this.#letGo());
    return this.#turn;
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
    this.#turn = Promise.resolve();
    this.#file = null;
    const wasHeld = this.#hold !== null;
    this.#letGo();
    if (wasHeld) this.#events.lockLost(why);
    for (const run of runs) run.fail(why);
  }

  crash(): void {
    for (const run of this.#runs) run.end();
    this.#turn = Promise.resolve();
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
    const { hang, isLockVoid } = this.#share.mount(this.#server);
    if (this.#hold === null || hang !== null) return;
    if (isLockVoid) return this.lose('a write through the locked descriptor failed');
    const at = new Date(this.#share.settings.clock.wall()).toISOString();
    this.#share.mark = encodeMark({ holder: this.#server, stamp: this.#committed, at });
  }

  #renewBlock(): void {
    if (this.#file !== null && this.#file === this.#share.blocks[this.#server]) return;
    const old = this.#share.blocks[this.#server]?.bytes ?? null;
    const reading = this.#share.block(this.#server);
    const { announced, record } = reading.kind === 'good' ? reading : emptyContent;
    const copy = encodeCopy({ announced, record });
    const bytes = reading.kind === 'damaged' && old !== null ? Buffer.from(old) : Buffer.concat([copy, copy]);
    this.#file = { bytes };
    this.#share.blocks[this.#server] = this.#file;
  }

  async #write(run: Run, request: WriteRequest): Promise<WriteOutcome> {
    const mount = this.#share.mount(this.#server);
    const { leavesOut } = this.#share.settings.acts ?? {};
    let step = beginWrite({ ...request, server: this.#server });
    let peer: BlockReading = { kind: 'empty' };
    while (step.do.type !== 'end') {
      const order = step.do;
      if (leavesOut === 'secondLook' && step.state.place === 'lookAgain') {
        step = nextWrite(step.state, { type: 'peer', peer });
        continue;
      }
      const isFailing = order.type === 'put' && mount.nextWriteFails === 'before';
      if (isFailing) mount.nextWriteFails = null;
      const input: WriteInput = isFailing
        ? { type: 'failed', why: 'the write failed' }
        : await this.#touch(run, this.#doer(order), order.type === 'put');
      if (input.type === 'both') peer = input.blocks[otherServer(this.#server)];
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
    switch (order.type) {
      case 'readBoth':
        return {
          type: 'both',
          hold: this.#hold,
          blocks: { primary: this.#share.block('primary'), secondary: this.#share.block('secondary') },
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
        return { type: 'peer', peer: this.#share.block(otherServer(this.#server)) };
      default:
        return unreachable(order);
    }
  }

  /** One round trip. `landsLate`: what hangs is done when the share heals, though nobody waits for it any more. */
  #touch<T>(run: Run, act: () => T, landsLate = false): Promise<T> {
    return new Promise((resolve) => {
      const mount = this.#share.mount(this.#server);
      const { hang, slowness } = mount;
      const arrive = (didHang: boolean): void => {
        if (run.isOver && !(didHang && landsLate)) return;
        const result = act();
        if (!run.isOver && !mount.isDeaf) resolve(result);
      };
      const latencyMs = this.#share.settings.latencyMs * slowness;
      if (hang !== null) void hang.healed.then(() => arrive(true));
      else this.#share.clockOf(this.#server).after(latencyMs, () => arrive(false));
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
      const settle = (outcome: T): void => {
        if (run.isOver) return;
        run.end();
        resolve(outcome);
      };
      this.#turn = this.#turn.then(() => (run.isOver ? undefined : call.work(run).then(settle)));
      this.#turn.catch(reject);
    });
  }
}
