/**
 * An operator's orders about users and rules: judged here, proposed like anything else that changes the state, and done when they are
 * committed, so that both servers have them.
 */
import type { AccessChange, AccessListing, AccessReport, Refusal } from '../admin/index.ts';
import { unreachable, type Clock, type Log } from '../base/index.ts';
import {
  faultInCredential,
  faultInName,
  faultInRule,
  ruleWords,
  type AccessOp,
  type AccessState,
} from '../core/access/index.ts';
import type { Broker } from '../core/broker/index.ts';
import { otherServer, serves, type ServerName } from '../core/pair/index.ts';
import type { PairDriver } from '../runtime/pair/index.ts';
import type { Replication } from '../runtime/replication/index.ts';
import { accessOrderFaults } from './faults.ts';

/** Longer than a commit that is held up takes, with the peer lost and struck off the record. */
const COMMIT_MS_MAX = 30_000;
/** Every change of a rule is made with all of them in memory, and every listing shows them all. */
const RULES_MAX = 10_000;
const USERS_MAX = 100_000;

export type AccessOrdersParts = Readonly<{
  me: ServerName;
  broker: Broker;
  replication: Replication;
  pair: PairDriver;
  clock: Clock;
  log: Log;
}>;

export class AccessOrders {
  readonly #parts: AccessOrdersParts;

  constructor(parts: AccessOrdersParts) {
    this.#parts = parts;
  }

  listing(): AccessListing {
    const { broker, pair } = this.#parts;
    const users = broker.access.users().map(({ name, credential }) => ({
      name,
      hasPassword: credential.password !== null,
      hasScram: credential.scram !== null,
    }));
    return {
      isServing: serves(pair.state),
      users: users.sort((a, b) => (a.name < b.name ? -1 : 1)),
      rules: broker.access.rules(),
    };
  }

  async change(change: AccessChange): Promise<AccessReport> {
    const { broker, pair, log } = this.#parts;
    if (!serves(pair.state)) return this.#elsewhere();
    const refusal = refusalOf(change, broker.access);
    if (refusal !== null) return refusal;
    const outcome = await this.#committed(opOf(change));
    if (outcome === 'unconfirmed')
      return {
        kind: 'failed',
        code: 'LS_ACCESS_UNCONFIRMED',
        why: accessOrderFaults.LS_ACCESS_UNCONFIRMED(),
      };
    log.say({ level: 'info', text: `${doneText(change)}, by an operator` });
    return { kind: 'done', rules: broker.access.ruleCount };
  }

  /** Somebody else may have removed the same thing a moment before; then it is gone, as was wanted. */
  #committed(change: AccessOp): Promise<'committed' | 'unconfirmed'> {
    const { replication, clock } = this.#parts;
    return new Promise((resolve) => {
      const cancel = clock.after(COMMIT_MS_MAX, () => resolve('unconfirmed'));
      replication.pipeline.propose({ type: 'access', change }, () => {
        cancel();
        resolve('committed');
      });
    });
  }

  #elsewhere(): Refusal {
    const { me, pair } = this.#parts;
    const why = accessOrderFaults.LS_ACCESS_ELSEWHERE(me, pair.state, otherServer(me));
    return { kind: 'refused', code: 'LS_ACCESS_ELSEWHERE', why };
  }
}

function refusalOf(change: AccessChange, state: AccessState): Refusal | null {
  switch (change.type) {
    case 'addUser':
    case 'setPassword':
      return userRefusal(change, state);
    case 'removeUser':
      return state.user(change.name) === null ? refused('LS_ACCESS_NO_USER', change.name) : null;
    case 'addRule': {
      const fault = faultInRule(change.rule);
      if (fault !== null) return refused('LS_ACCESS_CHANGE', fault);
      const isFull = state.ruleCount >= RULES_MAX && !state.hasRule(change.rule);
      return isFull ? refused('LS_ACCESS_FULL', `${RULES_MAX} rules`) : null;
    }
    case 'removeRule':
      return state.hasRule(change.rule)
        ? null
        : refused('LS_ACCESS_NO_RULE', ruleWords(change.rule).join(' '));
    default:
      return unreachable(change);
  }
}

function userRefusal(
  { type, name, credential }: Extract<AccessChange, { type: 'addUser' | 'setPassword' }>,
  state: AccessState,
): Refusal | null {
  const inName = faultInName(name);
  if (inName !== null) return refused('LS_ACCESS_CHANGE', `the name ${inName}`);
  const inCredential = faultInCredential(credential);
  if (inCredential !== null) return refused('LS_ACCESS_CHANGE', inCredential);
  const isThere = state.user(name) !== null;
  if (type === 'setPassword') return isThere ? null : refused('LS_ACCESS_NO_USER', name);
  if (isThere) return refused('LS_ACCESS_USER_THERE', name);
  return state.userCount >= USERS_MAX ? refused('LS_ACCESS_FULL', `${USERS_MAX} users`) : null;
}

function opOf(change: AccessChange): AccessOp {
  if (change.type === 'addUser' || change.type === 'setPassword')
    return { type: 'setUser', name: change.name, credential: change.credential };
  return change;
}

/** Never anything of a credential. */
function doneText(change: AccessChange): string {
  switch (change.type) {
    case 'addUser':
      return `User ${change.name} was added`;
    case 'setPassword':
      return `User ${change.name} has another password`;
    case 'removeUser':
      return `User ${change.name} was removed`;
    case 'addRule':
      return `A rule was added: ${ruleWords(change.rule).join(' ')}`;
    case 'removeRule':
      return `A rule was removed: ${ruleWords(change.rule).join(' ')}`;
    default:
      return unreachable(change);
  }
}

const refused = (
  code:
    | 'LS_ACCESS_NO_USER'
    | 'LS_ACCESS_NO_RULE'
    | 'LS_ACCESS_USER_THERE'
    | 'LS_ACCESS_FULL'
    | 'LS_ACCESS_CHANGE',
  what: string,
): Refusal => ({ kind: 'refused', code, why: accessOrderFaults[code](what) });
