import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { NEVER_EXPIRES, type Op } from '../../../src/core/broker/index.ts';
import { Committer, open, openLocally, publish } from './entries.ts';
import { sharedSubscription } from './sharing.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const group = { seq: 1, index: 1 };

test.each<[string, readonly Op[]]>([
  ['with nothing left', [{ type: 'settleShared', group, numbers: [0] }, openLocally('a')]],
  ['whose rest is settled', [openLocally('a'), { type: 'settleShared', group, numbers: [0] }]],
  ['whose rest nobody is left for', [openLocally('a'), { type: 'endShared', group }]],
  ['whose rest another server does not give', [openLocally('a'), { type: 'claimed', at: 0 }]],
])('a server that does not serve keeps nothing of a group whose last member has gone, %s', async (_, ops) => {
  const passive = new Committer();
  const groupOf = (clientId: string): WeakRef<object> => {
    const [found] = passive.broker.sessionOf(clientId)?.membership?.groups ?? [];
    if (found === undefined) throw new Error(`${clientId} is no member`);
    return new WeakRef(found);
  };
  const subscriptions = [sharedSubscription('g', 't')];
  passive.commit(open('a', { expirySeconds: NEVER_EXPIRES }), {
    type: 'subscribe',
    clientId: 'a',
    subscriptions,
  });
  const kept = groupOf('a');
  passive.commit(publish('t', 'm'), ...ops);
  passive.broker.changes();
  // A reference that was just made, or looked at, holds until the turn is over.
  await new Promise((resolve) => setImmediate(resolve));
  collect();
  expect(kept.deref()).toBe(undefined);
});
