/** Times of messages: how long they live, and how much of that is left. Source: MQTT 5.0 §3.3.2.3.3. */

/** Null: it lives for ever. `max` 0: as its publisher says. */
export const cappedExpiry = (seconds: number | null, max: number): number | null =>
  max === 0 ? seconds : Math.min(seconds ?? max, max);

/** What a subscriber is told at `now` (pair time); null: it never expires. Source: MQTT5-3.3.2-6. */
export const secondsLeft = (expiresAt: number | null, now: number): number | null =>
  expiresAt === null ? null : Math.max(0, Math.ceil((expiresAt - now) / 1000));
