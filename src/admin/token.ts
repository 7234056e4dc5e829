/**
 * The token that the admin API asks for. It is derived from the pair's secret, so whoever can read the profile can give orders, and
 * the secret itself never travels.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

export const adminToken = (secret: string): string =>
  createHmac('sha256', secret).update('lockstep admin 1').digest('hex');

/** Whether an `authorization` header carries the token. Takes as long for a near miss as for a wild guess. */
export function isAuthorized(header: string | undefined, token: string): boolean {
  const given = Buffer.from(header ?? '');
  const wanted = Buffer.from(`Bearer ${token}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}
