/** Port `Channel`: the real one over loopback and the simulated one keep the same contract. */
import { expect } from 'vitest';
import { SimClock } from '../../src/simulator/time/sim-clock.ts';
import { SimNetwork } from '../../src/simulator/network/sim-network.ts';
import { SimRandom } from '../../src/simulator/time/sim-random.ts';
import { channelContract, Observer } from './channel-contract.ts';
import { WsPair } from './ws-pair.ts';

channelContract('WebSocket', async () => {
  const pair = await WsPair.fresh();
  return { start: (server) => pair.start(server), until: pair.until, close: pair.close };
});

for (const seed of [1, 2, 3])
  channelContract(`simulated network, seed ${seed}`, async () => {
    const clock = new SimClock();
    const network = new SimNetwork(clock, new SimRandom(seed));
    return {
      start: async (server) => {
        const side = { channel: network.channel(server), seen: new Observer(() => undefined) };
        await side.channel.open(side.seen);
        return side;
      },
      until: async (isSo) => expect(await clock.runUntil(isSo, 60_000)).toBe(true),
      close: () => Promise.resolve(),
    };
  });
