/** Users, rules and what is done to them, for tests of properties: few names, so that operations meet. */
import fc from 'fast-check';
import {
  GENERATED_COST,
  USUAL_COST,
  type AccessOp,
  type Credential,
  type Rule,
} from '../../../src/core/access/index.ts';

const bytes = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((it) => Buffer.from(it));
const credential: fc.Arbitrary<Credential> = fc.record({
  password: fc.option(
    fc.record({ cost: fc.constantFrom(USUAL_COST, GENERATED_COST), salt: bytes(16), hash: bytes(32) }),
  ),
  scram: fc.option(
    fc.record({
      iterations: fc.integer({ min: 4096, max: 1_000_000 }),
      salt: bytes(16),
      storedKey: bytes(32),
      serverKey: bytes(32),
    }),
  ),
});
const name = fc.constantFrom('ann', 'bob', 'ü'.repeat(100));
const rule: fc.Arbitrary<Rule> = fc.record({
  effect: fc.constantFrom('allow', 'deny'),
  who: fc.constantFrom('*', 'ann', 'bob'),
  action: fc.constantFrom('publish', 'subscribe', 'both'),
  filter: fc.constantFrom('a', '%u/#', '+/b'),
  clientId: fc.constantFrom(null, 'c-*'),
});
export const accessOp: fc.Arbitrary<AccessOp> = fc.oneof(
  fc.record({ type: fc.constant('setUser' as const), name, credential }),
  fc.record({ type: fc.constant('removeUser' as const), name }),
  fc.record({ type: fc.constant('addRule' as const), rule }),
  fc.record({ type: fc.constant('removeRule' as const), rule }),
);
