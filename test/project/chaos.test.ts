/** The chaos run's own judges, on histories made by hand: each sees what it is there for, and nothing else. Source: PROTOCOL.md §2 Ack, Claim. */
import { describe, expect, test } from 'vitest';
import { doubleService, type Service } from '../../scripts/chaos/checkers/double-service.ts';
import { unequalStores } from '../../scripts/chaos/checkers/equal-stores.ts';
import { orderFaults } from '../../scripts/chaos/checkers/order.ts';
import type { WireEvent } from '../../scripts/chaos/checkers/wire.ts';
import { KIND_NAMES, KINDS } from '../../scripts/chaos/kinds.ts';
import { needsOf, planRound } from '../../scripts/chaos/plan.ts';
import { longestGap } from '../../scripts/chaos/round.ts';
import type { StoreContents } from '../../scripts/chaos/stores.ts';
import { claimId, epoch, seq, type EpochStart, type ServerName } from '../../src/core/pair/index.ts';

/** `sent 1 primary 1`: what, number, server, connection; at the time of its place in the list. */
const wireOf = (...lines: readonly string[]): WireEvent[] =>
  lines.map((line, at) => {
    const [what = '', number = '', server = 'primary', connection = '1'] = line.split(' ');
    return {
      at,
      what: what as WireEvent['what'], // Written above.
      publisher: 'p',
      number: Number(number),
      connection: Number(connection),
      server: server as ServerName, // As above.
    };
  });

const opened = (number: number, claim: string): EpochStart => ({
  epoch: epoch(number),
  claimId: claimId(claim),
  firstSeq: seq(number),
});

describe('order', () => {
  const wire = wireOf('sent 1', 'sent 2', 'sent 3', 'acked 1');

  test('messages in order, and repeats of old ones, are no fault', () => {
    expect(orderFaults([1, 2, 1, 3, 2], wire)).toEqual([]);
  });

  test('a message that comes for the first time after a later one is a fault (MQTT-4.6.0-5)', () => {
    expect(orderFaults([1, 3, 2], wire)).toEqual(['2 came after 3']);
  });

  test('a message that its client left out when it sent the later one again is none', () => {
    const resent = wireOf('sent 1', 'sent 2', 'sent 3', 'sent 3 secondary 2', 'sent 2 secondary 3');
    expect(orderFaults([1, 3, 2], resent)).toEqual([]);
  });

  test('a message that was acknowledged before its client went on without it is a fault all the same', () => {
    const resent = wireOf('sent 1', 'sent 2', 'acked 2', 'sent 3 secondary 2');
    expect(orderFaults([1, 3, 2], resent)).toEqual(['2 came after 3']);
  });
});

describe('double service', () => {
  const good: Service = {
    wire: wireOf('sent 1', 'acked 1', 'sent 2 secondary 2', 'acked 2 secondary 2'),
    samples: [
      { server: 'primary', state: 'ACTIVE', epoch: 1 },
      { server: 'secondary', state: 'PASSIVE', epoch: 1 },
      { server: 'secondary', state: 'STANDALONE', epoch: 2 },
    ],
    epochs: [
      [opened(1, 'a'), opened(2, 'b')],
      [opened(1, 'a'), opened(2, 'b')],
    ],
    published: new Map([
      ['p:1', new Set([1])],
      ['p:2', new Set([2])],
    ]),
  };

  test('one server after the other, each in its epoch, is none', () => {
    expect(doubleService(good)).toEqual([]);
  });

  test('an epoch with two claims is one (rule Claim)', () => {
    const epochs = [[opened(1, 'a')], [opened(1, 'z')]];
    expect(doubleService({ ...good, epochs })).toEqual(['epoch 1 has two claims: a and z']);
  });

  test('two that serve in one epoch is one (rule Claim)', () => {
    const samples = [...good.samples, { server: 'primary', state: 'STANDALONE', epoch: 2 } as const];
    expect(doubleService({ ...good, samples })).toEqual(['both servers have served in epoch 2']);
  });

  test("a server that acknowledges what only the other's epoch has is one (rule Ack)", () => {
    const published = new Map([...good.published, ['p:2', new Set([1])]]);
    const faults = doubleService({ ...good, published });
    expect(faults).toContain('the secondary acknowledged p:2, which is in epoch 1 only');
  });

  test('a message sent after a later epoch has acknowledged, and acknowledged in an earlier one, is one (rule Ack)', () => {
    const wire = [...good.wire, ...wireOf('sent 3 primary 3', 'acked 3 primary 3')];
    const published = new Map([...good.published, ['p:3', new Set([1])]]);
    expect(doubleService({ ...good, wire, published })).toEqual([
      'p:3 was sent after epoch 2 had acknowledged, and acknowledged in epoch 1',
    ]);
  });

  test('a message that was stored in two epochs may have been acknowledged in either', () => {
    const wire = wireOf('sent 1', 'sent 1 secondary 2', 'acked 1 secondary 2');
    const published = new Map([['p:1', new Set([1, 2])]]);
    expect(doubleService({ ...good, wire, published })).toEqual([]);
  });
});

describe('equal stores', () => {
  const store: StoreContents = {
    entries: new Map([
      [1, { epoch: 1, chain: 11 }],
      [2, { epoch: 1, chain: 12 }],
    ]),
    lastSeq: 2,
    epochs: [opened(1, 'a')],
    published: new Map(),
    digest: 'd',
  };

  test('stores that hold the same, one of them with less of the past, are equal', () => {
    const trimmed = { ...store, entries: new Map([[2, { epoch: 1, chain: 12 }]]) };
    expect(unequalStores(store, trimmed)).toEqual([]);
  });

  test.each([
    ['another entry', { entries: new Map([[2, { epoch: 1, chain: 99 }]]) }, 'entry 2 differs'],
    ['an entry more', { lastSeq: 3 }, 'the primary ends with entry 2, the secondary with 3'],
    ['another epoch', { epochs: [opened(1, 'z')] }, 'the epoch tables differ'],
    ['another state', { digest: 'e' }, 'the states differ: d and e'],
  ])('%s is told', (_what, other, told) => {
    expect(unequalStores(store, { ...store, ...other }).join()).toContain(told);
  });
});

describe('rounds', () => {
  const choice = { kinds: KIND_NAMES, holdMsMax: 10_000, stepsMax: 3 };

  test('the same seed draws the same round; as many rounds as there are kinds begin with each of them', () => {
    const plans = KIND_NAMES.map((_, n) => planRound(7, n, choice));
    expect(KIND_NAMES.map((_, n) => planRound(7, n, choice))).toEqual(plans);
    expect(new Set(plans.map(({ steps }) => steps[0]?.kind))).toEqual(new Set(KIND_NAMES));
  });

  test('a round has one kind of clock', () => {
    for (let round = 0; round < 500; round += 1) {
      const plan = planRound(7, round, choice);
      const clocks = plan.steps.flatMap(({ kind }) => KINDS[kind].clock ?? []);
      expect(new Set(clocks).size).toBeLessThan(2);
      expect(needsOf(plan).clock).toBe(clocks[0] ?? null);
    }
  });

  test('a gap reaches from the last acknowledgement before a fault; what comes after the next fault is not its own', () => {
    const acks = [0, 10, 20, 500, 510, 2_000];
    expect(longestGap(acks, 25)).toBe(1_490);
    expect(longestGap(acks, 25, 505)).toBe(480);
    expect(longestGap([], 25)).toBeNull();
  });
});
