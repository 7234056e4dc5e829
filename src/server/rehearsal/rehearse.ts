/**
 * What a server does with its peer and its first clients, done once before it has to: code that has never run is read and compiled when it is
 * first called, and a takeover is the worst moment for that. A pair of scratch stores below the server's own, a port of loopback that the system
 * chooses, no share. What a run that was killed meanwhile left of it, the next one takes away.
 */
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import type { Clock, Log, Random } from '../../base/index.ts';
import { AcceptLimits, ClientListener } from '../../io/net/index.ts';
import { NodeScrypt } from '../../io/passwords/index.ts';
import type { Profile } from '../../profile/index.ts';
import { AccessGate } from '../../runtime/access/index.ts';
import { Connections } from '../../runtime/connections/index.ts';
import type { Replication } from '../../runtime/replication/index.ts';
import { ScratchPair } from './scratch-pair.ts';

export type RehearsalParts = Readonly<{
  profile: Pick<Profile, 'mqtt' | 'access'> & Readonly<{ store: Pick<Profile['store'], 'path'> }>;
  /** False from the moment on when this server has something better to do: it serves, or stops. */
  goesOn: () => boolean;
  clock: Clock;
  random: Random;
  log: Log;
}>;

/** Often enough that what is compiled on the first call has been, and what is looked up has been seen twice. */
const ROUNDS = 10;
/** Each of its parts that takes longer is given up: nothing waits for it. */
const PATIENCE_MS = 5_000;

/**
 * MQTT 3.1.1 and 5.0, one after the other: a durable session, what it subscribes to, and a message of each QoS, the last one released. Each packet
 * is answered.
 */
const SCRIPTS: readonly (readonly string[])[] = [
  [
    '100e 0004 4d515454 04 00 003c 0002 7231',
    '8206 0001 0001 74 01',
    '3004 0001 74 78',
    '3206 0001 74 0001 78',
    '3406 0001 74 0002 78',
    '6202 0002',
  ],
  [
    '1014 0004 4d515454 05 00 003c 05 11 0000003c 0002 7232',
    '8207 0001 00 0001 74 01',
    '3005 0001 74 00 78',
    '3207 0001 74 0001 00 78',
    '3407 0001 74 0002 00 78',
    '6202 0002',
  ],
];

const SILENT: Log = { say: () => undefined };

/**
 * Fulfils when it has been done, with the messages that were taken and sent. Never rejects; what it does not get to is compiled when it is needed.
 */
export async function rehearse(
  parts: RehearsalParts,
): Promise<Readonly<{ messagesIn: number; messagesOut: number }>> {
  // Or the collector throws away what is compiled and has not been called for a while.
  setFlagsFromString('--no-flush-bytecode');
  const directory = join(parts.profile.store.path, 'rehearsal');
  try {
    await rm(directory, { recursive: true, force: true });
    return await perform(parts, directory);
  } catch (failure) {
    parts.log.say({ level: 'debug', text: `The rehearsal broke off: ${String(failure)}` });
    return { messagesIn: 0, messagesOut: 0 };
  } finally {
    await rm(directory, { recursive: true, force: true }).catch(() => undefined);
  }
}

async function perform(parts: RehearsalParts, directory: string) {
  const { clock, random } = parts;
  const stage: { connections: Connections | null } = { connections: null };
  const pair = await ScratchPair.open({
    directory,
    patienceMs: PATIENCE_MS,
    applied: () => stage.connections?.applied(),
    clock,
    random,
    log: SILENT,
  });
  const listener = scratchListener(clock);
  const connections = scratchConnections(parts, pair.serving, listener);
  stage.connections = connections;
  try {
    await connections.open();
    for (let round = 0; round < ROUNDS; round += 1)
      for (const script of SCRIPTS) if (parts.goesOn()) await visit(listener.port ?? 0, script);
    const { messagesIn, messagesOut } = connections.stats();
    return { messagesIn, messagesOut };
  } finally {
    await connections.close('the rehearsal is over');
    await pair.close();
  }
}

const scratchListener = (clock: Clock): ClientListener =>
  new ClientListener({
    name: 'mqtt',
    place: { host: '127.0.0.1', port: 0, proxyProtocol: 'off' },
    certificates: null,
    webSocket: null,
    arrivalMs: PATIENCE_MS,
    limits: new AcceptLimits({ connectionsMax: 10, ratePerAddressMax: 0, rushMs: 0, clock }),
    clock,
    log: SILENT,
  });

function scratchConnections(
  { profile, clock, random }: RehearsalParts,
  { replica: { broker }, pipeline }: Replication,
  listener: ClientListener,
): Connections {
  return new Connections({
    broker,
    proposals: pipeline,
    access: new AccessGate({
      state: () => broker.access,
      options: { ...profile.access, anonymous: 'allow' },
      hashing: new NodeScrypt(),
      key: createHmac('sha256', random.id()).digest(),
      decoyKey: createHmac('sha256', random.id()).digest(),
      nonce: () => random.id(),
    }),
    listeners: [listener],
    clock,
    random,
    log: SILENT,
    options: profile.mqtt,
    peerReference: () => null,
    self: { version: '', heapBytes: () => 0, pair: () => null },
  });
}

/** Fulfils when the client has said everything, has heard something after each packet, and is gone. */
async function visit(port: number, packets: readonly string[]): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  const signal = AbortSignal.timeout(PATIENCE_MS);
  try {
    await once(socket, 'connect', { signal });
    for (const packet of packets) {
      socket.write(Buffer.from(packet.replaceAll(' ', ''), 'hex'));
      await once(socket, 'data', { signal });
    }
    socket.end();
    await once(socket, 'close', { signal });
  } finally {
    socket.destroy();
  }
}
