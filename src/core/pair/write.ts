/**
 * Rule Write: how a record gets onto the share so that two writers can never both be told *written* for the same version, even
 * where the share's locks lie. A step machine whose state is plain JSON: the keeper, the simulator and an explorer do what it asks,
 * one order at a time, and tell it what came of that. Knows no file and no time.
 * Source: PROTOCOL.md §2 Write; REASONS.md A4, A5, W1, W3.
 */
import { assert, unreachable } from '../../base/index.ts';
import { damagedBlocks, isNumberOf, readShare, type BlockContent, type BlockReading } from './record.ts';
import {
  version,
  type ArbitrationRecord,
  type Hold,
  type Mark,
  type RecordDraft,
  type ServerName,
  type ShareReading,
  type Version,
} from './words.ts';

export type WriteStart = Readonly<{
  server: ServerName;
  hold: Hold;
  /** The version that this write replaces; 0 where there is no record. */
  replaces: Version;
  draft: RecordDraft;
  /** The new version is above this too. */
  above: Version;
  /** Force only: damaged blocks are moved aside first, and whatever is left is replaced. */
  repairs: boolean;
}>;

export type WriteOrder = Readonly<
  /** Both blocks, afresh. Answered by `both`. */
  | { type: 'readBoth' }
  /** Rename these block files away, so that they read as empty. Answered by `done`. */
  | { type: 'moveAside'; blocks: readonly ServerName[] }
  /** One copy of one's own block, and fsync. Answered by `done`. */
  | { type: 'put'; copy: 1 | 2; content: BlockContent }
  /** The peer's block, afresh: never from a cache. Answered by `peer`. */
  | { type: 'readPeer' }
  | { type: 'end'; outcome: WriteResult }
>;

export type WriteInput = Readonly<
  /** `hold`: the one that is held at this moment, null for none. */
  | { type: 'both'; hold: Hold | null; blocks: Readonly<Record<ServerName, BlockReading>>; mark: Mark | null }
  | { type: 'done' }
  | { type: 'peer'; peer: BlockReading }
  /** An error or silence. The descriptors are closed and never used again. */
  | { type: 'failed'; why: string }
>;

export type WriteResult = Readonly<
  | { kind: 'written'; record: ArbitrationRecord }
  /** Nothing of the draft was or will be written. */
  | { kind: 'movedOn'; reading: ShareReading }
  /** It may have happened, may yet happen, or never. */
  | { kind: 'unresolved'; why: string }
>;

type Place =
  | 'look'
  | 'moveAside'
  | 'announceFirst'
  | 'announceSecond'
  | 'lookAgain'
  | 'putFirst'
  | 'putSecond'
  | 'lookLast'
  | 'ended';

export type WriteState = Readonly<{
  start: WriteStart;
  place: Place;
  isRepaired: boolean;
  replaces: Version;
  /** The number announced; 0 before that. */
  number: Version;
  /** What one's own block carries beside the announcement. */
  own: ArbitrationRecord | null;
  mark: Mark | null;
}>;

export type WriteStep = Readonly<{ state: WriteState; do: WriteOrder }>;

export function beginWrite(start: WriteStart): WriteStep {
  const none = version(0);
  const state = { start, isRepaired: false, replaces: start.replaces, number: none, own: null, mark: null };
  return { state: { ...state, place: 'look' }, do: { type: 'readBoth' } };
}

/** What came of the last order in; the next order out. Ends with `end`; nothing may be put in after that. */
export function nextWrite(state: WriteState, input: WriteInput): WriteStep {
  if (input.type === 'failed') return end(state, { kind: 'unresolved', why: input.why });
  switch (state.place) {
    case 'look':
      return looked(state, wanted(input, 'both'));
    case 'moveAside':
      wanted(input, 'done');
      return { state: { ...state, place: 'look', isRepaired: true }, do: { type: 'readBoth' } };
    case 'announceFirst':
      wanted(input, 'done');
      return put(state, 'announceSecond', 2, announcement(state));
    case 'announceSecond':
      wanted(input, 'done');
      return { state: { ...state, place: 'lookAgain' }, do: { type: 'readPeer' } };
    case 'lookAgain':
      return lookedAgain(state, wanted(input, 'peer').peer);
    case 'putFirst':
      wanted(input, 'done');
      return put(state, 'putSecond', 2, finished(state));
    case 'putSecond':
      wanted(input, 'done');
      return { state: { ...state, place: 'lookLast' }, do: { type: 'readPeer' } };
    case 'lookLast':
      return lookedLast(state, wanted(input, 'peer').peer);
    case 'ended':
      assert(false, 'a write that has ended goes no further');
      break;
    default:
      return unreachable(state.place);
  }
}

/** Steps 1 and 2: this hold, this version; then the announcement. */
function looked(state: WriteState, input: Extract<WriteInput, { type: 'both' }>): WriteStep {
  const { start } = state;
  const { primary, secondary } = input.blocks;
  const reading = readShare(primary, secondary, input.mark);
  if (input.hold !== start.hold) return end(state, { kind: 'movedOn', reading });
  if (reading.kind === 'damaged') {
    if (!start.repairs || state.isRepaired) return end(state, { kind: 'movedOn', reading });
    return {
      state: { ...state, place: 'moveAside' },
      do: { type: 'moveAside', blocks: damagedBlocks(input.blocks) },
    };
  }
  const present = reading.kind === 'record' ? reading.record.version : version(0);
  // Who repairs could not read the version that it replaces: it replaces what the damage has left.
  const replaces = state.isRepaired ? present : start.replaces;
  if (present !== replaces) return end(state, { kind: 'movedOn', reading });
  const own = input.blocks[start.server];
  const number = numberAbove(start.server, [
    announcedIn(primary),
    announcedIn(secondary),
    start.above,
    replaces,
  ]);
  const next: WriteState = { ...state, replaces, number, own: recordIn(own), mark: input.mark };
  return put(next, 'announceFirst', 1, announcement(next));
}

/** Step 3: has the peer begun after me, or finished before me? R counts over both blocks, or nobody could replace its own record. */
function lookedAgain(state: WriteState, peer: BlockReading): WriteStep {
  const reading = readingWith(state, announcement(state), peer);
  const present = reading.kind === 'record' ? reading.record.version : version(0);
  if (reading.kind === 'damaged' || announcedIn(peer) > state.number || present !== state.replaces)
    return end(state, { kind: 'movedOn', reading });
  return put(state, 'putFirst', 1, finished(state));
}

/** Step 5: whoever announced higher meanwhile may not have seen this record. */
function lookedLast(state: WriteState, peer: BlockReading): WriteStep {
  const reading = readingWith(state, finished(state), peer);
  if (reading.kind === 'damaged')
    return end(state, { kind: 'unresolved', why: "the peer's block is damaged" });
  if (announcedIn(peer) > state.number)
    return end(state, {
      kind: 'unresolved',
      why: `the peer has announced ${announcedIn(peer)}, above ${state.number}`,
    });
  return end(state, { kind: 'written', record: recordOf(state) });
}

const recordOf = (state: WriteState): ArbitrationRecord => ({ ...state.start.draft, version: state.number });
const announcement = (state: WriteState): BlockContent => ({ announced: state.number, record: state.own });
const finished = (state: WriteState): BlockContent => ({ announced: state.number, record: recordOf(state) });

const end = (state: WriteState, outcome: WriteResult): WriteStep => ({
  state: { ...state, place: 'ended' },
  do: { type: 'end', outcome },
});
const put = (state: WriteState, place: Place, copy: 1 | 2, content: BlockContent): WriteStep => ({
  state: { ...state, place },
  do: { type: 'put', copy, content },
});

const announcedIn = (block: BlockReading): Version => (block.kind === 'good' ? block.announced : version(0));
const recordIn = (block: BlockReading): ArbitrationRecord | null =>
  block.kind === 'good' ? block.record : null;

function readingWith(state: WriteState, content: BlockContent, peer: BlockReading): ShareReading {
  const own: BlockReading = { kind: 'good', ...content, isSettled: true };
  const isPrimary = state.start.server === 'primary';
  return readShare(isPrimary ? own : peer, isPrimary ? peer : own, state.mark);
}

/** The lowest number above all of these that is this server's to give. */
export function numberAbove(server: ServerName, numbers: readonly Version[]): Version {
  const next = version(Math.max(...numbers) + 1);
  return isNumberOf(server, next) ? next : version(next + 1);
}

function wanted<T extends WriteInput['type']>(input: WriteInput, type: T): Extract<WriteInput, { type: T }> {
  assert(isOfType(input, type), `rule Write awaits ${type}, not ${input.type}`);
  return input;
}
const isOfType = <T extends WriteInput['type']>(
  input: WriteInput,
  type: T,
): input is Extract<WriteInput, { type: T }> => input.type === type;
