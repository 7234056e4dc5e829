import { describe, expect, test } from 'vitest';
import { otherServer } from '../../src/core/pair/index.ts';
import { freshPair, protectedPair, Traffic } from './traffic.ts';

describe('cold start', () => {
  test.each([[['primary', 'secondary']], [['secondary', 'primary']]] as const)(
    'started as %s, the primary serves and the secondary stands by',
    async (order) => {
      const pair = await freshPair();
      const { active } = await pair.startBoth(order);
      expect(active).toBe('primary');
      expect(pair.server('primary').lines.join('\n')).toContain('Primary Server switched to ACTIVE');
      expect(pair.server('primary').lines.join('\n')).toContain('Secondary Server switched to PASSIVE');
      expect(pair.server('primary').lines.join('\n')).toContain(
        `Successfully acquired lock on: ${pair.lockFile}`,
      );
    },
  );
});

describe('the active goes', () => {
  test('by kill -9: the passive takes over and the killed one returns as PASSIVE by delta', async () => {
    const { pair, active, passive } = await protectedPair();
    const clients = await Traffic.start(pair, 500);
    pair.server(active).kill('SIGKILL');
    await pair.reaches(passive, 'STANDALONE');
    pair.start(active);
    await pair.protected();
    expect(await pair.state(active)).toBe('PASSIVE');
    expect(pair.server(active).lines.join('\n')).toContain('Synchronisation from the peer');
    expect(pair.server(active).lines.join('\n')).not.toContain('Full synchronisation');
    await clients.judged();
  });

  test('by SIGTERM: it drains, tells the peer and releases the lock, and the passive takes over', async () => {
    const { pair, active, passive } = await protectedPair();
    const clients = await Traffic.start(pair, 500);
    pair.server(active).kill('SIGTERM');
    expect(await pair.server(active).ended, pair.transcript()).toBe(0);
    await pair.reaches(passive, 'STANDALONE');
    await clients.judged();
  });

  test('by SIGSTOP: the passive takes over, and the frozen one acknowledges nothing when it wakes', async () => {
    const { pair, active, passive } = await protectedPair();
    const clients = await Traffic.start(pair, 500);
    pair.server(active).kill('SIGSTOP');
    await pair.reaches(passive, 'STANDALONE');
    pair.server(active).kill('SIGCONT');
    await pair.protected();
    expect(await pair.state(active)).toBe('PASSIVE');
    await clients.judged();
  });
});

describe('the passive goes', () => {
  test.each(['SIGKILL', 'SIGTERM'] as const)(
    'by %s: the active goes on alone, and the pair protects again on return',
    async (signal) => {
      const { pair, active, passive } = await protectedPair();
      const clients = await Traffic.start(pair, 500);
      pair.server(passive).kill(signal);
      await pair.reaches(active, 'STANDALONE');
      await pair.server(passive).ended;
      pair.start(passive);
      await pair.protected();
      expect(await pair.state(active)).toBe('ACTIVE');
      await clients.judged();
    },
  );

  test('by SIGSTOP past peerTimeout and ackTimeout: acknowledgements go on after the shrink is written', async () => {
    const { pair, active, passive } = await protectedPair();
    const clients = await Traffic.start(pair, 500);
    pair.server(passive).kill('SIGSTOP');
    await pair.reaches(active, 'STANDALONE');
    pair.server(passive).kill('SIGCONT');
    await pair.protected();
    expect(await pair.state(active)).toBe('ACTIVE');
    await clients.judged();
  });
});

describe('switchover', () => {
  test('there and back under load, asked of either server: nothing lost, and the report says who serves', async () => {
    const { pair, active, passive } = await protectedPair();
    const clients = await Traffic.start(pair, 500);
    expect(await pair.client(active).switchover('maintenance')).toMatchObject({
      kind: 'done',
      nowServing: passive,
    });
    expect(await pair.protected()).toEqual({ active: passive, passive: active });
    for (const name of [active, passive])
      expect(pair.server(name).lines.join('\n')).toContain(
        'Server switched to WAITING (from ACTIVE: switchover: maintenance)',
      );
    expect(await pair.client(active).switchover('and back')).toMatchObject({
      kind: 'done',
      nowServing: active,
    });
    expect(await pair.protected()).toEqual({ active, passive });
    await clients.judged();
  });
});

describe('both go', () => {
  test.each(['SIGKILL', 'SIGTERM'] as const)(
    'one after the other by %s: the first of them, started alone, never serves; the last one does (Claim)',
    async (signal) => {
      const { pair, active, passive } = await protectedPair();
      const clients = await Traffic.start(pair, 300);
      pair.server(passive).kill(signal);
      await pair.server(passive).ended;
      await pair.reaches(active, 'STANDALONE');
      await clients.judged();
      pair.server(active).kill(signal);
      await pair.server(active).ended;
      pair.start(passive);
      await pair.server(passive).line(/does not serve: the record does not name this store/);
      expect(pair.server(passive).states()).toEqual(['WAITING']);
      pair.server(passive).kill(signal);
      await pair.server(passive).ended;
      pair.start(active);
      await pair.reaches(active, 'STANDALONE');
      pair.start(passive);
      expect(await pair.protected()).toEqual({ active, passive });
      await clients.judged();
    },
  );

  test.each(['activeFirst', 'passiveFirst'] as const)(
    'both killed and started again, %s: nothing acknowledged is lost',
    async (order) => {
      const { pair, active, passive } = await protectedPair();
      const clients = await Traffic.start(pair, 500);
      pair.server(passive).kill('SIGKILL');
      pair.server(active).kill('SIGKILL');
      await Promise.all([pair.server(active).ended, pair.server(passive).ended]);
      const first = order === 'activeFirst' ? active : passive;
      pair.start(first);
      pair.start(otherServer(first));
      await pair.protected();
      await clients.judged();
    },
  );
});
