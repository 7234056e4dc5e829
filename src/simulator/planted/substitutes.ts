/** Parts with some of their acts replaced: what the plants are made of. What is not replaced is the simulator's own. */
import { present } from '../../base/index.ts';
import type { Frame, PairFact, PairOrder, PairStep, ShareReading, TimerFact } from '../../core/pair/index.ts';
import type { Arbiter, Channel, Identity, Journal, StateStore, Store, StoreRoot } from '../../ports/index.ts';
import type { Step } from './plant.ts';

export const journalWith = (inner: Journal, acts: Partial<Journal>): Journal => ({
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
  append: acts.append ?? ((entries, mayBlock) => inner.append(entries, mayBlock)),
  read: (from, bytesMax) => inner.read(from, bytesMax),
  chainAt: (at) => inner.chainAt(at),
  rest: acts.rest ?? (() => inner.rest()),
  cut: acts.cut ?? ((after) => inner.cut(after)),
  trim: (through) => inner.trim(through),
  close: () => inner.close(),
});

export const stateWith = (inner: StateStore, checkpoint: StateStore['checkpoint']): StateStore => ({
  get appliedSeq() {
    return inner.appliedSeq;
  },
  get readBytes() {
    return inner.readBytes;
  },
  get: (key) => inner.get(key),
  range: (from, to) => inner.range(from, to),
  last: (from, through) => inner.last(from, through),
  checkpoint,
  snapshot: (chunkBytes) => inner.snapshot(chunkBytes),
  install: (chunk) => inner.install(chunk),
  finishInstall: (appliedSeq) => inner.finishInstall(appliedSeq),
  close: () => inner.close(),
});

type StoreParts = Readonly<{ journal?: Journal; state?: StateStore; identity?: () => Identity }>;

/** A root whose stores have some of their parts replaced. A replaced store is known again when it comes back in a swap. */
export function rootWith(
  inner: StoreRoot,
  change: (store: Store) => StoreParts | Promise<StoreParts>,
): StoreRoot {
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
export const channelWith = (inner: Channel, hears: (frame: Frame) => Frame): Channel => ({
  open: (events) => inner.open({ ...events, frame: (frame) => events.frame(hears(frame)) }),
  send: (frame) => inner.send(frame),
  backlog: () => inner.backlog(),
  drop: (why) => inner.drop(why),
  close: () => inner.close(),
});

export const arbiterWith = (inner: Arbiter, acts: Partial<Arbiter>): Arbiter => ({
  read: acts.read ?? (() => inner.read()),
  lock: acts.lock ?? ((patienceMs) => inner.lock(patienceMs)),
  write: acts.write ?? ((request) => inner.write(request)),
  release: () => inner.release(),
  committed: acts.committed ?? ((stamp) => inner.committed(stamp)),
  close: () => inner.close(),
});

/** The arbiter whose every reading of the share is changed on its way to the server. */
export const arbiterSeeing = (inner: Arbiter, sees: (reading: ShareReading) => ShareReading): Arbiter =>
  arbiterWith(inner, {
    read: async () => {
      const outcome = await inner.read();
      return outcome.kind === 'read' ? { kind: 'read', reading: sees(outcome.reading) } : outcome;
    },
    lock: async (patienceMs) => {
      const outcome = await inner.lock(patienceMs);
      return outcome.kind === 'held' ? { ...outcome, reading: sees(outcome.reading) } : outcome;
    },
  });

/** The step with some orders left out, added or changed: each is asked for what stands in its place. */
export const stepOrdering =
  (inner: Step, orders: (order: PairOrder) => readonly PairOrder[]): Step =>
  (snapshot, fact) => {
    const step = inner(snapshot, fact);
    return { ...step, orders: step.orders.flatMap(orders) };
  };

/** The step to which each fact is told as another one. */
export const stepHearing =
  (
    inner: Step,
    hears: (fact: PairFact | TimerFact, state: PairStep['snapshot']) => PairFact | TimerFact,
  ): Step =>
  (snapshot, fact) =>
    inner(snapshot, hears(fact, snapshot));

/** The step that answers some of its own orders itself, at once: `answer` null leaves the order to whoever obeys it. */
export const stepAnswering =
  (inner: Step, answer: (order: PairOrder) => PairFact | null): Step =>
  (snapshot, fact) => {
    const step = inner(snapshot, fact);
    const left: PairOrder[] = [];
    const answers: PairFact[] = [];
    for (const order of step.orders) {
      const told = answer(order);
      if (told === null) left.push(order);
      else answers.push(told);
    }
    return answers.reduce<PairStep>(
      (before, told) => {
        const next = inner(before.snapshot, told);
        return {
          snapshot: next.snapshot,
          orders: [...before.orders, ...next.orders],
          timers: [...before.timers, ...next.timers],
        };
      },
      { ...step, orders: left },
    );
  };
