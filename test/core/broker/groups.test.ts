import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { NEVER_EXPIRES } from '../../../src/core/broker/index.ts';
import { Committer, open, openLocally, publish } from './entries.ts';
import { sharedSubscription } from './sharing.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

test('a server that does not serve keeps nothing of a group whose last member has gone', async () => {
  const passive = new Committer();
  const groupOf = (clientId: string): WeakRef<object> => {
    const [group] = passive.broker.sessionOf(clientId)?.membership?.groups ?? [];
    if (group === undefined) throw new Error(`${clientId} is no member`);
    return new WeakRef(group);
  };
  const subscriptions = [sharedSubscription('g', 't')];
  passive.commit(open('a', { expirySeconds: NEVER_EXPIRES }), {
    type: 'subscribe',
    clientId: 'a',
    subscriptions,
  });
  const group = groupOf('a');
  passive.commit(publish('t', 'm'), openLocally('a'));
  passive.broker.changes();
  // A reference that was just made, or looked at, holds until the turn is over.
  await new Promise((resolve) => setImmediate(resolve));
  collect();
  expect(group.deref()).toBe(undefined);
});
