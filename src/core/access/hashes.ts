/** The hash functions that access rests on. Pure: the same bytes give the same hash. Source: FIPS 180-4, RFC 2104. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

export const sha256 = (...parts: readonly Uint8Array[]): Buffer => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

export const hmacSha256 = (key: Uint8Array, ...parts: readonly (Uint8Array | string)[]): Buffer => {
  const hmac = createHmac('sha256', key);
  for (const part of parts) hmac.update(part);
  return hmac.digest();
};

/** Takes as long for a near miss as for a wild guess. */
export const isSame = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && timingSafeEqual(a, b);
