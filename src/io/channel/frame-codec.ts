/**
 * Frames as bytes: msgpack maps, bodies as bin. Records (`useRecords`) are off: shared ones hang on the order of frames, and a
 * fresh decoder must be able to read any frame. What came from the peer is checked whole before the runtime sees it; it may be
 * of another release. Source: core/pair/frames.ts.
 */
import { Packr } from 'msgpackr';
import type {
  ArbitrationRecord,
  EpochStart,
  Frame,
  Hello,
  ServerName,
  SessionId,
  ShareSight,
  Stamp,
  StateName,
  StateReport,
  StoreId,
  StoreView,
} from '../../core/pair/index.ts';
import {
  is,
  isBytes,
  isFlag,
  isText,
  isWhole,
  listOf,
  mapOf,
  orAbsent,
  orNull,
  shape,
  tagged,
  type Fields,
} from './shape.ts';

const packr = new Packr({ useRecords: false });

/** The frame's bytes. A body is copied once, not encoded. */
export function frameBytes(frame: Frame): Buffer {
  return packr.pack(frame);
}

/** The frame in `bytes`, its body a view of them; null when they hold none. Never throws. */
export function frameFrom(bytes: Buffer): Frame | null {
  try {
    return readFrame(packr.unpack(bytes));
  } catch {
    return null;
  }
}

/** The value as a frame; null when a field is missing or of another kind. Never throws. */
export function readFrame(value: unknown): Frame | null {
  // The table has checked each field of the type.
  return isFrame(value) ? (value as Frame) : null;
}

const SERVERS: readonly ServerName[] = ['primary', 'secondary'];
const STATES: Readonly<Record<StateName, true>> = {
  STOPPED: true,
  WAITING: true,
  ACTIVE_SYNC: true,
  PASSIVE_SYNC: true,
  ACTIVE: true,
  PASSIVE: true,
  STANDALONE: true,
};

const isServer = is(...SERVERS);
const isState = is(...Object.keys(STATES));
const isStamp = shape<Stamp>({ epoch: isWhole, seq: isWhole });
const isEpochStart = shape<EpochStart>({ epoch: isWhole, claimId: isText, firstSeq: isWhole });
const isSession = shape<SessionId>({ epoch: isWhole, claimId: isText, number: isWhole });
const isRecord = shape<ArbitrationRecord>({
  pairId: isText,
  lockId: isText,
  version: isWhole,
  epoch: isWhole,
  claimId: isText,
  holder: isServer,
  inSync: shape<Partial<Record<ServerName, StoreId>>>({
    primary: orAbsent(isText),
    secondary: orAbsent(isText),
  }),
  floor: mapOf(isStamp),
  forced: listOf(
    shape<ArbitrationRecord['forced'][number]>({ by: isText, why: isText, at: isText, epoch: isWhole }),
  ),
});
const isStore = shape<StoreView>({
  storeId: isText,
  pairId: orNull(isText),
  isComplete: isFlag,
  recordSeen: orNull(isRecord),
  stamp: isStamp,
  epochs: listOf(isEpochStart),
});
const SIGHTS: { readonly [K in ShareSight['kind']]: Fields<Omit<Extract<ShareSight, { kind: K }>, 'kind'>> } =
  {
    record: { lockId: isText, version: isWhole, record: isRecord, isSettled: isFlag },
    none: {},
    damaged: {},
    unreachable: {},
  };
const isShare = tagged('kind', SIGHTS);
const isReport = shape<StateReport>({
  previous: isState,
  present: isState,
  serving: orNull(isSession),
  stamp: isStamp,
  lockHeld: isFlag,
  why: isText,
});
const isHello = shape<Hello>({
  protocol: is(1),
  server: isServer,
  incarnation: isText,
  store: isStore,
  share: isShare,
  wasPassive: isFlag,
  following: orNull(shape<NonNullable<Hello['following']>>({ epoch: isWhole, claimId: isText })),
  report: isReport,
});

/** Each frame's fields but `type`. A frame added to the protocol and forgotten here does not compile. */
const FRAMES: { readonly [T in Frame['type']]: Fields<Omit<Extract<Frame, { type: T }>, 'type'>> } = {
  hello: { hello: isHello },
  beat: { number: isWhole, echo: isWhole },
  state: { report: isReport },
  cannotClaim: { why: isText },
  switchoverWanted: { why: isText },
  handover: { report: isReport },
  session: { session: isSession, pairId: isText, record: isRecord },
  join: { session: isSession, store: isStore, firstSeq: isWhole, appliedSeq: isWhole },
  delta: { session: isSession, common: isWhole, chain: isWhole },
  fullWanted: { session: isSession, why: isText },
  full: {
    session: isSession,
    parted: orNull(isText),
    origin: shape<Extract<Frame, { type: 'full' }>['origin']>({
      last: isStamp,
      chain: isWhole,
      epochs: listOf(isEpochStart),
    }),
    bytes: isWhole,
  },
  chunk: { session: isSession, number: isWhole, body: isBytes },
  chunkTaken: { session: isSession, number: isWhole },
  chunksEnd: { session: isSession },
  entries: { session: isSession, committed: isWhole, body: isBytes },
  committed: { session: isSession, committed: isWhole },
  durable: { session: isSession, seq: isWhole },
  proofWanted: { session: isSession },
  proof: { session: isSession, storeId: isText, isComplete: isFlag, durable: isStamp, share: isShare },
  named: { session: isSession, record: isRecord },
};

const isFrame = tagged('type', FRAMES);
