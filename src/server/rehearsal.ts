/**
 * What a server does with its first clients, done once before it has any: code that has never run is read and compiled when it is first called, and
 * a takeover is the worst moment for that. Everything is a scratch copy in memory: no port, no disk, no pair, and nothing is left of it.
 */
import { createHmac } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { ByteWriter, type Clock, type Log, type Random } from '../base/index.ts';
import { Broker, encodeOp, type Op, type Outcome } from '../core/broker/index.ts';
import { NodeScrypt } from '../io/passwords/index.ts';
import type { ByteStream, Listener, ListenerEvents, StreamEvents } from '../ports/index.ts';
import type { Profile } from '../profile/index.ts';
import { AccessGate } from '../runtime/access/index.ts';
import { Connections, type Proposals } from '../runtime/connections/index.ts';

/** Often enough that what is compiled on the first call has been, and what is looked up has been seen twice. */
const ROUNDS = 20;

/** MQTT 3.1.1 and 5.0, one after the other: a durable session, what it subscribes to, and a message of each QoS, the last one released. */
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

/**
 * Fulfils when it has been done, with the messages that were taken and sent. Never rejects; what it does not get to is compiled when it is needed.
 */
export async function rehearse(
  { mqtt, access }: Pick<Profile, 'mqtt' | 'access'>,
  random: Random,
  log: Log,
): Promise<Readonly<{ messagesIn: number; messagesOut: number }>> {
  // Or the collector throws away what is compiled and has not been called for a while.
  setFlagsFromString('--no-flush-bytecode');
  const broker = new Broker();
  const door = new Door();
  const proposals = new AtOnce(broker);
  const connections = new Connections({
    broker,
    proposals,
    access: new AccessGate({
      state: () => broker.access,
      options: { ...access, anonymous: 'allow' },
      hashing: new NodeScrypt(),
      key: createHmac('sha256', 'rehearsal').digest(),
      decoyKey: createHmac('sha256', 'decoy').digest(),
      nonce: () => random.id(),
    }),
    listeners: [door],
    clock: STILL,
    random,
    log: { say: () => undefined },
    options: mqtt,
    peerReference: () => null,
    self: { version: '', heapBytes: () => 0, pair: () => null },
  });
  proposals.applied = () => connections.applied();
  try {
    await connections.open();
    for (let round = 0; round < ROUNDS; round += 1) for (const script of SCRIPTS) await door.enter(script);
  } catch (failure) {
    log.say({ level: 'debug', text: `The rehearsal broke off: ${String(failure)}` });
  }
  const { messagesIn, messagesOut } = connections.stats();
  await connections.close('the rehearsal is over');
  return { messagesIn, messagesOut };
}

/** Time stands still, so nothing is ever due. */
const STILL: Clock = { now: () => 0, wall: () => 0, after: () => () => undefined };

/** What is proposed is committed once the turn is over. */
class AtOnce implements Proposals {
  readonly #broker: Broker;
  #seq = 0;
  #ops: { op: Op; done: ((outcome: Outcome) => void) | null }[] = [];
  applied: () => void = () => undefined;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  propose(op: Op, done: ((outcome: Outcome) => void) | null): void {
    this.#ops.push({ op, done });
    if (this.#ops.length === 1) queueMicrotask(() => this.#commit());
  }

  proposeLater(op: Op, done: (outcome: Outcome) => void): void {
    this.propose(op, done);
  }

  hurry(): void {
    return;
  }

  pendingBytes(): number {
    return 0;
  }

  isBehind(): boolean {
    return false;
  }

  #commit(): void {
    const ops = this.#ops;
    this.#ops = [];
    const entry = new ByteWriter();
    for (const { op } of ops) encodeOp(entry, op);
    this.#seq += 1;
    const outcomes = this.#broker.apply(entry.taken(), this.#seq);
    for (const [n, { done }] of ops.entries()) {
      const outcome = outcomes[n];
      if (outcome !== undefined) done?.(outcome);
    }
    this.applied();
  }
}

/** A listener whose clients say what they are told to, and hear nothing. */
class Door implements Listener {
  #events: ListenerEvents | null = null;

  open(events: ListenerEvents): Promise<void> {
    this.#events = events;
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#events = null;
    return Promise.resolve();
  }

  /** Fulfils when the client has said everything and is gone. */
  async enter(packets: readonly string[]): Promise<void> {
    let heard: StreamEvents | null = null;
    const gone = (): void => {
      const events = heard;
      heard = null;
      events?.closed();
    };
    const stream: ByteStream = {
      transport: 'tcp',
      remote: '127.0.0.1:0',
      certificateName: null,
      write: () => undefined,
      backlog: () => 0,
      pause: () => undefined,
      resume: () => undefined,
      end: gone,
      destroy: gone,
    };
    heard = this.#events?.connected(stream) ?? null;
    for (const packet of packets) {
      heard?.data(Buffer.from(packet.replaceAll(' ', ''), 'hex'));
      // A turn of its own, in which what was proposed is committed.
      await new Promise(setImmediate);
    }
    gone();
  }
}
