/** What befalls a whole machine: nobody is told, and the file server keeps its lock until the lease has run out. */
import { otherServer, type ServerName } from '../../core/pair/index.ts';
import { SERVERS, type SimPair } from '../pair/sim-pair.ts';
import type { Strike } from './fault.ts';

const LEASE_MS_MAX = 10_000;
const WALL_JUMP_MS_MAX = 3_600_000;

export const powerLoss: Strike = ({ machine, random, later }) => {
  machine.powerLoss(random.unit() * LEASE_MS_MAX);
  later(() => machine.start());
};

export const powerLossOfBoth: Strike = ({ pair, random, later }) => {
  for (const name of SERVERS) pair.machines[name].powerLoss(random.unit() * LEASE_MS_MAX);
  for (const name of SERVERS) later(() => pair.machines[name].start());
};

/** A virtual machine is paused: its own time stands still too, and its lease may run out meanwhile. Source: REASONS.md A5. */
export const freezeMachine: Strike = ({ pair, machine, server, random, later }) => {
  machine.freeze('machine');
  if (random.chance(0.5)) later(() => pair.share.expire(server));
  later(() => machine.thaw());
};

/** The clock on the wall is set, by up to an hour either way. Nothing that decides may look at it. Source: PROTOCOL.md §1 (stamp). */
export const wallClockJumps: Strike = ({ machine, random }) =>
  machine.clock.jumpWall((random.unit() - 0.5) * 2 * WALL_JUMP_MS_MAX);

/** The machine comes back with an empty disk. */
export const storeLost: Strike = ({ pair, machine, server, random, later }) => {
  if (!isSpare(pair, server)) return;
  machine.powerLoss(random.unit() * LEASE_MS_MAX);
  machine.wipe();
  later(() => machine.start());
};

/** The peer holds everything, and nothing of this server's can be on its way to the record. */
export function isSpare(pair: SimPair, server: ServerName): boolean {
  const peer = pair.machines[otherServer(server)];
  const own = pair.machines[server].server;
  const reading = pair.share.reading();
  if (peer.server === null || own?.pair.step !== 'PASSIVE.following' || reading.kind !== 'record')
    return false;
  return reading.record.inSync[peer.name] === peer.disk.current;
}
