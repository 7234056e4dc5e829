/** Who gets a message, however often its address was asked for before. Source: src/core/broker/recipients.ts; MQTT5-3.8.3-3 (No Local). */
import { expect, test } from 'vitest';
import { matches, plainSubscription, type Op } from '../../../src/core/broker/index.ts';
import { KnownRecipients } from '../../../src/core/broker/recipients.ts';
import { SimRandom } from '../../../src/simulator/time/sim-random.ts';
import { Committer, contentOf, open, queueOf, unsubscribe } from './entries.ts';

const CLIENTS = ['a', 'b', 'c', 'd'];
const FILTERS = ['x', 'y', 'x/z', '+', '#', 'x/#', '+/z'];
const ADDRESSES = ['x', 'y', 'x/z'];

test('a message goes to those whose subscriptions match when it is applied, whatever came and went since the last one of its address', () => {
  const random = new SimRandom(11);
  const pick = <T>(of: readonly T[]): T => of[random.below(of.length)] as T;
  const committer = new Committer();
  committer.commit(...CLIENTS.map((client) => open(client)));
  const sessions = new Map(CLIENTS.map((client) => [client, committer.broker.attach(client)]));
  /** By client and filter: whether it gets its own. */
  const wanted = new Map<string, Map<string, boolean>>(CLIENTS.map((client) => [client, new Map()]));
  const expected = new Map<string, string[]>(CLIENTS.map((client) => [client, []]));
  for (let step = 0; step < 3_000; step += 1) {
    const [client, filter] = [pick(CLIENTS), pick(FILTERS)];
    const kind = random.below(10);
    if (kind === 0) {
      const isNoLocal = random.below(4) === 0;
      const subscriptions = [{ ...plainSubscription(filter, 1), isNoLocal }];
      committer.commit({ type: 'subscribe', clientId: client, subscriptions });
      wanted.get(client)?.set(filter, !isNoLocal);
    } else if (kind === 1) {
      committer.commit(unsubscribe(client, filter));
      wanted.get(client)?.delete(filter);
    } else {
      const address = pick(ADDRESSES);
      const from = pick([...CLIENTS, null]);
      committer.commit({ type: 'publish', ...contentOf(address, `${step}`), from } satisfies Op);
      for (const [name, filters] of wanted)
        if ([...filters].some(([each, own]) => matches(each, address) && (own || name !== from)))
          expected.get(name)?.push(`${step}`);
    }
  }
  for (const [client, session] of sessions) {
    const got = queueOf(session).map((text) => text.replace(/^\d+:/, ''));
    expect(got).toEqual(expected.get(client)?.slice(-got.length));
    expect(got.length).toBe(Math.min(1000, expected.get(client)?.length ?? 0));
  }
});

test('what is kept is forgotten with a change, and is never more than so much', () => {
  const known = new KnownRecipients();
  const some = { sessions: [], groups: [] };
  known.keep('a', some);
  expect(known.get('a')).toBe(some);
  known.forget();
  expect(known.get('a')).toBeUndefined();
  for (let n = 0; n < 1024; n += 1) known.keep(`${n}`, some);
  expect(known.get('0')).toBe(some);
  known.keep('one more', some);
  expect([known.get('0'), known.get('one more')]).toEqual([undefined, some]);
  known.keep('x'.repeat(10_000), some);
  expect(known.get('x'.repeat(10_000))).toBeUndefined();
});
