/** Stores, records and hellos for the tests of the rules; each test changes the one thing that it is about. */
import {
  claimId,
  epoch,
  firstStep,
  incarnation,
  lockId,
  noStamp,
  pairId,
  pairOptions,
  seq,
  stepPair,
  storeId,
  version,
  type ArbitrationRecord,
  type Hello,
  type PairFact,
  type PairOptions,
  type PairStep,
  type ServerName,
  type SessionId,
  type ShareReading,
  type StateReport,
  type Stamp,
  type StoreView,
} from '../../../src/core/pair/index.ts';

export const stamp = (e: number, s: number): Stamp => ({ epoch: epoch(e), seq: seq(s) });

export const P = storeId('store-p');
export const S = storeId('store-s');

/** R v8 {4, P, {P,S}}. */
export const record = (change: Partial<ArbitrationRecord> = {}): ArbitrationRecord => ({
  pairId: pairId('pair'),
  lockId: lockId('lock'),
  version: version(8),
  epoch: epoch(4),
  claimId: claimId('claim-4'),
  holder: 'primary',
  inSync: { primary: P, secondary: S },
  floor: {},
  forced: [],
  ...change,
});

export const store = (name: ServerName, change: Partial<StoreView> = {}): StoreView => ({
  storeId: name === 'primary' ? P : S,
  pairId: pairId('pair'),
  isComplete: true,
  recordSeen: record(),
  stamp: stamp(4, 104),
  epochs: [{ epoch: epoch(4), claimId: claimId('claim-4'), firstSeq: seq(90) }],
  ...change,
});

export const virgin = (name: ServerName): StoreView =>
  store(name, { pairId: null, recordSeen: null, stamp: noStamp, epochs: [] });

export const reading = (r: ArbitrationRecord | null, mark: Stamp | null = null): ShareReading => {
  const left = mark === null ? null : ({ holder: 'primary', stamp: mark, at: '' } as const);
  return r === null
    ? { kind: 'none', mark: left }
    : { kind: 'record', record: r, isSettled: true, mark: left };
};

export const hello = (name: ServerName, change: Partial<Hello> = {}): Hello => ({
  protocol: 1,
  server: name,
  incarnation: incarnation(`run-${name}`),
  store: store(name),
  share: { kind: 'record', lockId: lockId('lock'), version: version(8), record: record(), isSettled: true },
  wasPassive: false,
  following: null,
  report: {
    previous: 'STOPPED',
    present: 'WAITING',
    serving: null,
    stamp: stamp(4, 104),
    lockHeld: false,
    why: '',
  },
  ...change,
});

/** The primary serves by this claim, which names both. */
export const serving: SessionId = { epoch: epoch(5), claimId: claimId('claim-5'), number: 1 };
export const claimed = record({ epoch: serving.epoch, claimId: serving.claimId, version: version(9) });
export const active: StateReport = { ...hello('primary').report, present: 'ACTIVE', serving };

/** What makes the secondary PASSIVE by that claim; `report`: what the primary says of itself. */
export const becomesPassive = (report: StateReport): PairFact[] => [
  { type: 'started' },
  { type: 'channelUp', mine: hello('secondary'), theirs: hello('primary', { report }) },
  { type: 'sessionOffered', session: serving, record: claimed },
  { type: 'named', record: claimed },
  { type: 'recordSaved' },
];

const timing = Object.fromEntries(
  Object.entries(pairOptions).map(([name, option]) => [name, option.default]),
) as PairOptions;

/** The machine of one server, told one fact after the other: where it is, and what the last fact makes it do. */
export function machineAfter(me: ServerName, facts: readonly PairFact[]): PairStep {
  let step = firstStep({ me, timing, mayFoundAlone: false });
  for (const fact of facts) step = stepPair(step.snapshot, fact);
  return step;
}
