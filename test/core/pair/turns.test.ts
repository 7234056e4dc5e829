/**
 * Rounds of turns that come to nothing. Found by the simulator: the only one that the hellos let claim finds under the lock that it may not, and
 * the other, which did not reach the share when it said hello, does by now: without a fresh look both wait for ever. Source: PROTOCOL.md §2
 * Turn; REASONS.md E8.
 */
import { expect, test } from 'vitest';
import { stepOf, type PairFact } from '../../../src/core/pair/index.ts';
import { hello, machineAfter } from './samples.ts';

const up: PairFact = {
  type: 'channelUp',
  mine: hello('secondary', { share: { kind: 'unreachable' } }),
  theirs: hello('primary'),
};
const yielding: readonly PairFact[] = [{ type: 'started' }, up];
const cannot: PairFact = { type: 'peerCannotClaim', why: '' };
// A timer's fact comes as the machine hands it out.
const later = (timer: string): PairFact => ({ type: `xstate.after.${timer}` }) as unknown as PairFact;

test('who may not claim by its hello, and hears that the only other one cannot, looks at the share again after a while (Turn)', () => {
  expect(stepOf(machineAfter('secondary', yielding).snapshot)).toBe('WAITING.yielding');
  const stuck = [...yielding, cannot];
  expect(stepOf(machineAfter('secondary', stuck).snapshot)).toBe('WAITING.stuck');
  const again = machineAfter('secondary', [...stuck, later('passiveInterval.pair.WAITING.stuck')]);
  expect(stepOf(again.snapshot)).toBe('WAITING.greeting');
  expect(again.orders).toEqual([{ type: 'sayHello' }]);
});

test('the last turn that is not used in its time ends the round: both hellos are said anew (Turn)', () => {
  const again = machineAfter('secondary', [...yielding, later('claimTimeout.pair.WAITING.yielding')]);
  expect(stepOf(again.snapshot)).toBe('WAITING.greeting');
  expect(again.orders).toEqual([{ type: 'sayHello' }]);
});

test('while another turn is left in the round, it is taken first (Turn)', () => {
  const both: PairFact = {
    type: 'channelUp',
    mine: hello('secondary'),
    theirs: hello('primary', { wasPassive: true }),
  };
  const mine = machineAfter('secondary', [{ type: 'started' }, both, cannot]);
  expect(stepOf(mine.snapshot)).toBe('WAITING.resting');
});
