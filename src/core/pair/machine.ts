/**
 * The HA machine: the states and rows of PROTOCOL.md §3, each state a room of its own. It decides when; the rules decide whether. It does
 * no IO, has no clock and no chance. A test compares its rows with the page's, both ways.
 */
import { as, does, createMachine, createStateConfig } from './setup.ts';
import { blankMemory, type PairInput } from './memory.ts';
import { standsDown } from './reactions.ts';
import { PASSIVE, PASSIVE_SYNC } from './state-passive.ts';
import { ACTIVE_SYNC } from './state-active-sync.ts';
import { ACTIVE } from './state-active.ts';
import { STANDALONE } from './state-standalone.ts';
import { WAITING } from './state-waiting.ts';

const STOPPED = createStateConfig({
  id: 'STOPPED',
  on: { started: { target: '#WAITING', description: 'started' } },
});

/**
 * Each pure transition of xstate first makes an actor without any input, and throws it away. An exception there would be caught, and would
 * cost more than the step itself. Nobody looks at its timing.
 */
const NOBODY: PairInput = { me: 'primary', timing: {} as PairInput['timing'], mayFoundAlone: false };

export const pairMachine = createMachine({
  id: 'pair',
  context: ({ input }) => blankMemory((input as PairInput | undefined) ?? NOBODY),
  initial: 'STOPPED',
  on: {
    stopAsked: {
      target: '.STOPPED',
      description: 'stopped by its operator',
      actions: does((_, fact) => {
        const end = standsDown(as(fact, 'stopAsked').why);
        return {
          remember: end.remember ?? {},
          orders: [{ type: 'leaveSession', why: 'stopped' }, ...(end.orders ?? [])],
        };
      }),
    },
  },
  states: { STOPPED, WAITING, PASSIVE_SYNC, PASSIVE, STANDALONE, ACTIVE_SYNC, ACTIVE },
});
