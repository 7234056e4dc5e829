/**
 * From a password to what is kept of it. This is done where the password is typed, so that it goes no further.
 * Source: RFC 5802 §3 (SaltedPassword), RFC 4013 (SASLprep), RFC 7914.
 */
import { pbkdf2, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import saslprep from '@mongodb-js/saslprep';
import {
  GENERATED_COST,
  HASH_BYTES,
  ITERATIONS_MIN,
  scramRecord,
  USUAL_COST,
  USUAL_ITERATIONS,
  type Credential,
} from '../../core/access/index.ts';
import { NodeScrypt } from './scrypt.ts';

const SALT_BYTES = 16;
/** 5 bits each, of characters that nobody takes for one another: 160 bits, and 128 are beyond any guessing. */
const GENERATED_CHARACTERS = 32;
const ALPHABET = 'abcdefghijkmnpqrstuvwxyz23456789';

export type CredentialRequest = Readonly<{
  password: string;
  /** It comes from `generatedPassword`: nobody guesses it, so checking it may be quick. */
  isGenerated: boolean;
  /** Of SCRAM's hash; null: as many as fit the password. */
  scramIterations: number | null;
}>;

/** Salts are fresh: the same password gives another credential each time. */
export async function credentialFrom(request: CredentialRequest): Promise<Credential> {
  const { password, isGenerated, scramIterations } = request;
  const cost = isGenerated ? GENERATED_COST : USUAL_COST;
  const iterations = scramIterations ?? (isGenerated ? ITERATIONS_MIN : USUAL_ITERATIONS);
  const salt = randomBytes(SALT_BYTES);
  const hash = await new NodeScrypt().scrypt(Buffer.from(password), salt, cost);
  const scramSalt = randomBytes(SALT_BYTES);
  const salted = await promisify(pbkdf2)(prepared(password), scramSalt, iterations, HASH_BYTES, 'sha256');
  return { password: { cost, salt, hash }, scram: scramRecord(salted, { iterations, salt: scramSalt }) };
}

export const generatedPassword = (): string =>
  [...randomBytes(GENERATED_CHARACTERS)].map((byte) => ALPHABET.charAt(byte % ALPHABET.length)).join('');

/** As a client's library prepares it. What SASLprep refuses is taken as it is, as PostgreSQL does: its clients do the same. */
function prepared(password: string): string {
  try {
    const text = saslprep(password, { allowUnassigned: true });
    return text === '' ? password : text;
  } catch {
    return password;
  }
}
