/** Records for the tests of the share: plain, valid, told apart by version and claim. */
import {
  claimId,
  epoch,
  lockId,
  pairId,
  seq,
  storeId,
  version,
  type ArbitrationRecord,
  type RecordDraft,
} from '../../../src/core/pair/index.ts';

export const draftNamed = (claim: string): RecordDraft => ({
  pairId: pairId('pair-1'),
  lockId: lockId('lock-1'),
  epoch: epoch(4),
  claimId: claimId(claim),
  holder: 'primary',
  inSync: { primary: storeId('store-p'), secondary: storeId('store-s') },
  floor: { 'store-p': { epoch: epoch(3), seq: seq(17) } },
  forced: [],
});

export const recordOf = (number: number, claim = 'claim-1'): ArbitrationRecord => ({
  ...draftNamed(claim),
  version: version(number),
});
