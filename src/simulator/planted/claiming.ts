/** Planted in the rules Claim, Write and Fence: what is read of the record, what becomes of a write, and who stops for whom. */
import {
  COPY_BYTES,
  decodeBlock,
  encodeCopy,
  memoryOf,
  serves,
  stateOf,
  type BlockContent,
  type BlockReading,
  type PairFact,
  type PairSnapshot,
  type ServerName,
  type ShareReading,
  type TimerFact,
} from '../../core/pair/index.ts';
import type { Identity, WriteRequest } from '../../ports/index.ts';
import type { SimMachine } from '../pair/sim-machine.ts';
import type { SimShare } from '../share/sim-share.ts';
import type { Plant } from './plant.ts';
import { arbiterSeeing, arbiterWith, rootWith, stepHearing } from './substitutes.ts';

// What is read ----------------------------------------------------------------------------------------------------------------------

/** Every record names this server's store. */
export const inSyncNotLookedAt = (): Plant => ({
  arbiter: (arbiter, machine) => arbiterSeeing(arbiter, (reading) => namedIn(reading, machine)),
});

function namedIn(reading: ShareReading, { name, disk }: SimMachine): ShareReading {
  if (reading.kind !== 'record' || disk.current === null) return reading;
  const inSync = { ...reading.record.inSync, [name]: disk.current };
  return { ...reading, record: { ...reading.record, inSync } };
}

/** What was read last before the lock was taken counts as read under it, and the write looks at no version. */
export const recordReadBeforeLock = (): Plant => ({
  arbiter: (arbiter, _machine, share) =>
    arbiterWith(arbiter, {
      lock: async (patienceMs) => {
        const before = await arbiter.read();
        const outcome = await arbiter.lock(patienceMs);
        return outcome.kind === 'held' && before.kind === 'read'
          ? { ...outcome, reading: before.reading }
          : outcome;
      },
      write: (request) => arbiter.write(overAll(request, share)),
    }),
});

/** No checksum is looked at: a copy is good that can be read at all. */
export const tornCopyReadAsGood = (): Plant => ({ share: { readBlock: readUnchecked } });

function readUnchecked(bytes: Uint8Array | null): BlockReading {
  if (bytes === null) return decodeBlock(null);
  const copies = [bytes.subarray(0, COPY_BYTES), bytes.subarray(COPY_BYTES)];
  return decodeBlock(Buffer.concat(copies.map(sealedAnew)));
}

/** The copy under the checksum that its text should have; one that can't be read at all as it is. */
function sealedAnew(copy: Uint8Array): Uint8Array {
  const text = Buffer.from(copy).toString('utf8');
  try {
    // What is no content for a block is refused where it is encoded.
    return encodeCopy(JSON.parse(text.slice(text.indexOf('\n'))) as BlockContent);
  } catch {
    return copy;
  }
}

// What is written -------------------------------------------------------------------------------------------------------------------

export const unresolvedTakenForWritten = (): Plant => ({
  arbiter: (arbiter, _machine, share) =>
    arbiterWith(arbiter, {
      write: async (request) => {
        const outcome = await arbiter.write(request);
        const reading = share.reading();
        if (outcome.kind !== 'unresolved' || reading.kind !== 'record') return outcome;
        return { kind: 'written', record: { ...request.draft, version: reading.record.version } };
      },
    }),
});

export const noSecondLook = (): Plant => ({ share: { leavesOut: 'secondLook' } });

// Who stops for whom ----------------------------------------------------------------------------------------------------------------

/** Who serves takes the record for its own whatever stands there, writes over it, and does not hear that its peer serves. */
export const noFence = (): Plant => ({
  step: (step) =>
    stepHearing(step, (fact, snapshot) => (serves(stateOf(snapshot)) ? unfenced(fact, snapshot) : fact)),
  arbiter: (arbiter, machine, share) =>
    arbiterWith(arbiter, {
      write: (request) =>
        arbiter.write(serves(machine.server?.pair.state ?? 'WAITING') ? overAll(request, share) : request),
    }),
});

function unfenced(fact: PairFact | TimerFact, snapshot: PairSnapshot): PairFact | TimerFact {
  const own = memoryOf(snapshot).confirmed;
  switch (fact.type) {
    case 'lockTaken':
      return own === null
        ? fact
        : { ...fact, reading: { kind: 'record', record: own, isSettled: true, mark: null } };
    case 'channelUp':
    case 'hellosRenewed':
      return { ...fact, theirs: { ...fact.theirs, report: { ...fact.theirs.report, serving: null } } };
    case 'peerReported':
      return { ...fact, report: { ...fact.report, serving: null } };
    default:
      return fact;
  }
}

/** The write that replaces whatever version stands there. */
function overAll(request: WriteRequest, share: SimShare): WriteRequest {
  const reading = share.reading();
  return reading.kind === 'record' ? { ...request, replaces: reading.record.version } : request;
}

// Whose store it is -----------------------------------------------------------------------------------------------------------------

/** A store that was lost comes back under its former name, and nothing says how far it had come. */
export const wipedStoreMayClaim = (): Plant => {
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
    arbiter: (arbiter) => arbiterSeeing(arbiter, withoutFloors),
  };
};

/** Nothing on the share says how far a store had come. */
const withoutFloors = (reading: ShareReading): ShareReading =>
  reading.kind === 'record'
    ? { ...reading, mark: null, record: { ...reading.record, floor: {} } }
    : { ...reading, mark: null };
