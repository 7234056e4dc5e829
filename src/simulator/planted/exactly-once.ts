/** What a new active may not forget of its clients' handshakes. Source: PROTOCOL.md §1 (state); MQTT-4.3.3-2. */
import { PUBLISHERS } from '../clients/publisher.ts';
import type { SimMachine } from '../pair/sim-machine.ts';
import type { Plant } from './plant.ts';
import { arbiterWith } from './substitutes.ts';

/** Whoever begins to serve has forgotten which messages came with QoS 2: one that is sent again is taken for a new one. */
export const qos2DuplicateLetThrough = (): Plant => ({
  arbiter: (arbiter, machine) => {
    let epoch = 0;
    return arbiterWith(arbiter, {
      // The first that a serving server calls committed is its claim's own entry, with all before it applied.
      committed: (stamp) => {
        if (stamp.epoch > epoch) forgetReceived(machine);
        epoch = stamp.epoch;
        arbiter.committed(stamp);
      },
    });
  },
});

function forgetReceived({ server }: SimMachine): void {
  for (const clientId of PUBLISHERS) server?.broker.sessionOf(clientId)?.handshakes.received.clear();
}
