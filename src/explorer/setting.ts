/**
 * What one exploration is about: where the pair stands at first, how much may happen, how the lock behaves, and which clause is left
 * out. A clause is left out in the model around the shipped core, never in the core.
 */

/**
 * How often each thing may happen in one run; an exploration is exhaustive within these. Infinity: without end. Operations, claims and
 * wipes are always bounded: the journals, the epochs and the stores grow with them.
 */
export type Bounds = Readonly<{
  /** Entries that clients cause. */
  operations: number;
  /** Claims that reach the share, written or not; they bound the epochs too. */
  claims: number;
  /** Shrinks and grows that reach the share. */
  rewrites: number;
  /** A process or machine ends, and with it its lock and its end of the connection. */
  crashes: number;
  /** The connection is cut, or given up by an end that thinks the other dead. */
  cuts: number;
  /** A keeper or its share fails at whatever it is at; a copy that was being put may have landed, may land later, or never. */
  keeperFaults: number;
  /** The file server takes a lock away, and its holder learns of it later. */
  revocations: number;
  /** The peer takes longer over an entry than `ackTimeout`. */
  delays: number;
  /** A server that is down gets a new, empty store directory. */
  wipes: number;
  switchovers: number;
  /** Clean stops by the operator. */
  stops: number;
  /**
   * Timers that run out although something else could still happen: a peer that is slow or frozen, from the other's side. When nothing
   * else can happen they run out freely.
   */
  timers: number;
}>;

export const CLAUSES = {
  secondLook: 'rule Write without the second look (step 3)',
  lastLook: 'rule Write without the last look (step 5)',
  union: 'the required set as last confirmed, without what was attempted since (rule Ack)',
  inSyncCheck: 'a claim without the look whether the record names the store (rule Claim)',
  readUnderLock: 'the record read before the lock is taken (rule Claim)',
  sessionCheck: 'frames of an ended session taken (rule Fence)',
  alignment: 'the commit index obeyed before the joiner has cut its tail (rule Tail)',
  lateReport: 'a state that changed between hello and meeting told to nobody (§3)',
  lastAnswer: 'the answer to an older order taken for that to the last one (§2 Claim)',
  untilPeerHolds:
    'the journal committed with the claim, though the peer that it keeps may lack some of it (rule Consent)',
  namedPeer: 'a peer kept though the record does not name it (rule Consent)',
  saysAnew:
    'what the peer holds counted as what was sent to it, without its word in this session (rule Resume)',
  connectionEnds: 'frames that outlive their connection',
} as const;
export type Clause = keyof typeof CLAUSES;

export type Setting = Readonly<{
  /** `new`: two virgin stores. `protected`: ACTIVE and PASSIVE stand, reached without any fault and outside the bounds. */
  start: 'new' | 'protected';
  /** `lying`: everybody gets the lock, whoever holds it. */
  lock: 'exclusive' | 'lying';
  /** `torn`: a copy is put in two halves, and whoever reads between them reads it torn; a crash may leave it so. */
  copies: 'whole' | 'torn';
  bounds: Bounds;
  without: ReadonlySet<Clause>;
}>;

export const noBounds: Bounds = {
  operations: 0,
  claims: 0,
  rewrites: 0,
  crashes: 0,
  cuts: 0,
  keeperFaults: 0,
  revocations: 0,
  delays: 0,
  wipes: 0,
  switchovers: 0,
  stops: 0,
  timers: 0,
};
