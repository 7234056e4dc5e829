/** What connections ask of access: who somebody is, and what that one may do. */
import type { User } from '../../core/access/index.ts';
import type { AccessFaultCode } from './faults.ts';

/** What a client says of itself, and its certificate of it. */
export type Credentials = Readonly<{
  userName: string | null;
  password: Uint8Array | null;
  /** The name in a client certificate that the listener has verified; null: none. */
  certificateName: string | null;
  clientId: string;
}>;

/** A client that was let in. What it may do is asked with this very value. */
export type Identity = Readonly<{
  type: 'admitted';
  /** Null: an anonymous client. */
  user: string | null;
  clientId: string;
  /** What it rests on: the user's record whose password was proved; a certificate's name; nothing. */
  proof: Readonly<
    { kind: 'password'; user: User } | { kind: 'certificate'; mustBeKnown: boolean } | { kind: 'none' }
  >;
}>;

export type Refusal = Readonly<{
  type: 'refused';
  /**
   * `badCredentials`: MQTT 3.1.1 code 4, MQTT 5 0x86. `notAuthorized`: 5, 0x87. `busy`: 3, 0x89.
   * Source: MQTT 3.1.1 §3.2.2.3; MQTT 5.0 §3.2.2.2.
   */
  reason: 'badCredentials' | 'notAuthorized' | 'busy';
  code: AccessFaultCode;
  /** For the console. */
  text: string;
}>;

export type Admission = Identity | Refusal;

export type ScramAnswer = Readonly<
  | { type: 'challenge'; data: Buffer }
  | { type: 'admitted'; identity: Identity; data: Buffer }
  | { type: 'refused'; refusal: Refusal; data: Buffer }
>;

/** One client's SCRAM-SHA-256. After anything but a challenge it is over. */
export interface ScramConversation {
  step(data: Uint8Array): ScramAnswer;
}

export interface Access {
  /** Another value whenever users or rules have changed: then who is connected is asked about again. */
  readonly edition: object;
  /** False: everybody who is let in may do everything, but publish to $SYS. */
  readonly hasRules: boolean;
  /**
   * At once where nothing has to be computed; else a promise, which never rejects. `isWanted` is asked when its turn has come: nothing is
   * computed for a client that is gone.
   */
  authenticate(credentials: Credentials, isWanted: () => boolean): Admission | Promise<Admission>;
  beginScram(clientId: string): ScramConversation;
  /** False: the user was removed since, or has another password. */
  isCurrent(identity: Identity): boolean;
  /** False: there is no such user any more, so what belongs to it is nobody's. */
  isKnown(user: string): boolean;
  mayPublish(identity: Identity, topic: string): boolean;
  /** `$share/<group>/<filter>` counts as its filter. */
  maySubscribe(identity: Identity, filter: string): boolean;
}
