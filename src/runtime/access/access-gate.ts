/**
 * Access as the profile and the replicated state have it. Users and rules are looked up when they are asked for, so that a committed change
 * is in force with the next question. Source: MQTT 3.1.1 §5.4.
 */
import { assert } from '../../base/index.ts';
import {
  decoyRecord,
  ScramServer,
  type AccessState,
  type Rights,
  type ScramStep,
  type User,
} from '../../core/access/index.ts';
import type { PasswordHashing } from '../../ports/index.ts';
import type {
  Access,
  Admission,
  Credentials,
  Identity,
  Refusal,
  ScramAnswer,
  ScramConversation,
} from './access.ts';
import { accessFaults, type AccessFaultCode } from './faults.ts';
import type { AccessOptions } from './options.ts';
import { PasswordChecks, type CheckOutcome } from './password-checks.ts';

export type AccessParts = Readonly<{
  /** The broker's, as it now is: loading makes another. */
  state: () => AccessState;
  options: AccessOptions;
  hashing: PasswordHashing;
  /** Of this process alone; 16 random bytes or more. */
  key: Uint8Array;
  /** The same on both servers and in every run, and nobody else's: answers about users that are not there must not change. */
  decoyKey: Uint8Array;
  /** A fresh nonce for SCRAM. */
  nonce: () => string;
}>;

export class AccessGate implements Access {
  readonly #parts: AccessParts;
  readonly #checks: PasswordChecks;
  #rights = new WeakMap<Identity, Rights>();
  /** The edition that `#rights` were made of. */
  #rightsEdition: object = {};

  constructor(parts: AccessParts) {
    assert(parts.key.length >= 16, 'a key that nobody guesses');
    this.#parts = parts;
    this.#checks = new PasswordChecks(parts.hashing, parts.key);
  }

  get edition(): object {
    return this.#parts.state().edition;
  }

  get hasRules(): boolean {
    return this.#parts.state().ruleCount > 0;
  }

  authenticate(credentials: Credentials, isWanted: () => boolean): Admission | Promise<Admission> {
    const { options } = this.#parts;
    const { certificateName, userName, clientId } = credentials;
    if (certificateName !== null && options.certificateNames !== 'ignore')
      return this.#byCertificate(certificateName, credentials);
    if (userName !== null && this.#mustBeProved()) return this.#byPassword(userName, credentials, isWanted);
    if (options.anonymous === 'deny')
      return refused('notAuthorized', 'LS_ACCESS_ANONYMOUS', accessFaults.LS_ACCESS_ANONYMOUS());
    return { type: 'admitted', user: null, clientId, proof: { kind: 'none' } };
  }

  beginScram(clientId: string): ScramConversation {
    const { decoyKey, nonce } = this.#parts;
    const found: { user: User | null } = { user: null };
    const server = new ScramServer({
      nonce: nonce(),
      recordOf: (name) => {
        found.user = this.#parts.state().user(name);
        const record = found.user?.credential.scram ?? null;
        return record === null
          ? { record: decoyRecord(decoyKey, name), isDecoy: true }
          : { record, isDecoy: false };
      },
    });
    return { step: (data) => scramAnswer(server.step(data), found.user, clientId) };
  }

  isCurrent({ user, proof }: Identity): boolean {
    const state = this.#parts.state();
    switch (proof.kind) {
      case 'password':
        return state.user(proof.user.name) === proof.user;
      case 'certificate':
        return !proof.mustBeKnown || (user !== null && state.user(user) !== null);
      case 'none':
        return true;
    }
  }

  isKnown(user: string): boolean {
    return this.#parts.options.certificateNames === 'any' || this.#parts.state().user(user) !== null;
  }

  mayPublish(identity: Identity, topic: string): boolean {
    return this.#rightsOf(identity).mayPublish(topic);
  }

  maySubscribe(identity: Identity, filter: string): boolean {
    return this.#rightsOf(identity).maySubscribe(filter);
  }

  /** While there is no user, and whoever likes may come without a name, a name is not looked at: nobody could give a right one. */
  #mustBeProved(): boolean {
    return this.#parts.options.anonymous === 'deny' || this.#parts.state().userCount > 0;
  }

  #byCertificate(name: string, { userName, clientId }: Credentials): Admission {
    const mustBeKnown = this.#parts.options.certificateNames === 'known';
    if (mustBeKnown && this.#parts.state().user(name) === null)
      return refused('notAuthorized', 'LS_ACCESS_CERTIFICATE', accessFaults.LS_ACCESS_CERTIFICATE(name));
    if (userName !== null && userName !== name) {
      const text = accessFaults.LS_ACCESS_CERTIFICATE_NAME(name);
      return refused('badCredentials', 'LS_ACCESS_CERTIFICATE_NAME', text);
    }
    return { type: 'admitted', user: name, clientId, proof: { kind: 'certificate', mustBeKnown } };
  }

  #byPassword(
    name: string,
    { password, clientId }: Credentials,
    isWanted: () => boolean,
  ): Admission | Promise<Admission> {
    const user = this.#parts.state().user(name);
    const judged = (outcome: CheckOutcome): Admission => this.#judged(outcome, user, clientId);
    // A name without a password is checked as one with an empty password: it takes as long.
    const outcome = this.#checks.check(name, password ?? new Uint8Array(0), user, isWanted);
    return typeof outcome === 'string' ? judged(outcome) : outcome.then(judged);
  }

  #judged(outcome: CheckOutcome, user: User | null, clientId: string): Admission {
    if (outcome === 'busy')
      return refused('busy', 'LS_ACCESS_BUSY', accessFaults.LS_ACCESS_BUSY(this.#checks.waiting));
    // The password may have been set anew while the old one was checked.
    if (outcome === 'wrong' || user === null || this.#parts.state().user(user.name) !== user) {
      const text = accessFaults.LS_ACCESS_PASSWORD(user?.name ?? null);
      return refused('badCredentials', 'LS_ACCESS_PASSWORD', text);
    }
    return { type: 'admitted', user: user.name, clientId, proof: { kind: 'password', user } };
  }

  #rightsOf(identity: Identity): Rights {
    const state = this.#parts.state();
    if (state.edition !== this.#rightsEdition) {
      this.#rights = new WeakMap();
      this.#rightsEdition = state.edition;
    }
    const known = this.#rights.get(identity);
    if (known !== undefined) return known;
    const rights = state.rightsOf(identity);
    this.#rights.set(identity, rights);
    return rights;
  }
}

const refused = (reason: Refusal['reason'], code: AccessFaultCode, text: string): Refusal => ({
  type: 'refused',
  reason,
  code,
  text,
});

function scramAnswer(step: ScramStep, user: User | null, clientId: string): ScramAnswer {
  switch (step.type) {
    case 'challenge':
      return step;
    case 'accepted': {
      assert(user?.name === step.user, 'SCRAM accepts the user whose record it was given');
      const identity: Identity = {
        type: 'admitted',
        user: step.user,
        clientId,
        proof: { kind: 'password', user },
      };
      return { type: 'admitted', identity, data: step.data };
    }
    case 'refused': {
      const text = accessFaults.LS_ACCESS_SCRAM(step.why);
      return {
        type: 'refused',
        refusal: refused('badCredentials', 'LS_ACCESS_SCRAM', text),
        data: step.data,
      };
    }
  }
}
