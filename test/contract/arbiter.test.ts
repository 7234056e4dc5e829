/** One contract, two runs: the simulated share, and keeper processes on real files. */
import { SimShare } from '../../src/simulator/share/sim-share.ts';
import { arbiterContract } from './arbiter-contract.ts';
import { realClock as clock, ShareFixture } from './share-fixture.ts';

arbiterContract('simulated share', async () => {
  const share = new SimShare({ clock, keeperTimeoutMs: 1_000, latencyMs: 1 });
  const lost: { primary: string[]; secondary: string[] } = { primary: [], secondary: [] };
  const primary = share.arbiter('primary', { lockLost: (why) => void lost.primary.push(why) });
  const secondary = share.arbiter('secondary', { lockLost: (why) => void lost.secondary.push(why) });
  return {
    primary,
    secondary,
    lost,
    spoil: async (server, copies) => share.spoil(server, copies),
    close: async () => {
      await Promise.all([primary.close(), secondary.close()]);
    },
  };
});

arbiterContract('keeper on real files', async () => {
  const fixture = await ShareFixture.create();
  return {
    primary: fixture.arbiter('primary'),
    secondary: fixture.arbiter('secondary'),
    lost: fixture.lost,
    spoil: (server, copies) => fixture.spoil(server, copies),
    close: () => fixture.close(),
  };
});
