/**
 * Two replications of one process that hold everything together, as a pair's do: one serves, the other joins, frames go from the one to the other as
 * bytes. Stores of their own; no machine decides anything, and nobody else knows of them.
 */
import { join } from 'node:path';
import type { Cancel, Clock, Log, Random } from '../../base/index.ts';
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
import { Replication } from '../../runtime/replication/index.ts';

export type ScratchPairParts = Readonly<{
  directory: string;
  /** How long the disk and the peer may be silent, and how long opening and closing may take. */
  patienceMs: number;
  /** Something was applied where it is served. */
  applied: () => void;
  clock: Clock;
  random: Random;
  log: Log;
}>;

/** As little as there may be: a new segment is filled with zeros, on the disk that the real store needs. */
const JOURNAL = { segmentSize: 1024 * 1024, retain: 0 };

type Ends = { serving: Replication | null; joining: Replication | null };

export class ScratchPair {
  readonly #parts: ScratchPairParts;
  readonly serving: Replication;
  readonly #joining: Replication;

  private constructor(parts: ScratchPairParts, serving: Replication, joining: Replication) {
    this.#parts = parts;
    this.serving = serving;
    this.#joining = joining;
  }

  /** Fulfils when both hold the first entry of a claim that names both. Rejects where that is not to be had. */
  static async open(parts: ScratchPairParts): Promise<ScratchPair> {
    const trouble = new Trouble();
    const ends: Ends = { serving: null, joining: null };
    try {
      ends.serving = await opened(parts, 'serving', trouble, (frame) => hears(ends.joining, frame));
      ends.joining = await opened(parts, 'joining', trouble, (frame) => hears(ends.serving, frame));
      const pair = new ScratchPair(parts, ends.serving, ends.joining);
      await within(parts, Promise.race([pair.#begin(), trouble.came]));
      return pair;
    } catch (failure) {
      await closed(parts, ends);
      throw failure;
    }
  }

  close(): Promise<void> {
    return closed(this.#parts, { serving: this.serving, joining: this.#joining });
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
  { directory, patienceMs, applied, clock, random, log }: ScratchPairParts,
  name: string,
  trouble: Trouble,
  send: (frame: Frame) => void,
): Promise<Replication> {
  return Replication.open({
    root: openStoreRoot(join(directory, name), { random, log, journal: JOURNAL }),
    broker: new Broker(),
    clock,
    log,
    times: {
      ackTimeoutMs: patienceMs,
      diskTimeoutMs: patienceMs,
      checkpoint: { intervalMs: patienceMs, bytesMax: Infinity, freshBytesMax: Infinity },
    },
    hooks: {
      tell: (fact) => trouble.hears(fact),
      send,
      seeShare: () => Promise.resolve({ kind: 'unreachable' }),
      committed: () => undefined,
      applied,
    },
  });
}

/** What a disk failed to do nobody is told but by a fact; and whoever waits would wait for ever. */
async function closed(parts: ScratchPairParts, { serving, joining }: Ends): Promise<void> {
  const closing = async (): Promise<void> => {
    serving?.endSession();
    serving?.closeEpoch();
    await joining?.leaveSession();
    await serving?.close();
    await joining?.close();
  };
  await within(parts, closing());
}

async function within({ clock, patienceMs }: ScratchPairParts, work: Promise<void>): Promise<void> {
  let cancel: Cancel = () => undefined;
  const late = new Promise<never>((_, reject) => {
    cancel = clock.after(patienceMs, () => reject(new Error(`not within ${patienceMs} ms`)));
  });
  try {
    await Promise.race([work, late]);
  } finally {
    cancel();
  }
}

class Trouble {
  #tell: (why: Error) => void = () => undefined;
  readonly came = new Promise<never>((_, reject) => (this.#tell = reject));

  constructor() {
    this.came.catch(() => undefined);
  }

  hears(fact: PairFact): void {
    const { type } = fact;
    if (type === 'diskFailed' || type === 'joinFailed' || type === 'sessionFailed' || type === 'peerLost')
      this.#tell(new Error(fact.why));
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
