/**
 * Passwords checked with the slow hash: a few at a time, the rest in the order in which they came, and each pair of name and password once,
 * however many clients come with it. What was right is remembered, so that a crowd that comes back is let in at once.
 *
 * The memory is an HMAC of name and password under a key of this process alone. It costs 200 bytes or so for each user that came, and
 * whoever reads this process's memory could try passwords faster than the slow hash lets him; but there he finds passwords as they come, too.
 */
import { hmacSha256, isSame, USUAL_COST, type ScryptRecord, type User } from '../../core/access/index.ts';
import type { PasswordHashing } from '../../ports/index.ts';

/** Two of the four threads that Node has for files, host names and this: the journal must not wait for logins. */
const CHECKS_MAX = 2;
/** Who comes after so many is told to come back. */
const WAITING_MAX = 20_000;
const REMEMBERED_MAX = 100_000;

/** A name that nobody has is checked against this: it takes as long as a wrong password does. */
const NOBODY: ScryptRecord = { cost: USUAL_COST, salt: new Uint8Array(16), hash: new Uint8Array(32) };

const isQuick = ({ cost }: ScryptRecord): boolean => cost.logN < USUAL_COST.logN;

export type CheckOutcome = 'right' | 'wrong' | 'busy';

type Check = {
  readonly password: Uint8Array;
  readonly user: User | null;
  readonly askers: { isWanted: () => boolean; done: (outcome: CheckOutcome) => void }[];
};

export class PasswordChecks {
  readonly #hashing: PasswordHashing;
  readonly #key: Uint8Array;
  /** By tag, the user's record that the password was right for; oldest first. */
  readonly #remembered = new Map<string, User>();
  /** By tag; running or waiting. */
  readonly #checks = new Map<string, Check>();
  readonly #waiting: [tag: string, check: Check][] = [];
  #running = 0;

  /** `key`: random, of this process alone. */
  constructor(hashing: PasswordHashing, key: Uint8Array) {
    this.#hashing = hashing;
    this.#key = key;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** `user`: the record there is for that name; null: none. `'right'` is only said of a user with a password. */
  check(
    name: string,
    password: Uint8Array,
    user: User | null,
    isWanted: () => boolean,
  ): CheckOutcome | Promise<CheckOutcome> {
    const tag = this.#tagOf(name, password);
    const known = this.#remembered.get(tag);
    if (known !== undefined) {
      if (known === user) return 'right';
      this.#remembered.delete(tag);
    }
    const record = user?.credential.password ?? null;
    if (user !== null && record !== null && isQuick(record))
      return this.#quickly(tag, password, user, record, isWanted);
    return this.#slowly(tag, password, user, isWanted);
  }

  /** Before all who wait: a generated password costs next to nothing to check. A wrong one waits like any other. */
  async #quickly(
    tag: string,
    password: Uint8Array,
    user: User,
    record: ScryptRecord,
    isWanted: () => boolean,
  ): Promise<CheckOutcome> {
    const isRight = await this.#isRight(password, record).catch(() => false);
    if (!isRight) return this.#slowly(tag, password, user, isWanted);
    this.#remember(tag, user);
    return 'right';
  }

  #slowly(
    tag: string,
    password: Uint8Array,
    user: User | null,
    isWanted: () => boolean,
  ): Promise<CheckOutcome> {
    // A copy: what the network gave may be much longer, and stay as long as this is looked at.
    const kept = Uint8Array.from(password);
    return new Promise((done) => this.#ask(tag, { password: kept, user, askers: [{ isWanted, done }] }));
  }

  #ask(tag: string, asked: Check): void {
    const same = this.#checks.get(tag);
    if (same !== undefined && same.user === asked.user) {
      same.askers.push(...asked.askers);
      return;
    }
    if (this.#waiting.length >= WAITING_MAX) {
      for (const { done } of asked.askers) done('busy');
      return;
    }
    this.#checks.set(tag, asked);
    this.#waiting.push([tag, asked]);
    this.#next();
  }

  #next(): void {
    while (this.#running < CHECKS_MAX) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#running += 1;
      void this.#run(...next).then(() => {
        this.#running -= 1;
        this.#next();
      });
    }
  }

  async #run(tag: string, check: Check): Promise<void> {
    const outcome = check.askers.some(({ isWanted }) => isWanted()) ? await this.#outcome(check) : 'busy';
    if (this.#checks.get(tag) === check) this.#checks.delete(tag);
    if (outcome === 'right' && check.user !== null) this.#remember(tag, check.user);
    for (const { done } of check.askers) done(outcome);
  }

  async #outcome({ password, user }: Check): Promise<CheckOutcome> {
    try {
      const record = user?.credential.password ?? null;
      if (record !== null && (await this.#isRight(password, record))) return 'right';
      // Whoever is refused has waited for one hash of the usual cost, whether there is such a user or not, and however quick its own hash is.
      if (record === null || isQuick(record)) await this.#isRight(password, NOBODY);
      return 'wrong';
    } catch {
      // No memory for it just now.
      return 'busy';
    }
  }

  async #isRight(password: Uint8Array, { salt, cost, hash }: ScryptRecord): Promise<boolean> {
    return isSame(await this.#hashing.scrypt(password, salt, cost), hash);
  }

  #remember(tag: string, user: User): void {
    if (this.#remembered.size >= REMEMBERED_MAX) {
      const [oldest] = this.#remembered.keys();
      if (oldest !== undefined) this.#remembered.delete(oldest);
    }
    this.#remembered.set(tag, user);
  }

  /** Name and password can't be mixed up: a name has no byte 0 (MQTT-1.5.3-2). */
  #tagOf(name: string, password: Uint8Array): string {
    return hmacSha256(this.#key, name, '\0', password).toString('base64');
  }
}
