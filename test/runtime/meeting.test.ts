/**
 * Two servers that meet again while one of them changes its state. Found by the explorer: between a server's hello and the peer's nobody was told
 * of a change, and both waited for the other's next one for ever. Source: PROTOCOL.md §3 (every change of state goes to the peer), §4.1.
 */
import { expect, test } from 'vitest';
import { LONG_MS, TwoServers } from './two-servers.ts';

test.each([700, 750, 800, 850])(
  'a passive that gives up on the gateway just after it has said hello, %i ms after the reset, is told of and joins again (§3)',
  async (ms) => {
    const pair = await TwoServers.together();
    pair.secondary.gateway.isSilent = true;
    // So slow that the hellos cross while the passive waits for the gateway.
    pair.network.slow(100);
    pair.network.reset('reset');
    pair.network.cut();
    await pair.run(ms);
    pair.network.heal();
    await pair.run(3_000);
    pair.network.slow(1);
    pair.secondary.gateway.isSilent = false;

    expect(await pair.until(() => pair.states === 'ACTIVE/PASSIVE', LONG_MS)).toBe(true);
  },
);
