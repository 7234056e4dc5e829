/**
 * One pure step of the pair: a fact in, the next state, the orders and the timers out. Touches nothing and waits for nothing; xstate stays
 * behind it. Source: house, pattern 3.
 */
import { initialTransition, transition } from 'xstate';
import type { PairFact, PairOrder, TimerFact } from './facts.ts';
import { pairMachine } from './machine.ts';
import { ownSession, peerState, type PairInput, type PairMemory } from './memory.ts';
import { serves, type SessionId, type StateName } from './words.ts';

/** The state of one server of the pair, whole: plain data that can be kept, compared and gone on from. */
export type PairSnapshot = ReturnType<typeof initialTransition<typeof pairMachine>>[0];

export type TimerOrder = Readonly<
  | { type: 'startTimer'; id: string; ms: number; fact: TimerFact }
  /** Harmless when it has run out. */
  | { type: 'stopTimer'; id: string }
>;

export type PairStep = Readonly<{
  snapshot: PairSnapshot;
  orders: readonly PairOrder[];
  timers: readonly TimerOrder[];
}>;

export function firstStep(input: PairInput): PairStep {
  const [snapshot, actions] = initialTransition(pairMachine, input);
  return stepFrom(snapshot, actions);
}

export function stepPair(snapshot: PairSnapshot, fact: PairFact | TimerFact): PairStep {
  // A timer's event is xstate's own and in no union of ours; it comes back exactly as it was handed out.
  const [next, actions] = transition(pairMachine, snapshot, fact as PairFact);
  return stepFrom(next, actions);
}

type Action = ReturnType<typeof transition<typeof pairMachine>>[1][number];

function stepFrom(snapshot: PairSnapshot, actions: readonly Action[]): PairStep {
  const orders: PairOrder[] = [];
  const timers: TimerOrder[] = [];
  for (const action of actions) {
    // xstate types the parameters of its actions as unknown; `does` and `after` put in what is read here.
    const params: unknown = action.params;
    const type: string = action.type;
    if (type === 'order') orders.push(params as PairOrder);
    else if (type === 'xstate.raise') {
      const raised = params as { id: string; delay: number; event: TimerFact };
      timers.push({ type: 'startTimer', id: raised.id, ms: raised.delay, fact: raised.event });
    } else if (type === 'xstate.cancel')
      timers.push({ type: 'stopTimer', id: (params as { sendId: string }).sendId });
  }
  return { snapshot, orders, timers };
}

/** The state's name, as PROTOCOL.md §3 has it. */
export function stateOf(snapshot: PairSnapshot): StateName {
  // The top level of the machine has exactly the states of §3, so its key is one of their names.
  return (typeof snapshot.value === 'string' ? snapshot.value : Object.keys(snapshot.value)[0]) as StateName;
}

/** The state with the step inside it, `WAITING.yielding`: for the log and for the curious. */
export function stepOf(snapshot: PairSnapshot): string {
  const path: string[] = [];
  for (let value: unknown = snapshot.value; ;) {
    if (typeof value === 'string') return [...path, value].join('.');
    const entry = Object.entries(value as Record<string, unknown>)[0];
    if (entry === undefined) return path.join('.');
    path.push(entry[0]);
    value = entry[1];
  }
}

export const memoryOf = (snapshot: PairSnapshot): PairMemory => snapshot.context;

/** The claim that this server follows as its PASSIVE, for its hello (rule Resume). */
export const followingOf = (snapshot: PairSnapshot): PairMemory['follows'] =>
  stateOf(snapshot) === 'PASSIVE' ? snapshot.context.follows : null;

/** The claim that this server serves; null when it serves none. */
export const servingOf = (snapshot: PairSnapshot): SessionId | null =>
  serves(stateOf(snapshot)) ? ownSession(snapshot.context) : null;

export const peerStateOf = (snapshot: PairSnapshot): StateName | 'DEAD' => peerState(snapshot.context);
