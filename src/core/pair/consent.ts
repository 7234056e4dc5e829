/**
 * Rule Consent: a claim that keeps the peer in the in-sync set. Its store is named already, so it holds all that was ever acknowledged; from
 * the attempt on both stores are required again, so it holds all that will be. Source: PROTOCOL.md §2 Consent; REASONS.md C1, F1 to F3.
 */
import { mayClaim } from './claim.ts';
import type { Hello } from './frames.ts';
import {
  otherServer,
  type ArbitrationRecord,
  type Mark,
  type RecordDraft,
  type ServerName,
} from './words.ts';

/**
 * May this claim keep the peer? `record`, `mark`: as read under the lock, never what stands in for R. `peer`: its hello on the present
 * channel with the last report heard; null without a channel. It may if the peer waits and could claim itself, by what it says of its store.
 */
export function mayKeep(
  me: ServerName,
  record: ArbitrationRecord,
  mark: Mark | null,
  peer: Hello | null,
): boolean {
  if (peer?.report.present !== 'WAITING') return false;
  // The report is the newer of the two: of a server that has handed over, the hello is as old as the channel.
  const store = { ...peer.store, stamp: peer.report.stamp };
  return mayClaim(otherServer(me), store, record, mark) === null;
}

/** `draft` names this server alone; the peer's place and its floor stay as they are in `record`. */
export function withPeer(draft: RecordDraft, me: ServerName, record: ArbitrationRecord): RecordDraft {
  const peer = otherServer(me);
  const store = record.inSync[peer];
  if (store === undefined) return draft;
  const floor = record.floor[store];
  return {
    ...draft,
    inSync: { ...draft.inSync, [peer]: store },
    floor: floor === undefined ? draft.floor : { ...draft.floor, [store]: floor },
  };
}
