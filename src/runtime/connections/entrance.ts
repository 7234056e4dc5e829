/**
 * Who comes in, under which name, and with what rights: what access says of a client, and what the broker knows of the client identifier that
 * it gives. A session is found by its identifier alone, so the identifier of one user's is not another's to give.
 * Source: MQTT 3.1.1 §5.4.2; MQTT 5.0 §5.4.2.
 */
import type { Broker, Session, SharedFilter } from '../../core/broker/index.ts';
import type { Permissions } from '../../core/mqtt/index.ts';
import { accessFaults, whoText, type Access, type Identity, type Refusal } from '../access/index.ts';

export type EntranceParts = Readonly<{
  access: Access;
  broker: Broker;
  /** Who is connected under this identifier; null: nobody. */
  connected: (clientId: string) => Identity | null;
  /** `text` goes on after "A client". */
  warn: (code: string, text: string) => void;
}>;

export type Entry = Readonly<{ type: 'entered'; identity: Identity; permissions: Permissions } | Refusal>;

export class Entrance {
  readonly #parts: EntranceParts;

  constructor(parts: EntranceParts) {
    this.#parts = parts;
  }

  get access(): Access {
    return this.#parts.access;
  }

  /** To be asked when the session is about to be opened: what is true of the identifier now may not be so later. `willTopic`: null without a will. */
  enter(identity: Identity, willTopic: string | null): Entry {
    const { access } = this.#parts;
    const owner = this.#ownerOf(identity.clientId);
    // It may have waited since its password was found right.
    if (!access.isCurrent(identity))
      return notAuthorized('LS_ACCESS_REVOKED', accessFaults.LS_ACCESS_REVOKED(whoIs(identity)));
    const isForeign = owner !== null && owner !== identity.user;
    if (isForeign && access.isKnown(owner))
      return notAuthorized('LS_ACCESS_SESSION', accessFaults.LS_ACCESS_SESSION(whoIs(identity)));
    if (willTopic !== null && !access.mayPublish(identity, willTopic))
      return notAuthorized('LS_ACCESS_WILL', accessFaults.LS_ACCESS_WILL(whoIs(identity), willTopic));
    return { type: 'entered', identity, permissions: this.#permissionsOf(identity, isForeign) };
  }

  /** For a client that is connected and proves itself again: it must be who it was. Source: MQTT 5.0 §4.12.1. */
  enterAgain(identity: Identity, former: Identity | null): Entry {
    if (former === null || identity.user !== former.user)
      return notAuthorized('LS_ACCESS_SESSION', accessFaults.LS_ACCESS_SESSION(whoIs(identity)));
    return { type: 'entered', identity, permissions: this.#permissionsOf(identity, false) };
  }

  /** The subscriptions of a session that its owner must not have any more. */
  lostBy(session: Session, identity: Identity): readonly SharedFilter[] {
    const { access, warn } = this.#parts;
    if (!access.hasRules) return [];
    const lost = [...session.subscriptions.values()].filter(
      ({ filter }) => !access.maySubscribe(identity, filter),
    );
    const [first] = lost;
    if (first !== undefined)
      warn('LS_ACCESS_UNSUBSCRIBED', accessFaults.LS_ACCESS_UNSUBSCRIBED(whoIs(identity), first.filter));
    return lost;
  }

  /** A connected client's user first: its session may not be durable, or not be there yet. */
  #ownerOf(clientId: string): string | null {
    const { broker, connected } = this.#parts;
    return connected(clientId)?.user ?? broker.sessionOf(clientId)?.user ?? null;
  }

  #permissionsOf(identity: Identity, mustBeClean: boolean): Permissions {
    const { access, warn } = this.#parts;
    return {
      user: identity.user,
      mustBeClean,
      mayPublish: (topic) => {
        const may = access.mayPublish(identity, topic);
        if (!may) warn('LS_ACCESS_PUBLISH', accessFaults.LS_ACCESS_PUBLISH(whoIs(identity), topic));
        return may;
      },
      maySubscribe: (filter) => {
        const may = access.maySubscribe(identity, filter);
        if (!may) warn('LS_ACCESS_SUBSCRIBE', accessFaults.LS_ACCESS_SUBSCRIBE(whoIs(identity), filter));
        return may;
      },
    };
  }
}

/** Worked out for those alone who are told: quoting costs more than all the rest of letting a client in. */
const whoIs = ({ user, clientId }: Identity): string => whoText(user, clientId);

const notAuthorized = (code: Refusal['code'], text: string): Refusal => ({
  type: 'refused',
  reason: 'notAuthorized',
  code,
  text,
});
