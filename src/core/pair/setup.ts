/**
 * The ground on which the states are built: xstate's types fixed once, and `does`, by which every action is a pure function from
 * memory and fact to what is remembered and ordered. Of this folder only setup, the states, machine, step and table know xstate.
 */
import { assign, setup } from 'xstate';
import type { PairFact, PairOrder } from './facts.ts';
import type { PairInput, PairMemory } from './memory.ts';

const ground = setup({
  types: {
    context: {} as PairMemory, // a phantom: xstate reads the type and never the value
    events: {} as PairFact | { type: 'lockRetryDue' },
    input: {} as PairInput,
  },
  actions: {
    /** Comes out of the pure transition as data; nothing is run here. */
    order: (_, _order: PairOrder) => undefined,
  },
  delays: {
    seekDelay: ({ context }) =>
      context.wasPassive && context.isFresh
        ? 0
        : context.isFresh
          ? context.timing.startupWait
          : context.timing.passiveLockAcquisitionInterval,
    startupWait: ({ context }) => context.timing.startupWait,
    claimTimeout: ({ context }) => context.timing.claimTimeout,
    shrinkTimeout: ({ context }) => context.timing.shrinkTimeout,
    handoverTimeout: ({ context }) => context.timing.handoverTimeout,
    activeInterval: ({ context }) => context.timing.activeLockReacquisitionInterval,
    passiveInterval: ({ context }) => context.timing.passiveLockAcquisitionInterval,
    resumeDelay: ({ context }) => context.timing.activeLockReacquisitionInterval / 2,
    retryInterval: ({ context }) => context.timing.activeLockReacquisitionInterval / 4,
  },
});

export const { createMachine, createStateConfig } = ground;
export const raiseLater = ground.raise;
export const cancelRaised = ground.cancel;

/** What one fact leads to inside the machine. */
export type Doing = Readonly<{ remember?: Partial<PairMemory>; orders?: readonly PairOrder[] }>;

/** An action made of a pure function of memory and fact. Orders come out in the order given, with what is remembered already in place. */
export const does = (react: (memory: PairMemory, fact: PairFact) => Doing) =>
  ground.enqueueActions(({ context, event, enqueue }) => {
    // The only event that is no fact is the lock's timer, and no reaction to that one looks at it.
    const { remember, orders } = react(context, event as PairFact);
    if (remember !== undefined) enqueue(assign(remember));
    for (const order of orders ?? []) enqueue({ type: 'order', params: order });
  });

/** The fact, narrowed to the one that a state listens to by name. xstate loses the name on the way to a shared action. */
export function as<T extends PairFact['type']>(fact: PairFact, type: T): Extract<PairFact, { type: T }> {
  if (fact.type !== type) throw new TypeError(`a reaction to ${type} met ${fact.type}`);
  return fact as Extract<PairFact, { type: T }>;
}
