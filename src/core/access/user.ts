/**
 * A user and what is kept of its password: two salted records, made once when the password is set, and never the password.
 *
 * Two, because neither can stand in for the other. A password that comes as it is (MQTT 3.1.1, MQTT 5 without enhanced authentication) is
 * checked with scrypt, which costs whoever stole the records memory as well as time. SCRAM-SHA-256 rests on PBKDF2 by definition, so it needs
 * a record of its own; its iterations are so many that it is not the weaker of the two. A user without records is known by its certificate.
 * Source: RFC 7914 (scrypt), RFC 5802 §3, RFC 7677 §4.
 */
import type { ByteReader, ByteWriter } from '../../base/index.ts';

/** scrypt's parameters: N is 2 to the `logN`. It takes 128 × N × r bytes of memory, and p times the time. */
export type ScryptCost = Readonly<{ logN: number; r: number; p: number }>;

/** What a password's hash is made with; `hash` has 32 bytes. */
export type ScryptRecord = Readonly<{ cost: ScryptCost; salt: Uint8Array; hash: Uint8Array }>;

/** `storedKey` and `serverKey` have 32 bytes each. Source: RFC 5802 §3. */
export type ScramRecord = Readonly<{
  iterations: number;
  salt: Uint8Array;
  storedKey: Uint8Array;
  serverKey: Uint8Array;
}>;

export type Credential = Readonly<{
  /** Null: no password of this user is taken. */
  password: ScryptRecord | null;
  /** Null: this user can't use SCRAM. */
  scram: ScramRecord | null;
}>;

/** One user. A password that is set anew makes a new value: whoever holds this one can tell. */
export type User = Readonly<{ name: string; credential: Credential }>;

export const HASH_BYTES = 32;
const SALT_BYTES = { min: 8, max: 64 };

/** 32 MiB and tens of milliseconds for each guess: what a server with a core or two can bear beside the messages. */
export const USUAL_COST: ScryptCost = { logN: 15, r: 8, p: 1 };
/** For passwords of 128 random bits or more, which nobody guesses: a fleet that comes back after a failover is let in without delay. */
export const GENERATED_COST: ScryptCost = { logN: 1, r: 1, p: 1 };
/** About as long as `USUAL_COST` takes. The client has to do it too. */
export const USUAL_ITERATIONS = 600_000;
/** Source: RFC 7677 §4. */
export const ITERATIONS_MIN = 4096;
const ITERATIONS_MAX = 10_000_000;
/** Of memory for one check: what a record asks for must not stop a server. */
const COST_BYTES_MAX = 64 * 1024 * 1024;
const NAME_BYTES_MAX = 256;

export const scryptBytes = ({ logN, r }: ScryptCost): number => 128 * 2 ** logN * r;

/** Those that would make a mess of a console's lines. */
export const hasControls = (text: string): boolean => /[\u0000-\u001f\u007f-\u009f]/.test(text);

/** What is wrong with a user's name, in words that follow "the name"; null: nothing. `*` stands for everybody in rules. */
export function faultInName(name: string): string | null {
  if (name === '') return 'is empty';
  if (name === '*') return 'is *, which stands for everybody';
  if (hasControls(name)) return 'has control characters';
  if (Buffer.byteLength(name) > NAME_BYTES_MAX) return `has more than ${NAME_BYTES_MAX} bytes`;
  return null;
}

/** What is wrong with a credential that came from outside; null: nothing. */
export function faultInCredential({ password, scram }: Credential): string | null {
  if (password !== null) {
    const { cost, salt, hash } = password;
    const { logN, r, p } = cost;
    if (![logN, r, p].every((value) => Number.isInteger(value) && value >= 1 && value <= 20))
      return 'scrypt parameters out of range';
    if (scryptBytes(cost) > COST_BYTES_MAX)
      return `scrypt parameters that take more than ${COST_BYTES_MAX} bytes`;
    if (!isSalt(salt) || hash.length !== HASH_BYTES) return 'a salt or hash of the wrong length';
  }
  if (scram !== null) {
    const { iterations, salt, storedKey, serverKey } = scram;
    if (!Number.isInteger(iterations) || iterations < ITERATIONS_MIN || iterations > ITERATIONS_MAX)
      return `iterations that are not from ${ITERATIONS_MIN} to ${ITERATIONS_MAX}`;
    if (!isSalt(salt) || storedKey.length !== HASH_BYTES || serverKey.length !== HASH_BYTES)
      return 'a salt or key of the wrong length';
  }
  return null;
}

const isSalt = ({ length }: Uint8Array): boolean => length >= SALT_BYTES.min && length <= SALT_BYTES.max;

/** u8 flags (1: password, 2: SCRAM); u8 logN, u8 r, u8 p, salt, hash; u32 iterations, salt, storedKey, serverKey. */
export function encodeCredential(writer: ByteWriter, { password, scram }: Credential): void {
  writer.u8((password === null ? 0 : 1) + (scram === null ? 0 : 2));
  if (password !== null) {
    const { cost, salt, hash } = password;
    writer.u8(cost.logN).u8(cost.r).u8(cost.p).bytes(salt).bytes(hash);
  }
  if (scram !== null)
    writer.u32(scram.iterations).bytes(scram.salt).bytes(scram.storedKey).bytes(scram.serverKey);
}

/** Copies: a user outlives the entry or the page that it was read from. */
export function decodeCredential(reader: ByteReader): Credential {
  const copy = (): Buffer => Buffer.from(reader.bytes());
  const flags = reader.u8();
  const password =
    (flags & 1) === 0
      ? null
      : { cost: { logN: reader.u8(), r: reader.u8(), p: reader.u8() }, salt: copy(), hash: copy() };
  const scram =
    (flags & 2) === 0
      ? null
      : { iterations: reader.u32(), salt: copy(), storedKey: copy(), serverKey: copy() };
  return { password, scram };
}
