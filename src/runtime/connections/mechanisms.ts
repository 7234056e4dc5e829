/** Enhanced authentication as access has it: SCRAM-SHA-256, for one connection. Source: MQTT 5.0 §4.12; RFC 7677. */
import { SCRAM_METHOD } from '../../core/access/index.ts';
import {
  REASON,
  type AuthAnswer,
  type Exchange,
  type Mechanisms,
  type Reason,
} from '../../core/mqtt/index.ts';
import type { Identity, Refusal, ScramConversation } from '../access/index.ts';
import type { Entrance, Entry } from './entrance.ts';

export type MechanismsParts = Readonly<{
  entrance: Entrance;
  /** Who the connection's client is since it was let in; null: it was not yet. */
  identity: () => Identity | null;
  /** Who it is from now on. */
  entered: (identity: Identity) => void;
}>;

/** Source: MQTT 5.0 §3.2.2.2. */
export const REFUSAL_REASONS: Readonly<Record<Refusal['reason'], Reason>> = {
  badCredentials: REASON.badUserNameOrPassword,
  notAuthorized: REASON.notAuthorized,
  busy: REASON.serverBusy,
};

export function mechanismsFor({ entrance, identity, entered }: MechanismsParts): Mechanisms {
  return {
    begin: (method, { clientId, isAgain, willTopic }) => {
      if (method !== SCRAM_METHOD) return null;
      const enter = (found: Identity): Entry =>
        isAgain ? entrance.enterAgain(found, identity()) : entrance.enter(found, willTopic);
      return exchangeOf(entrance.access.beginScram(clientId), (found) => {
        const entry = enter(found);
        if (entry.type === 'entered') entered(entry.identity);
        return entry;
      });
    },
  };
}

const exchangeOf = (scram: ScramConversation, enter: (identity: Identity) => Entry): Exchange => ({
  // The client speaks first: without data it has said nothing that could be answered.
  step: (said): AuthAnswer => {
    const answer = scram.step(said ?? Buffer.alloc(0));
    switch (answer.type) {
      case 'challenge':
        return { type: 'continue', data: answer.data };
      case 'refused':
        return refused(answer.refusal);
      case 'admitted': {
        const entry = enter(answer.identity);
        if (entry.type === 'refused') return refused(entry);
        return { type: 'accepted', data: answer.data, permissions: entry.permissions };
      }
    }
  },
});

const refused = ({ reason, code, text }: Refusal): AuthAnswer => ({
  type: 'refused',
  reason: REFUSAL_REASONS[reason],
  code,
  text,
});
