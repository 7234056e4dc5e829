/**
 * SCRAM-SHA-256, the server's side: what the client says in, what it is told out. The password is in none of it. Knows no clock, no
 * chance and no connection; the nonce and the users' records are given. Without channel binding. Source: RFC 5802 §3, §5, §7; RFC 7677.
 */
import { hmacSha256, isSame, sha256 } from './hashes.ts';
import { HASH_BYTES, ITERATIONS_MIN, USUAL_ITERATIONS, type ScramRecord } from './user.ts';

/** As the authentication method of MQTT 5 names it. */
export const SCRAM_METHOD = 'SCRAM-SHA-256';

export type ScramStep = Readonly<
  /** To be sent; the client must answer. */
  | { type: 'challenge'; data: Buffer }
  /** The client is this user; `data` proves to it that the server knows its record. */
  | { type: 'accepted'; user: string; data: Buffer }
  /** `why`: for the console. `data`: what may be told to the client; nothing that tells a wrong password from an unknown user. */
  | { type: 'refused'; why: string; data: Buffer }
>;

export type ScramParts = Readonly<{
  /** Printable ASCII without a comma, never given before. */
  nonce: string;
  /** The user's record, or a decoy where there is none; which of the two, only this side ever knows. */
  recordOf: (name: string) => Readonly<{ record: ScramRecord; isDecoy: boolean }>;
}>;

type Begun = Readonly<{
  user: string;
  isDecoy: boolean;
  record: ScramRecord;
  header: string;
  nonce: string;
  /** client-first-message-bare, a comma, server-first-message. */
  transcript: string;
}>;

export class ScramServer {
  readonly #parts: ScramParts;
  #begun: Begun | null = null;
  #isOver = false;

  constructor(parts: ScramParts) {
    this.#parts = parts;
  }

  /** Takes one message of the client. After anything but a challenge nothing more may come. */
  step(message: Uint8Array): ScramStep {
    if (this.#isOver) return refused('other-error', 'a message after the end');
    const text = Buffer.from(message).toString('utf8');
    const step = this.#begun === null ? this.#first(text) : this.#final(text, this.#begun);
    this.#isOver = step.type !== 'challenge';
    return step;
  }

  #first(text: string): ScramStep {
    const match = /^([ny]|p=[^,]*),(a=[^,]*)?,((?:[A-Za-z]=[^,]*)(?:,.*)?)$/s.exec(text);
    if (match === null) return refused('other-error', 'a first message that is none');
    const [, binding = '', asked = '', bare = ''] = match;
    if (binding.startsWith('p'))
      return refused('channel-binding-not-supported', 'channel binding, which is not offered');
    const [name = '', nonce = ''] = bare.split(',');
    if (name.startsWith('m='))
      return refused('extensions-not-supported', 'an extension that must be understood');
    const user = name.startsWith('n=') ? nameFrom(name.slice(2)) : null;
    if (user === null || user === '')
      return refused('invalid-username-encoding', 'a name that is none, or badly written');
    // Nobody acts for somebody else here.
    if (asked !== '' && nameFrom(asked.slice(2)) !== user)
      return refused('other-error', 'the wish to act for another user');
    if (!/^r=[\x21-\x2b\x2d-\x7e]+$/.test(nonce)) return refused('other-error', 'a nonce that is none');
    const { record, isDecoy } = this.#parts.recordOf(user);
    const whole = nonce.slice(2) + this.#parts.nonce;
    const challenge = `r=${whole},s=${base64(record.salt)},i=${record.iterations}`;
    const transcript = `${bare},${challenge}`;
    this.#begun = { user, isDecoy, record, header: `${binding},${asked},`, nonce: whole, transcript };
    return { type: 'challenge', data: Buffer.from(challenge) };
  }

  #final(text: string, { user, isDecoy, record, header, nonce, transcript }: Begun): ScramStep {
    const match = /^c=([^,]*),r=([^,]*)(?:,.*)?,p=([A-Za-z0-9+/]+={0,2})$/s.exec(text);
    if (match === null) return refused('other-error', 'a final message that is none');
    const [, binding, answered, proof = ''] = match;
    if (binding !== base64(Buffer.from(header)))
      return refused('channel-bindings-dont-match', 'another channel binding than it began with');
    if (answered !== nonce) return refused('other-error', 'another nonce than it was given');
    const signed = Buffer.from(`${transcript},${text.slice(0, text.lastIndexOf(',p='))}`);
    const signature = hmacSha256(record.storedKey, signed);
    const given = Buffer.from(proof, 'base64');
    const clientKey = Buffer.alloc(HASH_BYTES);
    for (let at = 0; at < HASH_BYTES; at += 1)
      clientKey.writeUInt8((given[at] ?? 0) ^ signature.readUInt8(at), at);
    const isRight = isSame(sha256(clientKey), record.storedKey) && given.length === HASH_BYTES;
    const data = Buffer.from(`v=${base64(hmacSha256(record.serverKey, signed))}`);
    if (!isRight || isDecoy) return refused('invalid-proof', 'a wrong user name or password');
    return { type: 'accepted', user, data };
  }
}

/** What PBKDF2 made of the password, as it is kept. Source: RFC 5802 §3. */
export const scramRecord = (
  saltedPassword: Uint8Array,
  { iterations, salt }: Pick<ScramRecord, 'iterations' | 'salt'>,
): ScramRecord => ({
  iterations,
  salt,
  storedKey: sha256(hmacSha256(saltedPassword, 'Client Key')),
  serverKey: hmacSha256(saltedPassword, 'Server Key'),
});

/** What a name that nobody has is answered with: always the same, as for a user, so that nobody learns who there is. */
export const decoyRecord = (key: Uint8Array, name: string): ScramRecord => ({
  // Users have the one or the other, by the kind of their password.
  iterations: hmacSha256(key, 'iterations\0', name).readUInt8(0) < 128 ? USUAL_ITERATIONS : ITERATIONS_MIN,
  salt: hmacSha256(key, 'salt\0', name).subarray(0, 16),
  storedKey: hmacSha256(key, 'stored\0', name),
  serverKey: hmacSha256(key, 'server\0', name),
});

const refused = (error: string, why: string): ScramStep => ({
  type: 'refused',
  why,
  data: Buffer.from(`e=${error}`),
});

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

/** Null: a = that stands for neither itself nor a comma. Source: RFC 5802 §5.1, saslname. */
function nameFrom(text: string): string | null {
  if (/=(?!2C|3D)/.test(text)) return null;
  return text.replace(/=2C|=3D/g, (sign) => (sign === '=2C' ? ',' : '='));
}
