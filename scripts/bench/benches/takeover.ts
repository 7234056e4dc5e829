/** How long ordinary clients wait: MQTT.js, as it comes, with both servers in its list. `gap` asks a quicker client, and by more causes. */
import type { ServerName } from '../../../src/core/pair/index.ts';
import { connected, judge, Publisher, Subscriber } from '../../../test/system/clients.ts';
import type { Bench } from '../bench.ts';
import { pairRoles, startedPair } from '../brokers.ts';
import { watch } from '../processes.ts';

export const takeover: Bench = {
  name: 'takeover',
  question: 'How long do ordinary clients wait when the active is killed, and is anything lost?',
  setup:
    'A pair with the times that are shipped; a publisher of QoS 1 messages at a steady rate and a durable subscriber, both MQTT.js with both servers in their list. Each run: a second of traffic, the signal, traffic again, the server is started again and the pair protects again. All that was acknowledged in all runs is held against what was delivered.',
  unit: 'ms between two acknowledgements',
  columns: { gap: 'ms' },
  needsBuild: true,
  takesOthers: false,
  runs: 20,
  options: {
    rate: { default: '2000', text: 'messages a second' },
    signal: { default: 'SIGKILL', text: 'what the active gets' },
  },
  async run(session) {
    const rate = session.number('rate');
    const signal = session.option('signal') as NodeJS.Signals; // as given on the command line
    const { pair } = await startedPair(session);
    const subscriber = await Subscriber.subscribe(pair);
    const publisher = new Publisher(pair, 'publisher');
    session.closeLater(() => Promise.all([publisher.end(), subscriber.end()]).then(() => undefined));
    await connected(publisher.client);
    publisher.start(rate);
    const point = `${signal} at ${rate}/s`;
    const more = (than: number): Promise<true> =>
      pair.until('traffic', async () => (publisher.acked.size > than ? true : null));
    await session.alternate([
      {
        name: point,
        measure: async () => {
          const roles: Record<'active' | 'passive', ServerName> = await pair.protected();
          const cost = watch(await pairRoles(pair, roles));
          await more(publisher.acked.size + rate);
          const since = performance.now() - 20;
          pair.server(roles.active).kill(signal);
          await pair.reaches(roles.passive, 'STANDALONE');
          await more(publisher.acked.size + rate / 2);
          const gap = publisher.longestGap(since);
          const processes = cost();
          await pair.server(roles.active).ended;
          pair.start(roles.active);
          await pair.protected();
          return { figures: { gap }, processes };
        },
      },
    ]);
    await publisher.finish();
    await subscriber.drained([publisher]);
    const { lost, unexpected, duplicates, outOfOrder } = judge([publisher], subscriber);
    session.report.note(
      point,
      `sent ${publisher.sent}, acknowledged ${publisher.acked.size}, lost ${lost}, unexpected ${unexpected}, duplicates ${duplicates}, out of order ${outOfOrder}`,
    );
    if (lost + unexpected + outOfOrder > 0) process.exitCode = 1;
  },
};
