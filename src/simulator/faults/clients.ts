/** What befalls the clients and their way to the servers. */
import type { Strike } from './fault.ts';

export const clientsCutOff: Strike = ({ machine, later }) => {
  machine.port.bar();
  later(() => machine.port.unbar());
};

export const clientLost: Strike = ({ world, random }) =>
  world.clients[random.below(world.clients.length)]?.drop();

export const clientsCutOneWay: Strike = ({ machine, random, later }) => {
  machine.port.bar([random.chance(0.5) ? 'toServer' : 'toClient']);
  later(() => machine.port.unbar());
};

/** One client's line takes nothing more from the server: what is for it waits there. */
export const clientStalled: Strike = ({ machine, later }) => {
  machine.port.stallOne();
  later(() => machine.port.unbar());
};

/** A consumer says farewell with messages in flight, and comes back later. */
export const consumerLeaves: Strike = ({ world, random, later }) => {
  const consumer = random.oneOf(world.consumers);
  if (world.away.has(consumer)) return;
  consumer.stop();
  world.away.add(consumer);
  later(() => {
    world.away.delete(consumer);
    consumer.start();
  });
};

/**
 * Another client connects under a consumer's name, takes its session over, and goes without a word. With QoS 1 only: two clients that don't know
 * what the other has released have no exactly-once. Source: MQTT-3.1.4-2.
 */
export const sessionTakenOver: Strike = ({ world, random, later }) => {
  const twin = random.oneOf(world.consumers.filter(({ log }) => log.qos === 1)).twin();
  twin.start();
  later(() => twin.die());
};

/** A client with a will is gone for good, without a farewell; another is born. Source: MQTT-3.1.2-8. */
export const clientDies: Strike = ({ world, random }) => random.oneOf(world.mortals).die();
