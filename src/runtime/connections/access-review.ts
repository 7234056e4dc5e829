/**
 * What users and rules that have changed mean for those who are here: clients whose user is no more are disconnected at once, and sessions,
 * their clients connected or not, lose the subscriptions that they must not have any more. Sessions are looked through some at a time:
 * a million of them must not stop the messages.
 */
import type { Cancel, Clock } from '../../base/index.ts';
import type { Broker, Op, Session } from '../../core/broker/index.ts';
import { REASON } from '../../core/mqtt/index.ts';
import { accessFaults, whoText, type Access } from '../access/index.ts';
import type { Connection } from './connection.ts';
import type { Entrance } from './entrance.ts';

const SESSIONS_AT_A_TIME = 500;

export type AccessReviewParts = Readonly<{
  access: Access;
  entrance: Entrance;
  broker: Broker;
  clock: Clock;
  /** All that there are now. */
  connections: () => readonly Connection[];
  /** Those that deliver from a session, by it. */
  bySession: ReadonlyMap<Session, Connection>;
  /** Nothing may be proposed. */
  isDraining: () => boolean;
  propose: (op: Op) => void;
}>;

export class AccessReview {
  readonly #parts: AccessReviewParts;
  #seen: object | null = null;
  #cancel: Cancel | null = null;

  constructor(parts: AccessReviewParts) {
    this.#parts = parts;
  }

  /** After every entry: does something only where users or rules are others than when it was last called. */
  look(): void {
    const { access } = this.#parts;
    if (access.edition === this.#seen) return;
    this.#seen = access.edition;
    this.#lookAtClients();
    this.#cancel?.();
    this.#cancel = null;
    if (access.hasRules) this.#lookOn(this.#sessions()[Symbol.iterator]());
  }

  /** During a drain nothing is proposed; it is looked at again after an `undrain`, or by who serves next. */
  lookAt(session: Session): void {
    const { entrance, broker, bySession, isDraining, propose } = this.#parts;
    if (isDraining()) return;
    const { user, clientId } = session;
    const owner = { type: 'admitted', user, clientId, proof: { kind: 'none' } } as const;
    const filters = entrance.lostBy(session, bySession.get(session)?.identity ?? owner);
    if (filters.length === 0) return;
    if (session.isDurable) propose({ type: 'unsubscribe', clientId, filters });
    else broker.unsubscribeLocal(session, filters);
  }

  /** What was begun is given up; the next `look` begins anew. */
  clear(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#seen = null;
  }

  #lookOn(sessions: Iterator<Session>): void {
    this.#cancel = null;
    for (let left = SESSIONS_AT_A_TIME; left > 0; left -= 1) {
      const next = sessions.next();
      if (next.done === true) return;
      this.lookAt(next.value);
    }
    this.#cancel = this.#parts.clock.after(1, () => this.#lookOn(sessions));
  }

  *#sessions(): Iterable<Session> {
    const { broker, bySession } = this.#parts;
    yield* broker.sessions();
    for (const session of bySession.keys()) if (!session.isDurable) yield session;
  }

  #lookAtClients(): void {
    const { access, connections } = this.#parts;
    for (const connection of connections()) {
      const { identity } = connection;
      if (identity === null || access.isCurrent(identity)) continue;
      const text = accessFaults.LS_ACCESS_REVOKED(whoText(identity.user, identity.clientId));
      connection.close(REASON.administrativeAction, { code: 'LS_ACCESS_REVOKED', text });
    }
  }
}
