/** Sessions that have something new for the connections that deliver from them. */
import type { Session } from './session.ts';

export class Ready {
  #sessions: Session[] = [];

  /** Nothing, where nobody is connected. */
  add(session: Session): void {
    if (!session.isAttached || session.isReady) return;
    session.isReady = true;
    this.#sessions.push(session);
  }

  /** All since it was last asked. */
  take(): readonly Session[] {
    if (this.#sessions.length === 0) return this.#sessions;
    const taken = this.#sessions;
    this.#sessions = [];
    for (const session of taken) session.isReady = false;
    return taken;
  }
}
