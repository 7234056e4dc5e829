/** What befalls the clients and their way to the servers. */
import type { Strike } from './fault.ts';

export const clientsCutOff: Strike = ({ machine, later }) => {
  machine.port.bar();
  later(() => machine.port.unbar());
};

export const clientLost: Strike = ({ world, random }) =>
  world.clients[random.below(world.clients.length)]?.drop();
