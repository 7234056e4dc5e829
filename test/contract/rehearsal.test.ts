/** What a passive does once before it has clients of its own. Source: src/server/rehearsal.ts. */
import { expect, test } from 'vitest';
import { SystemRandom } from '../../src/io/system/index.ts';
import { rehearse } from '../../src/server/rehearsal.ts';
import { defaultOptions } from '../runtime/serving.ts';
import { LogList } from './disk-fixture.ts';

test.each(['allow', 'deny'] as const)(
  'a rehearsal goes through sessions of both versions and messages of each QoS to its end, where anonymous clients are: %s',
  async (anonymous) => {
    const log = new LogList();
    const profile = {
      mqtt: { ...defaultOptions, sysInterval: 10_000 },
      access: { anonymous, certificateNames: 'ignore' },
    } as const;
    const { messagesIn, messagesOut } = await rehearse(profile, new SystemRandom(), log);
    expect(log.lines).toEqual([]);
    // Twenty rounds, two clients, three messages.
    expect(messagesIn).toBe(120);
    expect(messagesOut).toBeGreaterThan(120);
  },
);
