/**
 * Faults of our own making, switched on by name in the simulator only, to show that the checkers see what they are there for. Each takes the
 * place of a port and lies; the shipped server has no such place. Source: PROTOCOL.md §2; REASONS.md.
 */
import { present } from '../base/index.ts';
import type { Frame, Seq, ServerName, ShareReading } from '../core/pair/index.ts';
import { lastSeqOf } from '../core/replication/index.ts';
import { seq } from '../core/pair/index.ts';
import type { Arbiter, Channel, Identity, Journal, StateStore, Store, StoreRoot } from '../ports/index.ts';
import type { SimMachine } from './sim-machine.ts';
import type { SimShare } from './sim-share.ts';

/** What a planted fault may put in the place of one run's ports. */
export type Plant = Readonly<{
  root?: (root: StoreRoot, machine: SimMachine) => StoreRoot;
  arbiter?: (arbiter: Arbiter, machine: SimMachine, share: SimShare) => Arbiter;
  channel?: (channel: Channel, machine: SimMachine) => Channel;
}>;

export const nothingPlanted: Plant = {};

// What is put in place of a port ---------------------------------------------------------------------------------------------------

/** The journal with some of its acts replaced. */
const journalWith = (inner: Journal, acts: Partial<Journal>): Journal => ({
  get firstSeq() {
    return inner.firstSeq;
  },
  get last() {
    return inner.last;
  },
  get lastChain() {
    return inner.lastChain;
  },
  get epochs() {
    return inner.epochs;
  },
  append: acts.append ?? ((entries) => inner.append(entries)),
  read: (from, bytesMax) => inner.read(from, bytesMax),
  chainAt: (at) => inner.chainAt(at),
  rest: acts.rest ?? (() => inner.rest()),
  cut: acts.cut ?? ((after) => inner.cut(after)),
  trim: (through) => inner.trim(through),
  close: () => inner.close(),
});

const stateWith = (inner: StateStore, checkpoint: StateStore['checkpoint']): StateStore => ({
  get appliedSeq() {
    return inner.appliedSeq;
  },
  entries: () => inner.entries(),
  checkpoint,
  snapshot: (chunkBytes) => inner.snapshot(chunkBytes),
  install: (chunk) => inner.install(chunk),
  finishInstall: (appliedSeq) => inner.finishInstall(appliedSeq),
  close: () => inner.close(),
});

type StoreParts = Readonly<{ journal?: Journal; state?: StateStore; identity?: () => Identity }>;

/** A root whose stores have some of their parts replaced. A replaced store is known again when it comes back in a swap. */
function rootWith(inner: StoreRoot, change: (store: Store) => StoreParts | Promise<StoreParts>): StoreRoot {
  const real = new WeakMap<Store, Store>();
  const realOf = (store: Store): Store => present(real.get(store), 'the store behind a replaced one');
  const replaced = async (store: Store): Promise<Store> => {
    const { journal = store.journal, state = store.state, identity } = await change(store);
    const shown: Store = {
      get identity() {
        return identity?.() ?? store.identity;
      },
      journal,
      state,
      saveIdentity: (saved) => store.saveIdentity({ ...saved, storeId: store.identity.storeId }),
      close: () => store.close(),
    };
    real.set(shown, store);
    return shown;
  };
  return {
    open: async () => replaced(await inner.open()),
    begin: async (origin, pairId) => replaced(await inner.begin(origin, pairId)),
    swap: (former, next, keep) => inner.swap(realOf(former), realOf(next), keep),
    abandon: (next) => inner.abandon(realOf(next)),
  };
}

/** The channel with an ear for what comes, and a say in it. */
const channelWith = (inner: Channel, hears: (frame: Frame) => Frame): Channel => ({
  open: (events) => inner.open({ ...events, frame: (frame) => events.frame(hears(frame)) }),
  send: (frame) => inner.send(frame),
  backlog: () => inner.backlog(),
  drop: (why) => inner.drop(why),
  close: () => inner.close(),
});

const arbiterWith = (inner: Arbiter, acts: Partial<Arbiter>): Arbiter => ({
  read: acts.read ?? (() => inner.read()),
  lock: acts.lock ?? ((patienceMs) => inner.lock(patienceMs)),
  write: acts.write ?? ((request) => inner.write(request)),
  release: () => inner.release(),
  committed: (stamp) => inner.committed(stamp),
  close: () => inner.close(),
});

/** Nothing on the share says how far a store had come. */
const withoutFloors = (reading: ShareReading): ShareReading =>
  reading.kind === 'record'
    ? { ...reading, mark: null, record: { ...reading.record, floor: {} } }
    : { ...reading, mark: null };

/** What each machine's store said of itself before it was lost. */
const remembering = (): Plant => {
  const identities = new Map<ServerName, Identity>();
  return {
    root: (root, { name }) =>
      rootWith(root, (store) => {
        const former = identities.get(name);
        const isNew = store.identity.pairId === null && former !== undefined;
        const identity = (): Identity => {
          const own = store.identity;
          if (isNew)
            return { ...own, storeId: former.storeId, pairId: former.pairId, recordSeen: former.recordSeen };
          if (own.pairId !== null) identities.set(name, own);
          return own;
        };
        return { identity };
      }),
    arbiter: (arbiter) =>
      arbiterWith(arbiter, {
        read: async () => {
          const outcome = await arbiter.read();
          return outcome.kind === 'read'
            ? { kind: 'read', reading: withoutFloors(outcome.reading) }
            : outcome;
        },
        lock: async (patienceMs) => {
          const outcome = await arbiter.lock(patienceMs);
          return outcome.kind === 'held' ? { ...outcome, reading: withoutFloors(outcome.reading) } : outcome;
        },
      }),
  };
};

// The faults ------------------------------------------------------------------------------------------------------------------------

/** By name; each makes a plant of its own, because some remember. */
export const PLANTED = {
  /** An append counts as durable when it is written. Rule Ack; REASONS.md A6. */
  appendBeforeSync: (): Plant => ({
    root: (root, { disk }) =>
      rootWith(root, ({ journal }) => ({
        journal: journalWith(journal, {
          append: async (entries) => {
            const before = journal.last.seq;
            const appended = journal.append(entries);
            while (journal.last.seq === before) await Promise.race([appended, disk.pass(disk.run)]);
          },
        }),
      })),
  }),

  /** What a restarted server finds counts as durable without a sync. Rule Claim, Tail; REASONS.md A6. */
  replaySkipsLastEntry: (): Plant => ({
    root: (root) =>
      rootWith(root, async ({ journal }) => {
        if (journal.last.seq > journal.firstSeq) await journal.cut(seq(journal.last.seq - 1));
        return {};
      }),
  }),

  /** The joiner acknowledges entries as they come. Rule Ack. */
  acknowledgedOnReceipt: (): Plant => ({
    channel: (channel) =>
      channelWith(channel, (frame) => {
        if (frame.type === 'entries')
          channel.send({ type: 'durable', session: frame.session, seq: lastSeqOf(Buffer.from(frame.body)) });
        return frame;
      }),
  }),

  /** One acknowledgement of the peer counts for everything written. Rule Ack. */
  acknowledgementForAll: (): Plant => ({
    channel: (channel, machine) =>
      channelWith(channel, (frame) =>
        frame.type === 'durable' ? { ...frame, seq: lastSeqAt(machine, seq(frame.seq)) } : frame,
      ),
  }),

  /** A record write without an answer is taken for done. Rule Write; REASONS.md A4. */
  unresolvedTakenForWritten: (): Plant => ({
    arbiter: (arbiter, _machine, share) =>
      arbiterWith(arbiter, {
        write: async (request) => {
          const outcome = await arbiter.write(request);
          const reading = share.reading();
          if (outcome.kind !== 'unresolved' || reading.kind !== 'record') return outcome;
          return { kind: 'written', record: { ...request.draft, version: reading.record.version } };
        },
      }),
  }),

  /** A store that was lost comes back under its former name, and nothing says how far it had come. §1 storeId; REASONS.md A1, A9. */
  storeIdCopied: remembering,

  /** A joiner keeps the tail that it should have cut. Rule Tail. */
  tailKept: (): Plant => ({
    root: (root) =>
      rootWith(root, ({ journal }) => ({
        journal: journalWith(journal, { cut: () => Promise.resolve(null) }),
      })),
  }),

  /** What comes is applied before it is committed. §1 (state); rule Tail. */
  appliedBeforeCommitted: (): Plant => ({
    channel: (channel) =>
      channelWith(channel, (frame) =>
        frame.type === 'entries' ? { ...frame, committed: lastSeqOf(Buffer.from(frame.body)) } : frame,
      ),
  }),

  /** A checkpoint forgets what it was told last. §1 (state). */
  checkpointForgets: (): Plant => ({
    root: (root) =>
      rootWith(root, ({ state }) => ({
        state: stateWith(state, (changes, appliedSeq) =>
          state.checkpoint([...changes].slice(0, -1), appliedSeq),
        ),
      })),
  }),
} as const satisfies Record<string, () => Plant>;

export type PlantName = keyof typeof PLANTED;

const lastSeqAt = (machine: SimMachine, otherwise: Seq): Seq =>
  machine.server?.replication.replica.lastSeq ?? otherwise;
