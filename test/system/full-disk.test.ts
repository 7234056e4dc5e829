/** A store's disk has no more room: the process ends in order, and the pair is whole again once there is room. Source: PROTOCOL.md §2 Ack. */
import { expect, test } from 'vitest';
import { protectedPair, Traffic } from './traffic.ts';

/** Enough for what a store begins with, too little for its state: as full a disk as one gets without being root. */
const ROOM = ['prlimit', '--fsize=8500'];

test('a passive that has no room for its state says so and ends with exit code 7; the active serves on, and both protect each other when there is room (Ack)', async () => {
  const { pair, active, passive } = await protectedPair(['log.file=']);
  // Killed, it has its state to make anew from its journal.
  pair.server(passive).kill('SIGKILL');
  await pair.server(passive).ended;
  await pair.reaches(active, 'STANDALONE');
  const place = pair.places[passive];
  pair.places[passive] = { ...place, command: ROOM };
  const server = pair.start(passive);
  expect(await server.ended, pair.transcript()).toBe(7);
  expect(server.lines.join('\n')).toMatch(
    /This server stops to protect the messages: the state in .*\[LS_SERVER_STOPPED\]/,
  );
  expect(server.lines.join('\n')).not.toContain('Node.js v');
  await pair.reaches(active, 'STANDALONE');
  pair.places[passive] = place;
  pair.start(passive);
  expect(await pair.protected()).toEqual({ active, passive });
  const traffic = await Traffic.start(pair, 50);
  await traffic.judged();
});
