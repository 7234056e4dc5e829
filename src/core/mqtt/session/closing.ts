/** The client's farewell, and with which reasons a server says its own. Source: MQTT 3.1.1 §3.14; MQTT 5.0 §3.14. */
import { unexpected } from '../faults.ts';
import type { Disconnect } from '../packet.ts';
import { isServerReason, REASON, type Reason } from '../reasons.ts';
import type { Client } from './client.ts';
import type { Effect } from './effect.ts';
import type { SessionLimits } from './parts.ts';

/** Throws `MqttViolation`. */
export function departure(
  { connect }: Client,
  { reason, expirySeconds }: Disconnect,
  { sessionExpirySecondsMax }: SessionLimits,
): Effect {
  // A session that was to end with its connection can't be kept now: other things were left out for it.
  if (connect.expirySeconds === 0 && expirySeconds !== null && expirySeconds > 0)
    throw unexpected(5, '3.14.2.2.2', 'a session expiry in DISCONNECT where CONNECT had none');
  return {
    type: 'depart',
    // MQTT-3.14.4-3 of both: only a plain farewell takes the will back.
    will: reason === REASON.normalDisconnection ? 'forgotten' : 'kept',
    expirySeconds: expirySeconds === null ? null : Math.min(expirySeconds, sessionExpirySecondsMax),
  };
}

/** What a connected client is told of a reason to close its connection: DISCONNECT has no word for a wrong password. Source: MQTT 5.0 §3.14.2.1. */
export const disconnectReason = (reason: Reason): Reason => {
  if (reason === REASON.badUserNameOrPassword) return REASON.notAuthorized;
  return isServerReason('disconnect', reason) ? reason : REASON.unspecifiedError;
};
