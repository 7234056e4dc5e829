/** One frame of each type, every optional field given. A type added to the protocol and forgotten here does not compile. */
import {
  claimId,
  epoch,
  incarnation,
  lockId,
  pairId,
  seq,
  storeId,
  version,
  type ArbitrationRecord,
  type Frame,
  type SessionId,
  type ShareSight,
  type StateReport,
  type StoreView,
} from '../../src/core/pair/index.ts';

const session: SessionId = { epoch: epoch(7), claimId: claimId('c7'), number: 3 };
const stamp = { epoch: epoch(7), seq: seq(2 ** 40) };
const record: ArbitrationRecord = {
  pairId: pairId('pair'),
  lockId: lockId('lock'),
  version: version(11),
  epoch: epoch(7),
  claimId: claimId('c7'),
  holder: 'primary',
  inSync: { primary: storeId('P'), secondary: storeId('S') },
  floor: { P: stamp, S: stamp },
  forced: [{ by: 'operator', why: 'the other burnt', at: '2030-01-01T00:00:00Z', epoch: epoch(1005) }],
};
const store: StoreView = {
  storeId: storeId('S'),
  pairId: pairId('pair'),
  isComplete: true,
  recordSeen: record,
  stamp,
  epochs: [{ epoch: epoch(7), claimId: claimId('c7'), firstSeq: seq(1) }],
};
const share: ShareSight = {
  kind: 'record',
  lockId: lockId('lock'),
  version: version(11),
  record,
  isSettled: true,
};
const report: StateReport = {
  previous: 'ACTIVE_SYNC',
  present: 'ACTIVE',
  serving: session,
  stamp,
  lockHeld: true,
  why: 'grow written',
};
const body = Buffer.from('whole journal entries');

export const sampleFrames: { readonly [T in Frame['type']]: Extract<Frame, { type: T }> } = {
  hello: {
    type: 'hello',
    hello: {
      protocol: 1,
      server: 'secondary',
      incarnation: incarnation('i1'),
      store,
      share,
      wasPassive: true,
      following: { epoch: epoch(4), claimId: claimId('c4') },
      report,
    },
  },
  beat: { type: 'beat', number: 2, echo: 1 },
  state: { type: 'state', report },
  cannotClaim: { type: 'cannotClaim', why: 'the share is away' },
  switchoverWanted: { type: 'switchoverWanted', why: 'the operator asks' },
  handover: { type: 'handover', report },
  session: { type: 'session', session, pairId: pairId('pair'), record },
  join: { type: 'join', session, store, firstSeq: 1, appliedSeq: 9 },
  delta: { type: 'delta', session, common: 5, chain: 0xffff_ffff },
  fullWanted: { type: 'fullWanted', session, why: 'checksums differ' },
  full: {
    type: 'full',
    session,
    parted: null,
    origin: { last: stamp, chain: 1, epochs: store.epochs },
    bytes: 1000,
  },
  chunk: { type: 'chunk', session, number: 1, body },
  chunkTaken: { type: 'chunkTaken', session, number: 1 },
  chunksEnd: { type: 'chunksEnd', session },
  entries: { type: 'entries', session, committed: 4, body },
  committed: { type: 'committed', session, committed: 4 },
  durable: { type: 'durable', session, seq: 4 },
  proofWanted: { type: 'proofWanted', session },
  proof: { type: 'proof', session, storeId: storeId('S'), isComplete: true, durable: stamp, share },
  named: { type: 'named', session, record },
};

export const entriesFrame = (committed: number, body: Uint8Array): Frame => ({
  type: 'entries',
  session,
  committed,
  body,
});
export const beat = (number: number): Frame => ({ type: 'beat', number, echo: 0 });
