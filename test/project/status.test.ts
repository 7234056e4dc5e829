/** What `status` makes of the two servers' states, in operators' words. Source: PROTOCOL.md §3. */
import { expect, test } from 'vitest';
import { costOfStop, timeOfDay, verdict, type ServerStatus } from '../../src/admin/index.ts';
import { endingOf } from '../../src/cli/status.ts';
import { bytesText, statusScreen } from '../../src/cli/status-screen.ts';
import { epoch, seq } from '../../src/core/pair/index.ts';

const since = new Date(2026, 0, 5, 10, 4).getTime();

const active: ServerStatus = {
  server: 'primary',
  state: 'ACTIVE',
  since,
  why: 'the record names both',
  peer: { state: 'PASSIVE', since },
  lock: { isHeld: true, path: '/share/lock.lck', isKeeperAlive: true },
  epoch: 7,
  inSync: ['primary', 'secondary'],
  isNamed: true,
  stamp: { epoch: epoch(7), seq: seq(100) },
  floor: { epoch: epoch(7), seq: seq(1) },
  lag: { entries: 0, bytes: 0 },
  sync: null,
  clients: 3,
  queuedMessages: 12,
  share: { isReachable: true, recordVersion: 15 },
  gateway: { hasEverAnswered: true, lastAnswered: true },
  version: '0.1.0',
  pid: 4711,
  store: { path: '/var/lib/lockstep/haprofile1/primary/store', storeId: 'a1' },
};
const passive: ServerStatus = {
  ...active,
  server: 'secondary',
  state: 'PASSIVE',
  peer: { state: 'ACTIVE', since },
  lock: { ...active.lock, isHeld: false },
};
const alone: ServerStatus = {
  ...active,
  state: 'STANDALONE',
  inSync: ['primary'],
  peer: { state: 'DEAD', since },
};

test('ACTIVE and PASSIVE are protected, each by its own word', () => {
  expect(verdict(active, passive)).toEqual({ kind: 'protected', text: 'protected' });
  expect(verdict(passive, active)).toEqual({ kind: 'protected', text: 'protected' });
});

test('an ACTIVE server without the lock warns that a second fault would stop service', () => {
  const text = verdict({ ...active, lock: { ...active.lock, isHeld: false } }, passive).text;
  expect(text).toBe('protected, but without the lock: a second fault would stop service');
});

test('STANDALONE says since when, and what became of the other', () => {
  expect(verdict(alone, null)).toEqual({
    kind: 'alone',
    text: 'running alone since 10:04: secondary is DEAD',
  });
  expect(timeOfDay(since)).toBe('10:04');
});

test('a synchronisation under way says how far it is, on both sides', () => {
  const sync = { percent: 43.9, megabytesPerSecond: 12, entriesToGo: 3000 };
  expect(verdict({ ...active, state: 'ACTIVE_SYNC', sync }, null).text).toBe(
    'running alone until secondary has caught up (43 %, 3000 entries to go)',
  );
  expect(verdict({ ...passive, state: 'PASSIVE_SYNC', sync }, alone)).toEqual({
    kind: 'standby',
    text: 'would not take over: still catching up (43 %, 3000 entries to go)',
  });
});

test.each([
  ['a store below its floor', { floor: { epoch: epoch(8), seq: seq(1) } }, 'store is behind the record'],
  ['a store that was struck off', { isNamed: false }, 'the record does not name this store'],
  ['a share that hangs', { share: { isReachable: false, recordVersion: null } }, 'the share does not answer'],
  ['a silent gateway', { gateway: { hasEverAnswered: true, lastAnswered: false } }, 'the gateway is silent'],
])('%s would not take over (rule Claim)', (_, fault, words) => {
  const waiting: ServerStatus = { ...passive, state: 'WAITING', ...fault };
  expect(verdict(waiting, alone)).toEqual({ kind: 'standby', text: `would not take over: ${words}` });
  expect(verdict(waiting, null).text).toContain('would not take over');
  expect(verdict({ ...waiting, peer: { state: 'DEAD', since } }, null)).toEqual({
    kind: 'down',
    text: `not serving: ${words}`,
  });
});

test('before a stop it is said whether anybody serves after it: only a passive that the record names takes over (rule Claim)', () => {
  expect(costOfStop(active, passive)).toBeNull();
  expect(costOfStop(passive, active)).toBeNull();
  expect(costOfStop(alone, null)).toBe(
    'nobody serves once primary has stopped: secondary does not answer: not running, or out of reach from here',
  );
  const joiner: ServerStatus = { ...passive, state: 'PASSIVE_SYNC', isNamed: false };
  expect(costOfStop({ ...active, state: 'ACTIVE_SYNC' }, joiner)).toBe(
    'nobody serves once primary has stopped: secondary would not take over: still catching up',
  );
  expect(costOfStop(active, { ...passive, isNamed: false })).toContain(
    'nobody serves once primary has stopped',
  );
});

test('the exit code is that of the pair; a server that does not answer is judged by what the other sees of it', () => {
  expect(endingOf({ primary: active, secondary: passive })).toBe('done');
  expect(endingOf({ primary: alone, secondary: null })).toBe('alone');
  expect(endingOf({ primary: null, secondary: { ...passive, peer: { state: 'DEAD', since } } })).toBe('down');
  expect(endingOf({ primary: null, secondary: passive })).toBe('done');
  expect(endingOf({ primary: null, secondary: null })).toBe('silent');
});

test('the screen shows both servers side by side, and no line is wider than 108 characters', () => {
  const lines = statusScreen({ primary: active, secondary: { ...passive, why: 'word '.repeat(40) } }).split(
    '\n',
  );
  expect(lines[0]).toMatch(/^ +primary +secondary$/);
  expect(lines.find((line) => line.startsWith('state'))).toMatch(/^state +ACTIVE +PASSIVE$/);
  expect(lines.find((line) => line.startsWith('lag'))).toMatch(/0 entries, 0 B/);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(108);
  expect([bytesText(5), bytesText(2048), bytesText(3 * 1024 ** 2)]).toEqual(['5 B', '2.0 KiB', '3.0 MiB']);
});
