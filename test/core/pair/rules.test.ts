import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { committedSeq, requiredSet } from '../../../src/core/pair/ack.ts';
import { claimDraft, mayClaim } from '../../../src/core/pair/claim.ts';
import { meetServing } from '../../../src/core/pair/fence.ts';
import { forceClaim, mayForce } from '../../../src/core/pair/force.ts';
import { growDraft, unproved } from '../../../src/core/pair/grow.ts';
import { grounds } from '../../../src/core/pair/none.ts';
import { shrinkDraft } from '../../../src/core/pair/shrink.ts';
import { turnOrder } from '../../../src/core/pair/turn.ts';
import { claimId, epoch, lockId, pairId, seq, storeId, version } from '../../../src/core/pair/index.ts';
import { hello, P, reading, record, S, stamp, store, virgin } from './samples.ts';

const ids = { claimId: claimId('fresh'), pairId: pairId('fresh-pair'), lockId: lockId('fresh-lock') };
const primary = { isPrimary: true, mayFoundAlone: false };
const secondary = { isPrimary: false, mayFoundAlone: false };

describe('rule Ack', () => {
  test('the required set is the last confirmed one together with every set attempted since (REASONS.md A4)', () => {
    expect(requiredSet({ primary: P }, [{ primary: P, secondary: S }])).toEqual(new Set([P, S]));
    expect(requiredSet({ primary: P, secondary: S }, [{ primary: P }])).toEqual(new Set([P, S]));
    expect(requiredSet({ primary: P }, [])).toEqual(new Set([P]));
  });

  test('an entry is committed when it is durable on every required store, and on no account earlier', () => {
    fc.assert(
      fc.property(fc.nat(50), fc.option(fc.nat(50)), fc.boolean(), (p, s, needsBoth) => {
        const durable = new Map([[P, seq(p)], ...(s === null ? [] : [[S, seq(s)] as const])]);
        const committed = committedSeq(durable, needsBoth ? new Set([P, S]) : new Set([P]));
        expect(committed).toBe(needsBoth ? Math.min(p, s ?? 0) : p);
      }),
    );
  });
});

describe('rule Claim', () => {
  const may = (
    change: Parameters<typeof store>[1],
    r = record(),
    mark: Parameters<typeof reading>[1] = null,
  ) => mayClaim('secondary', store('secondary', change), r, reading(r, mark).mark);

  test('a complete store that the record names, neither behind it nor apart from it, may claim', () => {
    expect(may({})).toBeNull();
  });

  test.each([
    ['a wiped store with a storeId of its own may not (REASONS.md A1)', may({ storeId: storeId('new') })],
    ['an incomplete store may not', may({ isComplete: false })],
    [
      'a store that saw a newer record may not (REASONS.md A8)',
      may({ recordSeen: record({ version: version(9) }) }),
    ],
    [
      'a store that knows another lock file may not',
      may({ recordSeen: record({ lockId: lockId('other') }) }),
    ],
    ['a store of another pair may not (REASONS.md A10)', may({ pairId: pairId('other') })],
    ['a store below its floor may not (REASONS.md A9)', may({}, record({ floor: { [S]: stamp(4, 105) } }))],
    ['a store below the mark may not (REASONS.md A9)', may({}, record(), stamp(4, 105))],
    [
      'a journal with another claim for the epoch of the record may not (REASONS.md A7)',
      may({ epochs: [{ epoch: epoch(4), claimId: claimId('other'), firstSeq: seq(90) }] }),
    ],
    ['a store that the record does not name may not', may({}, record({ inSync: { primary: P } }))],
  ])('%s', (_, refusal) => expect(refusal).not.toBeNull());

  test('its epoch is above the record, the journal and everything seen; it names itself alone', () => {
    const draft = claimDraft('secondary', store('secondary', { stamp: stamp(6, 104) }), {
      record: record(),
      keepsLockId: true,
      seen: epoch(9),
      ids,
    });
    expect(draft).toMatchObject({
      epoch: 10,
      claimId: 'fresh',
      holder: 'secondary',
      inSync: { secondary: S },
    });
    expect(draft.floor).toEqual({ [S]: stamp(6, 104) });
  });
});

describe('rule None', () => {
  test('two virgin servers: the primary founds, the secondary does not', () => {
    expect(grounds(virgin('primary'), reading(null), virgin('secondary'), primary).kind).toBe('found');
    expect(grounds(virgin('secondary'), reading(null), virgin('primary'), secondary).kind).toBe('nothing');
  });

  test('one virgin server alone founds only when told --new-pair (REASONS.md A10)', () => {
    expect(grounds(virgin('primary'), reading(null), null, primary).kind).toBe('nothing');
    expect(grounds(virgin('primary'), reading(null), null, { ...primary, mayFoundAlone: true }).kind).toBe(
      'found',
    );
  });

  test('a virgin server never claims on a share that has a record of some pair', () => {
    const base = grounds(virgin('primary'), reading(record()), virgin('secondary'), primary);
    const stranger = { ...virgin('primary'), storeId: storeId('stranger') };
    expect(base.kind === 'record' && mayClaim('primary', stranger, base.record, null)).toMatch(
      /does not name/,
    );
  });

  test('a missing record: nobody claims alone', () => {
    expect(grounds(store('primary'), reading(null), null, primary).kind).toBe('nothing');
  });

  test('a missing record, both connected: the newest record seen stands in for it, under a new lock file', () => {
    const newest = record({ version: version(11), inSync: { secondary: S } });
    const base = grounds(
      store('secondary', { recordSeen: newest }),
      reading(null),
      store('primary'),
      secondary,
    );
    expect(base).toEqual({ kind: 'record', record: newest, replaces: 0, keepsLockId: false });
  });

  test('it does not stand in while a store that it names is missing (REASONS.md A10)', () => {
    const newest = record({ inSync: { primary: storeId('gone') } });
    const base = grounds(
      store('primary', { recordSeen: newest }),
      reading(null),
      store('secondary'),
      primary,
    );
    expect(base.kind).toBe('nothing');
  });

  test('it does not stand in where one epoch has two claims in the two journals', () => {
    const other = store('secondary', {
      epochs: [{ epoch: epoch(4), claimId: claimId('other'), firstSeq: seq(90) }],
    });
    expect(grounds(store('primary'), reading(null), other, primary).kind).toBe('nothing');
  });

  test('what a store of another pair has seen does not keep the own one from claiming by its record (REASONS.md A10)', () => {
    const stranger = store('secondary', {
      pairId: pairId('other'),
      recordSeen: record({ pairId: pairId('other'), version: version(99) }),
    });
    expect(grounds(store('primary'), reading(record()), stranger, primary).kind).toBe('record');
    const base = grounds(stranger, reading(record()), store('primary'), secondary);
    expect(base.kind).toBe('nothing');
  });

  test('a damaged block: nobody claims', () => {
    const damaged = { kind: 'damaged', blocks: ['primary'], mark: null } as const;
    expect(grounds(store('primary'), damaged, store('secondary'), primary).kind).toBe('nothing');
  });
});

describe('rule Turn', () => {
  const first = (p: Parameters<typeof hello>[1], s: Parameters<typeof hello>[1]) =>
    turnOrder(hello('primary', p), hello('secondary', s)).order;

  test('the one that was PASSIVE, else the higher stamp, else the primary', () => {
    expect(first({}, {})).toEqual(['primary', 'secondary']);
    expect(first({}, { store: store('secondary', { stamp: stamp(4, 105) }) })).toEqual([
      'secondary',
      'primary',
    ]);
    expect(first({ store: store('primary', { stamp: stamp(4, 105) }) }, { wasPassive: true })).toEqual([
      'secondary',
      'primary',
    ]);
  });

  test('only of those that reach the share (REASONS.md B2)', () => {
    expect(first({ share: { kind: 'unreachable' } }, {})).toEqual(['secondary']);
    expect(first({ share: { kind: 'unreachable' } }, { share: { kind: 'unreachable' } })).toEqual([]);
  });

  test('both servers work out the same, whatever their hellos say', () => {
    const some = fc.record({
      wasPassive: fc.boolean(),
      seq: fc.nat(3),
      isComplete: fc.boolean(),
      reaches: fc.boolean(),
    });
    const made = (
      name: 'primary' | 'secondary',
      s: { wasPassive: boolean; seq: number; isComplete: boolean; reaches: boolean },
    ) =>
      hello(name, {
        wasPassive: s.wasPassive,
        store: store(name, { stamp: stamp(4, s.seq), isComplete: s.isComplete }),
        ...(s.reaches ? {} : { share: { kind: 'unreachable' as const } }),
      });
    fc.assert(
      fc.property(some, some, (p, s) => {
        const [a, b] = [made('primary', p), made('secondary', s)];
        expect(turnOrder(a, b)).toEqual(turnOrder(b, a));
      }),
    );
  });
});

describe('rules (Shrink, Grow)', () => {
  test('a shrink names the server alone and keeps its claim', () => {
    const draft = shrinkDraft(record(), 'primary', { storeId: P, stamp: stamp(4, 104) });
    expect(draft).toMatchObject({
      epoch: 4,
      claimId: 'claim-4',
      inSync: { primary: P },
      floor: { [P]: stamp(4, 104) },
    });
    expect(draft.inSync.secondary).toBeUndefined();
  });

  test('a grow names both stores, each with its floor', () => {
    const alone = record({ inSync: { primary: P } });
    const draft = growDraft(
      alone,
      'primary',
      { storeId: P, stamp: stamp(4, 104) },
      { storeId: S, stamp: stamp(4, 103) },
    );
    expect(draft).toMatchObject({
      inSync: { primary: P, secondary: S },
      floor: { [P]: stamp(4, 104), [S]: stamp(4, 103) },
    });
  });

  test('a joiner that sees another share, or an older record, is not let in (REASONS.md C8)', () => {
    const r = record();
    const sight = {
      kind: 'record',
      lockId: r.lockId,
      version: r.version,
      record: r,
      isSettled: true,
    } as const;
    const proof = { storeId: S, isComplete: true, durable: stamp(4, 104), share: sight };
    expect(unproved(r, proof)).toBeNull();
    expect(unproved(r, { ...proof, isComplete: false })).not.toBeNull();
    expect(unproved(r, { ...proof, share: { ...sight, lockId: lockId('other') } })).not.toBeNull();
    expect(unproved(r, { ...proof, share: { ...sight, version: version(7) } })).not.toBeNull();
    expect(unproved(r, { ...proof, share: { kind: 'unreachable' } })).not.toBeNull();
  });
});

test('rule Fence: of two that serve the lower epoch stops; one number under two claims stops both (REASONS.md B7)', () => {
  const at = (e: number, claim: string) => ({ epoch: epoch(e), claimId: claimId(claim), number: 1 });
  expect(meetServing(at(5, 'a'), at(4, 'b'))).toBe('goOn');
  expect(meetServing(at(4, 'b'), at(5, 'a'))).toBe('stop');
  expect(meetServing(at(4, 'a'), at(4, 'b'))).toBe('bothStop');
});

describe('rule Force', () => {
  const word = { by: 'operator', why: 'the primary burnt', at: '2030-01-01' };

  test('epoch and version go 1000 above everything seen, and the record keeps who and why (REASONS.md C9)', () => {
    const base = { reading: reading(record()), seen: epoch(6), ids, word };
    const { draft, above, replaces } = forceClaim('secondary', store('secondary'), base);
    expect(draft.epoch).toBe(1007);
    expect(above).toBe(1008);
    expect(replaces).toBe(8);
    expect(draft.forced).toEqual([{ ...word, epoch: 1007 }]);
  });

  test('it is refused while a serving peer is connected, and for half a store', () => {
    expect(mayForce(store('secondary'), true)).not.toBeNull();
    expect(mayForce(store('secondary', { isComplete: false }), false)).not.toBeNull();
    expect(mayForce(store('secondary'), false)).toBeNull();
  });
});
