/** What befalls the lines between the servers, the gateway and the clients. A line that is cut is silent, and nobody is told. */
import { SERVERS } from '../pair/sim-pair.ts';
import type { Strike } from './fault.ts';

export const cut: Strike = ({ pair, later }) => {
  pair.network.cut();
  later(() => pair.network.heal());
};

export const cutOneWay: Strike = ({ pair, server, later }) => {
  pair.network.cutOneWay(server);
  later(() => pair.network.heal());
};

export const resetChannel: Strike = ({ pair }) => pair.network.reset('the connection was reset');

export const channelLostForOne: Strike = ({ pair, server }) => pair.network.loseFor(server);

export const slowChannel: Strike = ({ pair, random, later }) => {
  pair.network.slow(10 ** (1 + random.unit() * 2));
  later(() => pair.network.slow(1));
};

/** One server is cut off from its peer and the gateway, mostly also from the share and the clients. Source: PROTOCOL.md §4.1. */
export const isolate: Strike = ({ pair, machine, server, random, later }) => {
  pair.network.cut();
  machine.gateway.isSilent = true;
  if (random.chance(0.7)) pair.share.hang([server]);
  if (random.chance(0.7)) machine.port.bar();
  later(() => {
    pair.network.heal();
    machine.gateway.isSilent = false;
    pair.share.heal([server]);
    machine.port.unbar();
  });
};

export const gatewaySilent: Strike = ({ pair, random, machine, later }) => {
  const silent = random.chance(0.5) ? [machine] : SERVERS.map((name) => pair.machines[name]);
  for (const one of silent) one.gateway.isSilent = true;
  later(() => {
    for (const one of silent) one.gateway.isSilent = false;
  });
};

/** Any of the lines between primary, secondary, gateway and clients is cut or not, each one way or both: whatever comes of it. */
export const partition: Strike = ({ pair, random, later }) => {
  for (const name of SERVERS) {
    const { gateway, port } = pair.machines[name];
    if (random.chance(0.4)) pair.network.cutOneWay(name);
    const toGateway = random.oneOf(['open', 'open', 'cut', 'answersLost'] as const);
    gateway.isSilent = toGateway !== 'open';
    if (toGateway === 'cut') pair.share.hang([name]);
    if (toGateway === 'answersLost') pair.share.deafen([name]);
    port.bar(random.oneOf([[], [], ['toServer'], ['toClient'], ['toServer', 'toClient']] as const));
  }
  later(() => {
    pair.network.heal();
    pair.share.heal();
    for (const name of SERVERS) {
      pair.machines[name].gateway.isSilent = false;
      pair.machines[name].port.unbar();
    }
  });
};
