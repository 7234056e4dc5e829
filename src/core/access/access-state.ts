/**
 * Who may do what, as both servers have it: users and rules, changed by committed operations only and stored by checkpoints. What came and
 * went between two checkpoints leaves no trace. Source: PROTOCOL.md §1 (state).
 */
import { unreachable } from '../../base/index.ts';
import type { AccessOp } from './access-op.ts';
import { Rights, readyRule, type ReadyRule, type Subject } from './rights.ts';
import { EVERYBODY, ruleKey, type Rule } from './rule.ts';
import { ACCESS_KINDS, accessKey, ruleFrom, ruleValue, userFrom, userValue, type Place } from './stored.ts';
import type { User } from './user.ts';

/** Where what is to be stored and to be taken away is noted down. */
export interface AccessLedger {
  put(key: Uint8Array, value: Uint8Array): void;
  drop(key: Uint8Array): void;
}

type Held<T> = Readonly<{ place: Place; what: T }>;

export class AccessState {
  readonly #users = new Map<string, Held<User>>();
  readonly #rules = new Map<string, Held<ReadyRule>>();
  /** The same rules by whom they speak of. */
  readonly #rulesOf = new Map<string, Set<ReadyRule>>();
  /** Those that no checkpoint has seen. */
  readonly #freshUsers = new Set<Held<User>>();
  readonly #freshRules = new Set<Held<ReadyRule>>();
  readonly #ledger: AccessLedger;
  #edition: object = {};

  constructor(ledger: AccessLedger) {
    this.#ledger = ledger;
  }

  /** Another one after every change: what was made of users and rules before may be out of date. */
  get edition(): object {
    return this.#edition;
  }

  get userCount(): number {
    return this.#users.size;
  }

  get ruleCount(): number {
    return this.#rules.size;
  }

  user(name: string): User | null {
    return this.#users.get(name)?.what ?? null;
  }

  hasRule(rule: Rule): boolean {
    return this.#rules.has(ruleKey(rule));
  }

  /** In no order that means anything. */
  users(): readonly User[] {
    return [...this.#users.values()].map(({ what }) => what);
  }

  rules(): readonly Rule[] {
    return [...this.#rules.values()].map(({ what }) => what.rule);
  }

  rightsOf(subject: Subject): Rights {
    const own = subject.user === null ? undefined : this.#rulesOf.get(subject.user);
    const common = this.#rulesOf.get(EVERYBODY);
    return new Rights(subject, [...(own ?? []), ...(common ?? [])], this.#rules.size === 0);
  }

  /** False: what should be removed was not there. */
  apply(op: AccessOp, place: Place): boolean {
    switch (op.type) {
      case 'setUser':
        this.#removeUser(op.name);
        this.#setUser({ place, what: { name: op.name, credential: op.credential } }, true);
        return true;
      case 'removeUser':
        return this.#removeUser(op.name);
      case 'addRule':
        if (!this.#rules.has(ruleKey(op.rule))) this.#setRule({ place, what: readyRule(op.rule) }, true);
        return true;
      case 'removeRule':
        return this.#removeRule(op.rule);
      default:
        return unreachable(op);
    }
  }

  /** Takes over what a store holds under a key of one of `ACCESS_KINDS`. The bytes are copied. */
  restore(kind: number, place: Place, value: Uint8Array): void {
    if (kind === ACCESS_KINDS.user) this.#setUser({ place, what: userFrom(value) }, false);
    else this.#setRule({ place, what: readyRule(ruleFrom(value)) }, false);
  }

  /** Adds to the ledger what is new since the last checkpoint. */
  collect(): void {
    for (const { place, what } of this.#freshUsers)
      this.#ledger.put(accessKey('user', place), userValue(what));
    for (const { place, what } of this.#freshRules)
      this.#ledger.put(accessKey('rule', place), ruleValue(what.rule));
    this.#freshUsers.clear();
    this.#freshRules.clear();
  }

  /** Everything as keys and values, stored or not: for a digest. */
  *parts(): Generator<Readonly<{ key: Buffer; value: Buffer }>> {
    for (const { place, what } of this.#users.values())
      yield { key: accessKey('user', place), value: userValue(what) };
    for (const { place, what } of this.#rules.values())
      yield { key: accessKey('rule', place), value: ruleValue(what.rule) };
  }

  #setUser(held: Held<User>, isFresh: boolean): void {
    this.#users.set(held.what.name, held);
    if (isFresh) this.#freshUsers.add(held);
    this.#edition = {};
  }

  #removeUser(name: string): boolean {
    const held = this.#users.get(name);
    if (held === undefined) return false;
    this.#users.delete(name);
    if (!this.#freshUsers.delete(held)) this.#ledger.drop(accessKey('user', held.place));
    this.#edition = {};
    return true;
  }

  #setRule(held: Held<ReadyRule>, isFresh: boolean): void {
    const { rule } = held.what;
    this.#rules.set(ruleKey(rule), held);
    if (isFresh) this.#freshRules.add(held);
    const same = this.#rulesOf.get(rule.who);
    if (same === undefined) this.#rulesOf.set(rule.who, new Set([held.what]));
    else same.add(held.what);
    this.#edition = {};
  }

  #removeRule(rule: Rule): boolean {
    const held = this.#rules.get(ruleKey(rule));
    if (held === undefined) return false;
    this.#rules.delete(ruleKey(rule));
    const same = this.#rulesOf.get(rule.who);
    same?.delete(held.what);
    if (same?.size === 0) this.#rulesOf.delete(rule.who);
    if (!this.#freshRules.delete(held)) this.#ledger.drop(accessKey('rule', held.place));
    this.#edition = {};
    return true;
  }
}
