/** How a client that had a name went, and what that means for its will and its session. Source: MQTT 5.0 §3.1.2.5, §3.1.3.2.2, §3.14.4. */
import type { Op } from '../../core/broker/index.ts';

export type Departure = Readonly<{
  /** It has a durable session. */
  isDurable: boolean;
  /** How long that is kept; null: as agreed on with CONNECT. */
  expirySeconds: number | null;
  /** It has a will; with a farewell that is forgotten. `at once`: nothing keeps it from being published. */
  will: 'none' | 'forgotten' | 'at once' | 'in its time';
}>;

export type Farewell = Readonly<{
  will: 'forgotten' | 'kept';
  /** What the client has said of its session at last; null: nothing. */
  expirySeconds: number | null;
}>;

/** Of a client that said nothing. */
export const WITHOUT_FAREWELL: Farewell = { will: 'kept', expirySeconds: null };

/** `isDurable`: its session is; null: its CONNECT is not committed yet. */
export function departureOf(
  op: Extract<Op, { type: 'openSession' }>,
  isDurable: boolean | null,
  { will, expirySeconds }: Farewell,
): Departure {
  const mayBeDurable = isDurable ?? (op.expirySeconds > 0 || !op.isClean);
  const expiry = mayBeDurable ? (expirySeconds ?? op.expirySeconds) : 0;
  return { isDurable: mayBeDurable, expirySeconds, will: fateOf(op.will, will, expiry) };
}

/** A will waits no longer than its session. */
function fateOf(
  held: Extract<Op, { type: 'openSession' }>['will'],
  said: Farewell['will'],
  expirySeconds: number,
): Departure['will'] {
  if (held === null) return 'none';
  if (said === 'forgotten') return said;
  return held.delaySeconds === 0 || expirySeconds === 0 ? 'at once' : 'in its time';
}
