/** Operations at random, as they may come, of few clients and addresses, so that they meet. */
import fc from 'fast-check';
import {
  NEVER_EXPIRES,
  NO_PROPERTIES,
  type Op,
  type Qos,
  type Subscription,
} from '../../../src/core/broker/index.ts';
import { accessOp } from '../access/arbitraries.ts';
import { bytes } from './entries.ts';

export const clientId = fc.constantFrom('a', 'b', 'c', 'ü'.repeat(300));
const address = fc.constantFrom('x', 'x/y', 'z', '$s');
const filter = fc.constantFrom('x', 'x/#', '+/y', '#', '$s');
const qos = fc.constantFrom<Qos>(0, 1, 2);
const packetId = fc.constantFrom(1, 2, 65_535);
const payload = fc.constantFrom('', 'm', 'a longer one').map(bytes);
const properties = fc.constantFrom(NO_PROPERTIES, bytes('\u0001\u0001'));
const seconds = fc.constantFrom(0, 1, 60, NEVER_EXPIRES);
/** Few, so that an end meets the time since when its session waits. */
const at = fc.nat(3);
const content = { address, payload, qos, isRetained: fc.boolean(), properties, expiresAt: fc.option(at) };
const will = fc.option(
  fc.record({
    address,
    payload,
    qos,
    isRetained: fc.boolean(),
    properties,
    patienceMs: fc.nat(90_000_000),
    delaySeconds: seconds,
    expirySeconds: fc.option(seconds),
  }),
);
const group = fc.constantFrom(null, null, 'g', 'h');
const subscription: fc.Arbitrary<Subscription> = fc.record({
  filter,
  group,
  qos,
  isNoLocal: fc.boolean(),
  isRetainAsPublished: fc.boolean(),
  retainHandling: fc.constantFrom('send', 'sendIfNew', 'keepBack'),
  id: fc.constantFrom(0, 1, 268_435_455),
});
const as = <T extends Op['type']>(type: T) => fc.constant(type);

/** Of a group, if the operation there was one that began it. */
const place = fc.record({ seq: fc.nat(12), index: fc.nat(2) });
const numbers = fc.array(fc.nat(6), { maxLength: 4 });

export const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ type: as('publish'), ...content, from: fc.option(clientId) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: as('openSession'),
      clientId,
      user: fc.constantFrom(null, 'ann'),
      isClean: fc.integer({ min: 0, max: 4 }).map((n) => n === 0),
      expirySeconds: seconds,
      queue: fc.record({
        messages: fc.constantFrom(2, 5, 1000),
        bytes: fc.constantFrom(5, 1e9),
        whenFull: fc.constantFrom('dropOldest', 'refuse'),
      }),
      will,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: as('subscribe'),
      clientId,
      subscriptions: fc.array(subscription, { minLength: 1, maxLength: 2 }),
    }),
  },
  fc.record({
    type: as('unsubscribe'),
    clientId,
    filters: fc.array(fc.record({ filter, group }), { minLength: 1, maxLength: 2 }),
  }),
  {
    weight: 3,
    arbitrary: fc.record({
      type: as('recall'),
      clientId,
      filter,
      through: place,
      addresses: fc.array(address, { maxLength: 3 }),
      after: fc.option(place),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ type: as('settle'), clientId, numbers: fc.array(fc.nat(12), { maxLength: 4 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: as('receive'),
      clientId,
      packetId,
      ...content,
    }),
  },
  fc.record({ type: as('release'), clientId, packetId }),
  fc.record({ type: as('assign'), clientId, through: fc.nat(12) }),
  fc.record({ type: as('complete'), clientId, numbers: fc.array(fc.nat(12), { maxLength: 4 }) }),
  {
    weight: 2,
    arbitrary: fc.record({ type: as('closeSession'), clientId, at, expirySeconds: fc.option(seconds) }),
  },
  fc.record({ type: as('claimed'), at }),
  { weight: 2, arbitrary: fc.record({ type: as('endSession'), clientId, detachedAt: at }) },
  fc.record({ type: as('drop'), clientId, numbers: fc.array(fc.nat(12), { maxLength: 4 }) }),
  fc.record({ type: as('dropRetained'), addresses: fc.array(address, { maxLength: 2 }), at }),
  fc.record({ type: as('reserve'), clientId, count: fc.nat(300) }),
  { weight: 3, arbitrary: fc.record({ type: as('hand'), group: place, clientId, numbers }) },
  { weight: 3, arbitrary: fc.record({ type: as('settleShared'), group: place, numbers }) },
  { weight: 2, arbitrary: fc.record({ type: as('bring'), group: place, ...content }) },
  fc.record({ type: as('endShared'), group: place }),
  fc.record({ type: as('fireWill'), clientId, at }),
  fc.record({ type: as('dropWill'), clientId }),
  { weight: 3, arbitrary: fc.record({ type: as('access'), change: accessOp }) },
  fc.record({ type: as('barrier') }),
);
