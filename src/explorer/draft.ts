/**
 * A world while one move is made in it: parts are replaced, never changed, and what is not touched stays the very same value. Facts are
 * told as the driver tells them: at once, or after the step that is under way. Source: `runtime/pair/driver.ts`.
 */
import type { PairFact, PairMemory, PairOrder, ServerName, StateName } from '../core/pair/index.ts';
import { viewOf } from './journal.ts';
import type { Machines, Stepped } from './machines.ts';
import type { Pool } from './pool.ts';
import type { Clause, Setting } from './setting.ts';
import type { Channel, Frame, Ledger, Server, Share, World } from './world.ts';

/** What every world of one exploration shares. */
export type Model = Readonly<{ setting: Setting; machines: Machines; frames: Pool<Frame> }>;

/** What a server does about orders and about its own change of state. */
export type Conduct = Readonly<{
  obey: (draft: Draft, me: ServerName, order: PairOrder) => void;
  changed: (draft: Draft, me: ServerName) => void;
}>;

/** A fact told to a machine, for the transcript. */
export type Told = Readonly<{ server: ServerName; fact: string; before: string; after: string }>;

type MutableServer = { -readonly [Part in keyof Server]: Server[Part] };

export class Draft {
  readonly model: Model;
  readonly primary: MutableServer;
  readonly secondary: MutableServer;
  share: Share;
  channel: Channel;
  ledger: Ledger;
  readonly told: Told[] = [];
  readonly #conduct: Conduct;
  readonly #facts: { server: ServerName; fact: PairFact }[] = [];
  #isStepping = false;

  constructor(world: World, model: Model, conduct: Conduct) {
    this.model = model;
    this.#conduct = conduct;
    this.share = world.share;
    this.channel = world.channel;
    this.ledger = world.ledger;
    this.primary = { ...world.primary };
    this.secondary = { ...world.secondary };
  }

  world(): World {
    const { primary, secondary, share, channel, ledger } = this;
    return { primary, secondary, share, channel, ledger };
  }

  without(clause: Clause): boolean {
    return this.model.setting.without.has(clause);
  }

  memory(me: ServerName): PairMemory {
    return this.model.machines.memory(this[me].machine);
  }

  state(me: ServerName): StateName {
    return this.model.machines.state(this[me].machine);
  }

  view(me: ServerName): ReturnType<typeof viewOf> {
    return viewOf(this[me].store);
  }

  tell(server: ServerName, fact: PairFact): void {
    this.#facts.push({ server, fact });
    this.#stepAll();
  }

  fire(server: ServerName, timer: string): void {
    this.#isStepping = true;
    this.#take(server, timer, this.model.machines.fire(this[server].machine, timer));
    this.#isStepping = false;
    this.#stepAll();
  }

  #stepAll(): void {
    if (this.#isStepping) return;
    this.#isStepping = true;
    for (let next = this.#facts.shift(); next !== undefined; next = this.#facts.shift()) {
      const { server, fact } = next;
      this.#take(server, fact.type, this.model.machines.step(this[server].machine, fact));
    }
    this.#isStepping = false;
  }

  #take(server: ServerName, fact: string, { machine, orders }: Stepped): void {
    const { machines } = this.model;
    const before = this[server].machine;
    this[server].machine = machine;
    this.told.push({
      server,
      fact,
      before: machines.stepName(before),
      after: machines.stepName(machine),
    });
    for (const order of orders) this.#conduct.obey(this, server, order);
    if (machines.state(before) !== machines.state(machine)) this.#conduct.changed(this, server);
  }
}
