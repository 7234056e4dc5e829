/**
 * How the two servers prove to each other that they know the pair's secret, without saying it. Pure but for HMAC; no sockets.
 *
 *     listener → dialer   { lockstep, nonce }
 *     dialer → listener   { lockstep, pair, server, incarnation, nonce, proof }     proof = HMAC(secret, 'dialer', all of it)
 *     listener → dialer   { proof }                                                proof = HMAC(secret, 'listener', all of it)
 *
 * The dialer proves first, so that a stranger who dials gets nothing on which to try out secrets. Both nonces are in both
 * proofs, so none can be replayed; the roles differ and each server's name is in them, so none can be sent back.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { otherServer, type Incarnation, type ServerName } from '../../core/pair/index.ts';
import { is, isObject, isText, isWhole, shape } from './shape.ts';

/** The version of these messages and of what follows them. Both servers must have the same. */
const VERSION = 1;

/** Why a connection is not entered into, as the code with which the WebSocket is closed. */
export const REFUSALS = {
  /** Not a fault: both dialled at once, and the other connection is the one that stays. */
  crossed: 4000,
  nonsense: 4001,
  version: 4002,
  pairName: 4003,
  self: 4004,
  sameServer: 4005,
  secret: 4006,
} as const;
export type Refusal = keyof typeof REFUSALS;

/** The refusal that a close code means; null for every other code. */
export function refusalOf(code: number): Refusal | null {
  const found = Object.entries(REFUSALS).find(([, each]) => each === code);
  // The keys of the table are the refusals.
  return found === undefined ? null : (found[0] as Refusal);
}

/** Who this server is, and what it shares with its peer. */
export type Credentials = Readonly<{
  server: ServerName;
  incarnation: Incarnation;
  pairName: string;
  secret: string;
}>;

type Challenge = Readonly<{ lockstep: typeof VERSION; nonce: string }>;
type Answer = Readonly<{
  lockstep: typeof VERSION;
  pair: string;
  server: ServerName;
  incarnation: string;
  nonce: string;
  proof: string;
}>;
type Welcome = Readonly<{ proof: string }>;

const isChallenge = shape<Challenge>({ lockstep: is(VERSION), nonce: isText });
const isAnswer = shape<Answer>({
  lockstep: is(VERSION),
  pair: isText,
  server: is('primary', 'secondary'),
  incarnation: isText,
  nonce: isText,
  proof: isText,
});
const isWelcome = shape<Welcome>({ proof: isText });

/** The listener's first message. `nonce` must be fresh for each connection. */
export const challengeText = (nonce: string): string =>
  JSON.stringify({ lockstep: VERSION, nonce } satisfies Challenge);

export type Answering =
  | { kind: 'answer'; text: string; isWelcomedBy: (text: string) => boolean }
  | { kind: 'refused'; refusal: Refusal };

/** What the dialer says to a challenge, and how it knows the listener's welcome for a true one. */
export function answerTo(challenge: string, self: Credentials, nonce: string): Answering {
  const read = parsed(challenge);
  if (isOtherVersion(read)) return { kind: 'refused', refusal: 'version' };
  if (!isChallenge(read)) return { kind: 'refused', refusal: 'nonsense' };
  const { server, incarnation, pairName: pair } = self;
  const matter = { server, incarnation, pair, listenerNonce: read.nonce, dialerNonce: nonce };
  const proof = proofOf('dialer', matter, self.secret);
  return {
    kind: 'answer',
    text: JSON.stringify({ lockstep: VERSION, pair, server, incarnation, nonce, proof } satisfies Answer),
    isWelcomedBy: (text) => {
      const welcome = parsed(text);
      return isWelcome(welcome) && isSame(welcome.proof, proofOf('listener', matter, self.secret));
    },
  };
}

export type Judgement = { kind: 'proven'; welcome: string } | { kind: 'refused'; refusal: Refusal };

/** The listener's judgement of the dialer's answer to its challenge `nonce`. */
export function judge(answer: string, self: Credentials, nonce: string): Judgement {
  const read = parsed(answer);
  if (isOtherVersion(read)) return { kind: 'refused', refusal: 'version' };
  if (!isAnswer(read)) return { kind: 'refused', refusal: 'nonsense' };
  if (read.pair !== self.pairName) return { kind: 'refused', refusal: 'pairName' };
  if (read.incarnation === self.incarnation) return { kind: 'refused', refusal: 'self' };
  if (read.server === self.server) return { kind: 'refused', refusal: 'sameServer' };
  const matter = { ...read, listenerNonce: nonce, dialerNonce: read.nonce };
  if (!isSame(read.proof, proofOf('dialer', matter, self.secret)))
    return { kind: 'refused', refusal: 'secret' };
  const welcome: Welcome = { proof: proofOf('listener', matter, self.secret) };
  return { kind: 'proven', welcome: JSON.stringify(welcome) };
}

/** What both proofs cover: `server` and `incarnation` are the dialer's; the listener is the other server. */
type Matter = Readonly<{
  server: ServerName;
  incarnation: string;
  pair: string;
  listenerNonce: string;
  dialerNonce: string;
}>;

function proofOf(role: 'dialer' | 'listener', matter: Matter, secret: string): string {
  const { server, incarnation, pair, listenerNonce, dialerNonce } = matter;
  // As JSON, so that no two lists of parts give the same text.
  const said = JSON.stringify([
    `lockstep backchannel ${VERSION}`,
    role,
    pair,
    server,
    otherServer(server),
    incarnation,
    listenerNonce,
    dialerNonce,
  ]);
  return createHmac('sha256', secret).update(said).digest('hex');
}

function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/** Null where it is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Whatever else a later release may say, it says its version. */
const isOtherVersion = (value: unknown): boolean =>
  isObject(value) && isWhole(value['lockstep']) && value['lockstep'] !== VERSION;
