/**
 * Users and rules over the admin API: what may be asked, what comes back, and how it travels. A password never does: what is sent is what
 * the servers keep of it, made where it was typed.
 */
import { z } from 'zod';
import type { Credential, Rule } from '../core/access/index.ts';
import type { Refusal } from './operations.ts';

export type AccessChange = Readonly<
  | { type: 'addUser'; name: string; credential: Credential }
  /** Of a user who is there already. */
  | { type: 'setPassword'; name: string; credential: Credential }
  | { type: 'removeUser'; name: string }
  | { type: 'addRule'; rule: Rule }
  | { type: 'removeRule'; rule: Rule }
>;

export type AccessReport =
  /** Both servers have it, as far as both protect each other. `rules`: how many there are now. */
  Readonly<{ kind: 'done'; rules: number }> | Refusal;

export type AccessListing = Readonly<{
  /** Another server serves, and may know more. */
  isServing: boolean;
  users: readonly Readonly<{ name: string; hasPassword: boolean; hasScram: boolean }>[];
  rules: readonly Rule[];
}>;

const bytes = z.base64().transform((text) => Buffer.from(text, 'base64'));
const credential = z.strictObject({
  password: z.nullable(
    z.strictObject({
      cost: z.strictObject({ logN: z.int(), r: z.int(), p: z.int() }),
      salt: bytes,
      hash: bytes,
    }),
  ),
  scram: z.nullable(z.strictObject({ iterations: z.int(), salt: bytes, storedKey: bytes, serverKey: bytes })),
});
const rule = z.strictObject({
  effect: z.enum(['allow', 'deny']),
  who: z.string(),
  action: z.enum(['publish', 'subscribe', 'both']),
  filter: z.string(),
  clientId: z.nullable(z.string()),
});
const change = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('addUser'), name: z.string(), credential }),
  z.strictObject({ type: z.literal('setPassword'), name: z.string(), credential }),
  z.strictObject({ type: z.literal('removeUser'), name: z.string() }),
  z.strictObject({ type: z.literal('addRule'), rule }),
  z.strictObject({ type: z.literal('removeRule'), rule }),
]);

/** Null: the body is none. Whether names, filters and records are good ones is judged by the server that obeys. */
export const changeFrom = (body: unknown): AccessChange | null => change.safeParse(body).data ?? null;

/** What goes into the body: bytes in base64. */
export function changeBody(it: AccessChange): unknown {
  if (!('credential' in it)) return it;
  const { password, scram } = it.credential;
  return {
    ...it,
    credential: {
      password: password && { ...password, salt: base64(password.salt), hash: base64(password.hash) },
      scram: scram && {
        ...scram,
        salt: base64(scram.salt),
        storedKey: base64(scram.storedKey),
        serverKey: base64(scram.serverKey),
      },
    },
  };
}

const base64 = (some: Uint8Array): string => Buffer.from(some).toString('base64');
