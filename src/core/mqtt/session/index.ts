/**
 * A client's conversation: `MqttSession` takes its packets and says what follows (`Effect`), `Outgoing` makes packets of messages for it. By
 * subject: connecting, authenticating, incoming (what it publishes), subscribing, outgoing, closing.
 */
export { type Answer, type Ask, type Effect, type Terms } from './effect.ts';
export { type Outgoing } from './outgoing.ts';
export {
  type AuthAnswer,
  type Exchange,
  type Mechanisms,
  type SessionLimits,
  type SessionParts,
} from './parts.ts';
export { MqttSession } from './session.ts';
