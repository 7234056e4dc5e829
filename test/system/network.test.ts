/** The backchannel is cut, both ways, one way, for a moment or for long, and the gateway falls silent. Source: PROTOCOL.md §3, §4. */
import { describe, expect, onTestFinished, test } from 'vitest';
import type { ServerName } from '../../src/core/pair/index.ts';
import { Backchannel, GatewayUnderTest } from './network.ts';
import type { PairUnderTest } from './pair.ts';
import { freshPair, Traffic } from './traffic.ts';

type Network = Readonly<{
  pair: PairUnderTest;
  backchannel: Backchannel;
  active: ServerName;
  passive: ServerName;
  gateways: Readonly<Record<ServerName, GatewayUnderTest>>;
}>;

async function network(sets: readonly string[] = []): Promise<Network> {
  const pair = await freshPair(sets);
  const backchannel = await Backchannel.between(pair);
  onTestFinished(() => backchannel.close());
  const gateways = { primary: await GatewayUnderTest.start(), secondary: await GatewayUnderTest.start() };
  for (const name of ['primary', 'secondary'] as const) {
    onTestFinished(() => gateways[name].close());
    pair.own[name].push(`gateway.port=${gateways[name].port}`);
  }
  return { pair, backchannel, gateways, ...(await pair.startBoth()) };
}

describe('the backchannel is cut, and the gateway answers', () => {
  test('for less than peerTimeout: nobody changes state, acknowledgements wait and go on (§4)', async () => {
    const { pair, backchannel, active, passive } = await network([
      'timing.peerTimeout=5000',
      'timing.ackTimeout=5000',
    ]);
    const traffic = await Traffic.start(pair, 500);
    const from = { [active]: pair.server(active).lines.length, [passive]: pair.server(passive).lines.length };
    backchannel.cut('primary', 'secondary');
    await pair.stores(active, 1);
    // What was committed before the cut has been acknowledged by now; of what is stored since, nothing may be.
    const { acked } = traffic;
    await pair.stores(active, 5);
    expect(traffic.acked).toBe(acked);
    backchannel.heal();
    await traffic.flows();
    await traffic.judged();
    for (const name of [active, passive]) expect(pair.server(name).states(from[name])).toEqual([]);
  });

  test('for longer: the active shrinks and goes on alone, the passive never serves, and both protect again after it (Shrink)', async () => {
    const { pair, backchannel, active, passive } = await network();
    const traffic = await Traffic.start(pair, 500);
    backchannel.cut('primary', 'secondary');
    await pair.reaches(active, 'STANDALONE');
    await pair.reaches(passive, 'WAITING');
    await traffic.flows(200);
    backchannel.heal();
    expect(await pair.protected()).toEqual({ active, passive });
    await traffic.judged();
    expect(pair.server(passive).states()).not.toContain('STANDALONE');
  });

  test.each(['active', 'passive'] as const)(
    'one way, what the %s sends is lost: each finds out, one goes on alone, and both protect again after it (REASONS B9)',
    async (role) => {
      const net = await network();
      const { pair, backchannel, active, passive } = net;
      const traffic = await Traffic.start(pair, 500);
      backchannel.cut(net[role]);
      await pair.reaches(active, 'STANDALONE');
      await pair.reaches(passive, 'WAITING');
      await traffic.flows(200);
      backchannel.heal();
      expect(await pair.protected()).toEqual({ active, passive });
      await traffic.judged();
      expect(pair.server(passive).states()).not.toContain('STANDALONE');
    },
  );

  test('broken and dialled anew at once, five times: the session is over each time, and both protect again (REASONS A12)', async () => {
    const { pair, backchannel, active, passive } = await network();
    const traffic = await Traffic.start(pair, 500);
    for (let flap = 1; flap <= 5; flap += 1) {
      const from = pair.server(active).lines.length;
      backchannel.reset();
      await pair.server(active).line(new RegExp(`${passive} Server is DEAD`, 'i'), from);
      await pair.server(active).line(new RegExp(`${passive} Server switched to PASSIVE `, 'i'), from);
      await traffic.flows();
    }
    await traffic.judged();
  });
});

describe('the backchannel is cut, and the gateway is silent', () => {
  test('for the active alone: it is WAITING without a try for the lock, and the passive takes over (§4.1)', async () => {
    const { pair, backchannel, gateways, active, passive } = await network();
    const traffic = await Traffic.start(pair, 500);
    await gateways[active].freeze();
    backchannel.cut('primary', 'secondary');
    await pair.reaches(active, 'WAITING');
    expect((await pair.status(active))?.why).toContain('the gateway is silent');
    await pair.reaches(passive, 'STANDALONE');
    expect(pair.server(active).states()).not.toContain('STANDALONE');
    await traffic.flows();
    backchannel.heal();
    expect(await pair.protected()).toEqual({ active: passive, passive: active });
    await traffic.judged();
  });

  test('for the passive alone: it is WAITING, and the active goes on alone (§4.1)', async () => {
    const { pair, backchannel, gateways, active, passive } = await network();
    const traffic = await Traffic.start(pair, 500);
    await gateways[passive].freeze();
    backchannel.cut('primary', 'secondary');
    await pair.reaches(passive, 'WAITING');
    expect((await pair.status(passive))?.why).toContain('the gateway is silent');
    await pair.reaches(active, 'STANDALONE');
    await traffic.flows();
    await traffic.judged();
    expect(pair.server(passive).states()).not.toContain('STANDALONE');
  });

  test('for both: nobody serves, and both protect again once they see each other, with the gateway still silent (§3, §6)', async () => {
    const { pair, backchannel, gateways, active, passive } = await network();
    const traffic = await Traffic.start(pair, 500);
    await gateways[active].freeze();
    await gateways[passive].freeze();
    backchannel.cut('primary', 'secondary');
    await pair.reaches(active, 'WAITING');
    await pair.reaches(passive, 'WAITING');
    backchannel.heal();
    await pair.protected();
    await traffic.judged();
    for (const name of [active, passive]) expect(pair.server(name).states()).not.toContain('STANDALONE');
  });
});
