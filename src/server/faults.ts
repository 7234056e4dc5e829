/** Why an order about users and rules is not obeyed, as the operator who gave it reads it. */
import type { ServerName, StateName } from '../core/pair/index.ts';

export const accessOrderFaults = {
  LS_ACCESS_ELSEWHERE: (me: ServerName, state: StateName, other: ServerName) =>
    `the ${me} is ${state} and takes no changes; ask the ${other}, if that serves`,
  LS_ACCESS_UNCONFIRMED: () =>
    'it is not known whether it was done: this server stopped serving meanwhile, or waits for its disk or its peer; look at the list, and ask again',
  LS_ACCESS_NO_USER: (name: string) => `there is no user ${name}`,
  LS_ACCESS_USER_THERE: (name: string) =>
    `there is a user ${name} already; lockstep user passwd gives it another password`,
  LS_ACCESS_NO_RULE: (words: string) => `there is no such rule: ${words}`,
  LS_ACCESS_FULL: (what: string) => `there are ${what} already, as many as a server takes`,
  LS_ACCESS_CHANGE: (why: string) => `it is not taken: ${why}`,
} as const;
