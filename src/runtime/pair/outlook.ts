/**
 * What this server sees of the gateway and the share, and does on the share: questions to two ports, their answers told as facts, and the last
 * ones kept for people. Decides nothing. Source: PROTOCOL.md §1 (recordSeen), §2 Write, §4.1.
 */
import { unreachable, type Log } from '../../base/index.ts';
import type { PairFact, PairOrder, ShareReading, ShareSight } from '../../core/pair/index.ts';
import type { Arbiter, Gateway, LockOutcome } from '../../ports/index.ts';
import type { Replica } from '../replication/index.ts';

export type OutlookParts = Readonly<{
  arbiter: Arbiter;
  gateway: Gateway;
  replica: Pick<Replica, 'sawRecord' | 'view'>;
  log: Log;
  tell: (fact: PairFact) => void;
}>;

/**
 * The keeper does one thing at a time: a patient try for the lock is made in pieces, so that the look at the share that a hello needs comes in
 * between, and a passive that can resume says so while the active still waits for it (rule Resume).
 */
const LOCK_SLICE_MS = 50;

export class Outlook {
  readonly #parts: OutlookParts;
  /** The number of the last question of each kind; an answer to an older one is not told. */
  readonly #asked = { gateway: 0, share: 0, lock: 0, write: 0 };
  #gateway: 'neverAsked' | 'answered' | 'silent' = 'neverAsked';
  #hasGatewayAnswered = false;
  #share: ShareSight = { kind: 'unreachable' };

  constructor(parts: OutlookParts) {
    this.#parts = parts;
  }

  get gatewayView(): Readonly<{ hasAnswered: boolean; last: 'neverAsked' | 'answered' | 'silent' }> {
    return { hasAnswered: this.#hasGatewayAnswered, last: this.#gateway };
  }

  get shareView(): ShareSight {
    return this.#share;
  }

  async askGateway(): Promise<void> {
    const question = ++this.#asked.gateway;
    const answers = await this.#parts.gateway.answers();
    this.#noteGateway(answers);
    if (question === this.#asked.gateway)
      this.#parts.tell({ type: answers ? 'gatewayAnswered' : 'gatewaySilent' });
  }

  #noteGateway(answers: boolean): void {
    this.#gateway = answers ? 'answered' : 'silent';
    this.#hasGatewayAnswered ||= answers;
  }

  /** A gateway that never answers while the share does is a mistake in the profile, found on day one (§4.1; REASONS.md B10). */
  async checkGateway(): Promise<void> {
    const { gateway, log } = this.#parts;
    const [answers, share] = await Promise.all([gateway.answers(), this.see()]);
    this.#noteGateway(answers);
    if (!answers && share.kind !== 'unreachable')
      log.say({
        level: 'warn',
        code: 'LS_GATEWAY_SILENT',
        text: 'the share answers but the gateway does not; without it this server would not take over when the peer is lost. Check gateway.host and gateway.port',
      });
  }

  async readShare(): Promise<void> {
    const question = ++this.#asked.share;
    const outcome = await this.#parts.arbiter.read();
    if (outcome.kind === 'read') await this.#noteReading(outcome.reading);
    else this.#share = { kind: 'unreachable' };
    if (question !== this.#asked.share) return;
    if (outcome.kind === 'unreachable')
      return this.#parts.tell({ type: 'shareUnreachable', why: outcome.why });
    this.#parts.tell({ type: 'shareRead', reading: outcome.reading, store: this.#parts.replica.view() });
  }

  /** A settled record that is newer than any seen is kept before anything is done about it (§1 recordSeen; REASONS.md A8, W4). */
  async #noteReading(reading: ShareReading): Promise<void> {
    this.#share = sightOf(reading);
    if (reading.kind === 'record' && reading.isSettled) await this.#parts.replica.sawRecord(reading.record);
  }

  /** A fresh look at the share. Never rejects. */
  async see(): Promise<ShareSight> {
    const outcome = await this.#parts.arbiter.read();
    if (outcome.kind === 'read') await this.#noteReading(outcome.reading);
    else this.#share = { kind: 'unreachable' };
    return this.#share;
  }

  async takeLock(patienceMs: number): Promise<void> {
    const question = ++this.#asked.lock;
    let outcome: LockOutcome;
    let leftMs = patienceMs;
    do {
      outcome = await this.#parts.arbiter.lock(Math.min(leftMs, LOCK_SLICE_MS));
      leftMs -= LOCK_SLICE_MS;
    } while (outcome.kind === 'refused' && leftMs > 0 && question === this.#asked.lock);
    if (outcome.kind === 'held') await this.#noteReading(outcome.reading);
    if (question !== this.#asked.lock) return;
    switch (outcome.kind) {
      case 'held': {
        const { hold, reading } = outcome;
        return this.#parts.tell({ type: 'lockTaken', hold, reading, store: this.#parts.replica.view() });
      }
      case 'refused':
        return this.#parts.tell({ type: 'lockRefused', holder: outcome.holder });
      case 'unreachable':
        this.#share = { kind: 'unreachable' };
        return this.#parts.tell({ type: 'shareUnreachable', why: outcome.why });
      default:
        return unreachable(outcome);
    }
  }

  async writeRecord(order: Extract<PairOrder, { type: 'writeRecord' }>): Promise<void> {
    const { hold, replaces, draft, above, repairs } = order;
    const question = ++this.#asked.write;
    const outcome = await this.#parts.arbiter.write({ hold, replaces, draft, above, repairs });
    if (question !== this.#asked.write) return;
    switch (outcome.kind) {
      case 'written':
        this.#share = sightOf({ kind: 'record', record: outcome.record, isSettled: true, mark: null });
        return this.#parts.tell({ type: 'recordWritten', record: outcome.record });
      case 'movedOn':
        return this.#parts.tell({ type: 'recordMovedOn', reading: outcome.reading });
      case 'unresolved':
        return this.#parts.tell({ type: 'recordUnresolved', why: outcome.why });
      default:
        return unreachable(outcome);
    }
  }
}

const sightOf = (reading: ShareReading): ShareSight => {
  switch (reading.kind) {
    case 'record': {
      const { record, isSettled } = reading;
      return { kind: 'record', lockId: record.lockId, version: record.version, record, isSettled };
    }
    case 'none':
    case 'damaged':
      return { kind: reading.kind };
  }
};
