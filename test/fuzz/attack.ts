/**
 * The same conversations over TCP with real servers: many sockets at once, and bystanders of MQTT.js. What is sent follows from the seed; how it
 * meets at the server does not. A finding: a bystander is disturbed, an answer is none that a server may give, the server stops or says that
 * something went wrong within it.
 */
import { readFile } from 'node:fs/promises';
import { SimRandom } from '../../src/simulator/time/sim-random.ts';
import { corpusFrom } from '../core/mqtt/mutations.ts';
import type { PairUnderTest, ServerUnderTest } from '../system/pair.ts';
import { Ear } from './ear.ts';
import { RealBystanders } from './real-bystanders.ts';
import { SocketWire } from './socket-wire.ts';
import { emptyTally, Talker, type TalkTally } from './talker.ts';

/** Small, so that all of them are met, and sessions that are left end soon; and patient: a machine that is busy is no finding. */
export const ATTACKED = [
  'mqtt.packetSizeMax=1024',
  'mqtt.queueMessagesMax=1000',
  'mqtt.sessionExpiryMax=20',
  'mqtt.backlogSizeMax=65536',
  'timing.peerTimeout=10000',
  'timing.ackTimeout=15000',
] as const;
const PACKET_SIZE_MAX = 1024;
const SOCKETS = 16;
/** A client that hears nothing goes on after so long. */
const PAUSE_MS = 4;
const INNER_FAULT = /unhandled|uncaught|assert|LS_INTERNAL|\bat .*\.js:\d+/i;

export type AttackTally = TalkTally & {
  bystanding: number;
  /** Resident set of the server (MiB). */
  resident: Readonly<{ before: number; after: number }>;
  findings: string[];
};

/** `packets`: spoilt ones at least, to the server that serves. */
export async function attack(
  parts: Readonly<{
    pair: PairUnderTest;
    server: ServerUnderTest;
    seed: number;
    packets: number;
    progress?: (tally: AttackTally) => void;
  }>,
): Promise<AttackTally> {
  const { pair, server, seed, packets, progress } = parts;
  const address = { host: pair.places[server.name].host, port: pair.ports[server.name].mqtt };
  const before = await resident(server);
  const tally: AttackTally = {
    ...emptyTally(),
    bystanding: 0,
    resident: { before, after: before },
    findings: [],
  };
  const from = server.lines.length;
  const finding = (what: string): void => void tally.findings.push(what);
  const isOver = (): boolean => tally.mutated >= packets || tally.findings.length > 0;
  void server.ended.then((code) => finding(`the server has stopped: ${code}`));

  const bystanders = new RealBystanders(address, finding);
  const standing = bystanders.run().catch((failure: unknown) => finding(String(failure)));
  let told = 0;
  const lane = async (n: number): Promise<void> => {
    const random = new SimRandom(seed + n);
    const corpus = corpusFrom(seed + n);
    while (!isOver()) {
      const ear = new Ear(PACKET_SIZE_MAX, new Set());
      const wake = { now: (): void => undefined };
      const hear = (bytes: Buffer): void => {
        try {
          talker.hear(bytes);
        } catch (failure) {
          finding(String(failure));
        }
        wake.now();
      };
      const wire = new SocketWire(address, random.chance(0.15) ? null : hear);
      const talker: Talker = new Talker({ random, wire, ear, corpus, tally });
      while (wire.isOpen && !isOver()) {
        talker.act();
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, PAUSE_MS);
          wake.now = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      wire.abandon();
      await wire.closed;
      if (tally.mutated - told >= PROGRESS) {
        told = tally.mutated;
        tally.bystanding = bystanders.taken;
        tally.resident = { before, after: await resident(server) };
        progress?.(tally);
      }
    }
  };
  await Promise.all(Array.from({ length: SOCKETS }, (_, n) => lane(n)));
  bystanders.stop();
  await standing;
  if (tally.findings.length === 0)
    await gone(pair, server, bystanders.count).catch((failure: unknown) => finding(String(failure)));
  tally.bystanding = bystanders.taken;
  tally.resident = { before, after: await resident(server) };
  const faults = server.lines.slice(from).filter((line) => INNER_FAULT.test(line));
  for (const line of faults) finding(`the server says: ${line}`);
  await bystanders.end();
  return tally;
}

const PROGRESS = 5_000;

/** Fuzzing clients have left no connection behind. */
async function gone(pair: PairUnderTest, { name }: ServerUnderTest, clients: number): Promise<void> {
  await pair.until(`no more than ${clients} clients`, async () =>
    (await pair.status(name))?.clients === clients ? true : null,
  );
}

async function resident({ pid }: ServerUnderTest): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024;
}
