/**
 * Two replications of one process that hold everything together, as a pair's do: one serves, the other joins, frames go from the one to the other as
 * bytes. Stores of their own; no machine decides anything, and nobody else knows of them.
 */
import { join } from 'node:path';
import type { Clock, Log, Random } from '../../base/index.ts';
import { Broker } from '../../core/broker/index.ts';
import {
  claimId,
  epoch,
  lockId,
  pairId,
  version,
  type ArbitrationRecord,
  type Frame,
  type PairFact,
} from '../../core/pair/index.ts';
import { frameBytes, frameFrom } from '../../io/channel/index.ts';
import { openStoreRoot } from '../../io/store/index.ts';
import type { Profile } from '../../profile/index.ts';
import { Replication } from '../../runtime/replication/index.ts';

export type ScratchPairParts = Readonly<{
  directory: string;
  journal: Profile['journal'];
  /** The disk's and the peer's patience, and that of checkpoints: longer than the whole lasts. */
  patienceMs: number;
  /** Something was applied where it is served. */
  applied: () => void;
  clock: Clock;
  random: Random;
  log: Log;
}>;

export class ScratchPair {
  readonly #parts: ScratchPairParts;
  readonly serving: Replication;
  readonly #joining: Replication;

  private constructor(parts: ScratchPairParts, serving: Replication, joining: Replication) {
    this.#parts = parts;
    this.serving = serving;
    this.#joining = joining;
  }

  /** Fulfils when both hold the first entry of a claim that names both. Rejects where the disk does not take it. */
  static async open(parts: ScratchPairParts): Promise<ScratchPair> {
    const disk = new Disk();
    const ends: { serving: Replication | null; joining: Replication | null } = {
      serving: null,
      joining: null,
    };
    ends.serving = await opened(parts, 'serving', disk, (frame) => hears(ends.joining, frame));
    ends.joining = await opened(parts, 'joining', disk, (frame) => hears(ends.serving, frame));
    const pair = new ScratchPair(parts, ends.serving, ends.joining);
    try {
      await Promise.race([pair.#begin(), disk.failed]);
      return pair;
    } catch (failure) {
      await pair.close();
      throw failure;
    }
  }

  async close(): Promise<void> {
    this.serving.endSession();
    this.serving.closeEpoch();
    await this.#joining.leaveSession();
    await this.serving.close();
    await this.#joining.close();
  }

  async #begin(): Promise<void> {
    const { random } = this.#parts;
    const claim = { epoch: epoch(1), claimId: claimId(random.id()) };
    const inSync = {
      primary: this.serving.replica.view().storeId,
      secondary: this.#joining.replica.view().storeId,
    };
    const record: ArbitrationRecord = {
      ...claim,
      pairId: pairId(random.id()),
      lockId: lockId(random.id()),
      version: version(1),
      holder: 'primary',
      inSync,
      floor: {},
      forced: [],
    };
    await this.serving.openEpoch({ ...claim, inSync });
    this.serving.beginSession({ ...claim, number: 1 }, record);
    await this.serving.allOpened();
  }
}

function opened(
  { directory, journal, patienceMs, applied, clock, random, log }: ScratchPairParts,
  name: string,
  disk: Disk,
  send: (frame: Frame) => void,
): Promise<Replication> {
  return Replication.open({
    root: openStoreRoot(join(directory, name), { random, log, journal }),
    broker: new Broker(),
    clock,
    log,
    times: {
      ackTimeoutMs: patienceMs,
      diskTimeoutMs: patienceMs,
      checkpoint: { intervalMs: patienceMs, bytesMax: Infinity, freshBytesMax: Infinity },
    },
    hooks: {
      tell: (fact) => disk.hears(fact),
      send,
      seeShare: () => Promise.resolve({ kind: 'unreachable' }),
      committed: () => undefined,
      applied,
    },
  });
}

/** Nothing follows from an append that failed, so somebody must say so. */
class Disk {
  #fail: (why: Error) => void = () => undefined;
  readonly failed = new Promise<never>((_, reject) => (this.#fail = reject));

  constructor() {
    this.failed.catch(() => undefined);
  }

  hears(fact: PairFact): void {
    if (fact.type === 'diskFailed') this.#fail(new Error(fact.why));
  }
}

/** In a turn of its own, as from a socket. */
function hears(end: Replication | null, frame: Frame): void {
  const bytes = frameBytes(frame);
  setImmediate(() => {
    const heard = frameFrom(bytes);
    if (heard?.type === 'session') end?.join(heard.session, heard.record);
    else if (heard !== null) end?.heard(heard);
  });
}
