/**
 * A serving server in memory (its own connections, sessions and broker) with bystanders, for fuzzing clients to meet. It looks after each round:
 * what must never be is thrown, as the runtime's own error, a `Breach`, or a `Disturbed`.
 */
import { scryptSync } from 'node:crypto';
import { Broker } from '../../src/core/broker/index.ts';
import { HASH_BYTES, scryptBytes } from '../../src/core/access/index.ts';
import { credentialFrom } from '../../src/io/passwords/index.ts';
import type { PasswordHashing } from '../../src/ports/index.ts';
import { v3 } from '../conformance/harness/packets.ts';
import { pagedBroker } from '../core/broker/entries.ts';
import { Serving } from '../runtime/serving.ts';
import { BYSTANDER, Disturbed } from './bystander.ts';
import { Bystanders } from './bystanders.ts';
import { MemoryWire } from './memory-wire.ts';
import { FUZZ_USER } from './phrases.ts';

/** Small, so that all of them are met. */
const OPTIONS = {
  packetSizeMax: 1024,
  queueMessagesMax: 60,
  inFlightMax: 8,
  receiveMax: 6,
  topicAliasMax: 4,
  backlogSizeMax: 4096,
  pendingSizeMax: 2048,
} as const;

/** At once, or a run would not follow from its seed alone; and each of the few passwords once. */
function hashing(): PasswordHashing {
  const known = new Map<string, Uint8Array>();
  return {
    scrypt: (password, salt, cost) => {
      const { logN, r, p } = cost;
      const name = [password, salt].map((bytes) => Buffer.from(bytes).toString('hex')).join();
      const maxmem = 2 * scryptBytes(cost) + 1024 * 1024;
      const hash = known.get(name) ?? scryptSync(password, salt, HASH_BYTES, { N: 2 ** logN, r, p, maxmem });
      if (known.size < HASHES_MAX) known.set(name, hash);
      return Promise.resolve(hash);
    },
  };
}
const HASHES_MAX = 100;

/** The one with a keep-alive says something more often than that. */
const STRIDE_MS = 200_000;
const PATIENCE_MS = 5_000;
const DAY_MS = 25 * 3_600_000;

export class World {
  readonly packetSizeMax = OPTIONS.packetSizeMax;
  readonly bystanders: Bystanders;
  /** Where fuzzing clients have published, or may have. */
  readonly topics = new Set<string>();
  /** What the log warned of: by code, how often. */
  readonly warnings = new Map<string, number>();
  readonly #serving: Serving;
  /** What waits is in pages so small, and so little of it in memory, that it is read back all the time. */
  readonly #paged = pagedBroker();
  readonly #second = pagedBroker();
  #seq = 0;
  #storedAtRest = '';

  private constructor() {
    this.#serving = new Serving(OPTIONS, this.#paged.broker, {}, hashing());
    this.bystanders = new Bystanders(() => this.dial(), OPTIONS.packetSizeMax);
  }

  static async create(): Promise<World> {
    const world = new World();
    const { connections, proposals } = world.#serving;
    await connections.open();
    const credential = await credentialFrom({
      password: FUZZ_USER.password,
      isGenerated: true,
      scramIterations: null,
    });
    const rule = { effect: 'allow', who: '*', action: 'both', filter: '#', clientId: null } as const;
    for (const change of [
      { type: 'setUser', name: FUZZ_USER.name, credential },
      { type: 'addRule', rule },
      { type: 'addRule', rule: { ...rule, effect: 'deny', action: 'publish', filter: 'secret/#' } },
      { type: 'addRule', rule: { ...rule, effect: 'deny', filter: 'private/#', who: FUZZ_USER.name } },
    ] as const)
      proposals.propose({ type: 'access', change }, null);
    await world.#begin();
    return world;
  }

  /** A connection that has said nothing. */
  dial(): MemoryWire {
    const { events } = this.#serving;
    if (events === null) throw new Error('no port is open');
    return new MemoryWire(events);
  }

  commit(): void {
    if (this.#serving.proposals.ops.length > 0) this.#serving.proposals.commitOnce();
  }

  /** Nothing is taken from clients for now. */
  hold(): void {
    void this.#serving.connections.drain();
  }

  release(): void {
    this.#serving.connections.undrain();
  }

  /** Time goes by; the bystanders stay lively. */
  async pass(ms: number): Promise<void> {
    // A server that commits nothing for longer has lost its clients, and may.
    if (ms > PATIENCE_MS) {
      this.release();
      await this.#calm([]);
    }
    for (let left = ms; left > 0; left -= STRIDE_MS) {
      await this.#serving.clock.run(Math.min(left, STRIDE_MS));
      this.bystanders.ping();
      await this.#calm([]);
    }
  }

  /** Everything that was sent is taken, committed, answered, and the answers are heard. No time passes. */
  async settle(wires: readonly MemoryWire[]): Promise<void> {
    this.release();
    await this.#calm(wires);
    this.bystanders.check();
    this.#checkStates();
    this.#checkCounts(wires);
  }

  /** Nothing of what fuzzing clients have left is there any more: their sessions, wills, messages. `wires`: of those that are gone. */
  async clean(wires: readonly MemoryWire[]): Promise<void> {
    await this.settle(wires);
    for (const { clientId, user } of [...this.#serving.broker.sessions()]) {
      if (clientId.startsWith(BYSTANDER)) continue;
      const login = user === null ? {} : { username: user, password: FUZZ_USER.password };
      await this.#once(v3.connect({ clientId, ...login }));
    }
    await this.pass(DAY_MS);
    const clearing = [...this.topics].filter((topic) => topic !== '' && !/[#+]/.test(topic));
    this.topics.clear();
    for (const topic of clearing)
      await this.#once(
        v3.connect({ clientId: 'caretaker' }),
        v3.publish({ topic, payload: '', retain: true }),
      );
    if (!this.bystanders.isVisited) this.bystanders.move();
    await this.settle([]);
    this.#checkRest();
  }

  /** One more connection, which says this and goes. */
  async #once(...packets: readonly Buffer[]): Promise<void> {
    const wire = this.dial();
    wire.send(Buffer.concat([...packets, v3.disconnect()]));
    await this.#calm([wire]);
    if (!wire.isGone) throw new Disturbed('a client that has said its farewell is still connected');
  }

  async #begin(): Promise<void> {
    this.bystanders.connect();
    await this.#calm([]);
    this.bystanders.subscribe();
    await this.#calm([]);
    // Twice, so that each way of a message has been gone once.
    for (let n = 0; n < 2; n += 1) {
      this.bystanders.publish();
      await this.settle([]);
    }
    this.#storedAtRest = this.#storedKinds();
  }

  async #calm(wires: readonly MemoryWire[]): Promise<void> {
    const { proposals } = this.#serving;
    for (let quiet = 0, turns = 0; quiet < 2; turns += 1) {
      // Bystanders and others go on in bounded time, whatever others do.
      if (turns > 10_000) throw new Disturbed('the server does not come to rest');
      let isNews = false;
      for (const wire of wires) isNews = wire.deliver() || isNews;
      isNews = this.bystanders.deliver() || isNews;
      isNews = proposals.ops.length > 0 || isNews;
      this.commit();
      isNews = this.bystanders.hear() || isNews;
      // Judgements of passwords come as promises.
      if (!isNews) await new Promise((resolve) => setImmediate(resolve));
      quiet = isNews ? 0 : quiet + 1;
    }
    this.#takeLines();
  }

  /** A second server that applies the same, and one that is loaded from what was stored, have the same state. */
  #checkStates(): void {
    const { broker, proposals } = this.#serving;
    for (const body of proposals.bodies.splice(0)) {
      this.#seq += 1;
      this.#second.broker.apply(body, this.#seq);
    }
    for (const paged of [this.#paged, this.#second])
      do paged.store.checkpoint(paged.broker);
      while (paged.broker.hasLeftovers);
    const digest = broker.digest();
    if (this.#second.broker.digest() !== digest)
      throw new Error('a second server that applies the same has another state');
    const loaded = new Broker();
    loaded.load(this.#paged.store);
    if (loaded.digest() !== digest) throw new Error('a server loaded from what was stored has another state');
    if (loaded.changes().length > 0)
      throw new Error('a server loaded from what was stored has something to store');
  }

  #checkCounts(wires: readonly MemoryWire[]): void {
    const { clients } = this.#serving.connections.stats();
    const open = this.bystanders.count + wires.filter(({ isOpen }) => isOpen).length;
    if (clients !== open) throw new Error(`${clients} clients are counted and ${open} connected`);
  }

  #checkRest(): void {
    const { clients, durableSessions, queuedMessages, retainedMessages } = this.#serving.connections.stats();
    const found = { clients, durableSessions, queuedMessages, retainedMessages, stored: this.#storedKinds() };
    const { count, durableCount } = this.bystanders;
    const owed = {
      clients: count,
      durableSessions: durableCount,
      queuedMessages: 0,
      retainedMessages: 0,
      stored: this.#storedAtRest,
    };
    if (JSON.stringify(found) === JSON.stringify(owed)) return;
    const messages = this.#paged.store.entries().filter(({ key }) => key[0] === 1);
    throw new Error(
      [
        `what was left when all had gone: ${JSON.stringify(found)} and not ${JSON.stringify(owed)}`,
        ...messages.map(({ value }) => `a message: ${value.toString('hex')}`),
      ].join('; '),
    );
  }

  /** How many keys of each kind are stored. */
  #storedKinds(): string {
    const kinds = new Map<number, number>();
    for (const { key } of this.#paged.store.entries())
      kinds.set(key[0] ?? 0, (kinds.get(key[0] ?? 0) ?? 0) + 1);
    return [...kinds].map(([kind, count]) => `${count} of kind ${kind}`).join(', ');
  }

  #takeLines(): void {
    for (const { level, code, text } of this.#serving.lines.splice(0)) {
      if (level === 'error') throw new Error(`the server says: ${code ?? ''} ${text}`);
      if (code !== undefined) this.warnings.set(code, (this.warnings.get(code) ?? 0) + 1);
    }
  }
}
