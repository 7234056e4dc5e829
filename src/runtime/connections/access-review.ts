/**
 * What users and rules that have changed mean for those who are here: clients whose user is no more are disconnected at once, and sessions,
 * their clients connected or not, lose the subscriptions that they must not have any more. Sessions are looked through some at a time:
 * a million of them must not stop the messages.
 */
import type { Cancel, Clock } from '../../base/index.ts';
import type { Session } from '../../core/broker/index.ts';
import type { Access } from '../access/index.ts';

const SESSIONS_AT_A_TIME = 500;

export type AccessReviewParts = Readonly<{
  access: Access;
  clock: Clock;
  sessions: () => Iterable<Session>;
  /** Disconnects those who are not current any more. */
  lookAtClients: () => void;
  /** Takes the subscriptions from it that it must not have. */
  lookAtSession: (session: Session) => void;
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
    const { access, lookAtClients, sessions } = this.#parts;
    if (access.edition === this.#seen) return;
    this.#seen = access.edition;
    lookAtClients();
    this.#cancel?.();
    this.#cancel = null;
    if (access.hasRules) this.#lookOn(sessions()[Symbol.iterator]());
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
      this.#parts.lookAtSession(next.value);
    }
    this.#cancel = this.#parts.clock.after(1, () => this.#lookOn(sessions));
  }
}
