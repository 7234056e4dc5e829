/**
 * One server while it makes one move: its parts are replaced, never changed, and what is not touched stays the very same value. It sees
 * itself, the frame that has come, and, where the move looks there, the share; what it does to channel and share is kept as changes. So
 * what a move leads to depends on little, and is worked out once. Facts are told as the driver tells them: at once, or after the step that
 * is under way. Source: `runtime/pair/driver.ts`.
 */
import { present } from '../../base/index.ts';
import type { PairFact, PairMemory, PairOrder, ServerName, StateName } from '../../core/pair/index.ts';
import type { Clause, Setting } from '../setting.ts';
import type { Pool } from '../states/pool.ts';
import type { ChannelChange } from '../world/channel.ts';
import { viewOf } from '../world/journal.ts';
import type { Machines, Stepped } from '../world/machines.ts';
import { changedShare, type ShareChange } from '../world/share.ts';
import type { Frame, Ledger, Server, Share } from '../world/world.ts';

/** What every world of one exploration shares. */
export type Model = Readonly<{ setting: Setting; machines: Machines; frames: Pool<Frame> }>;

/** What a server does about orders and about its own change of state. */
export type Conduct = Readonly<{
  obey: (draft: Draft, order: PairOrder) => void;
  changed: (draft: Draft) => void;
}>;

/** All that a server sees of the world when it moves. */
export type Scene = Readonly<{
  me: ServerName;
  own: Server;
  ledger: Ledger;
  /** The next frame that has come, and the next one that has outlived its connection. */
  frame: Frame | null;
  lateFrame: Frame | null;
  /** Null for moves that do not look at the share. */
  share: Share | null;
}>;

/** A fact told to a machine, for the transcript. */
export type Told = Readonly<{ server: ServerName; fact: string; before: string; after: string }>;

type MutableServer = { -readonly [Part in keyof Server]: Server[Part] };

export class Draft {
  readonly model: Model;
  readonly me: ServerName;
  readonly own: MutableServer;
  ledger: Ledger;
  readonly told: Told[] = [];
  readonly channelChanges: ChannelChange[] = [];
  readonly shareChanges: ShareChange[] = [];
  #share: Share | null;
  readonly #conduct: Conduct;
  readonly #facts: PairFact[] = [];
  #isStepping = false;

  constructor({ me, own, ledger, share }: Scene, model: Model, conduct: Conduct) {
    this.model = model;
    this.me = me;
    this.own = { ...own };
    this.ledger = ledger;
    this.#share = share;
    this.#conduct = conduct;
  }

  /** As it is now, this move's own changes in it. */
  get share(): Share {
    return present(this.#share, 'the share, for a move that looks at it');
  }

  changeShare(change: ShareChange): void {
    this.shareChanges.push(change);
    if (this.#share !== null) this.#share = changedShare(this.#share, change);
  }

  changeChannel(change: ChannelChange): void {
    this.channelChanges.push(change);
  }

  without(clause: Clause): boolean {
    return this.model.setting.without.has(clause);
  }

  memory(): PairMemory {
    return this.model.machines.memory(this.own.machine);
  }

  state(): StateName {
    return this.model.machines.state(this.own.machine);
  }

  view(): ReturnType<typeof viewOf> {
    return viewOf(this.own.store);
  }

  tell(fact: PairFact): void {
    this.#facts.push(fact);
    this.#stepAll();
  }

  fire(timer: string): void {
    this.#isStepping = true;
    this.#take(timer, this.model.machines.fire(this.own.machine, timer));
    this.#isStepping = false;
    this.#stepAll();
  }

  #stepAll(): void {
    if (this.#isStepping) return;
    this.#isStepping = true;
    for (let next = this.#facts.shift(); next !== undefined; next = this.#facts.shift())
      this.#take(next.type, this.model.machines.step(this.own.machine, next));
    this.#isStepping = false;
  }

  #take(fact: string, { machine, orders }: Stepped): void {
    const { machines } = this.model;
    const before = this.own.machine;
    this.own.machine = machine;
    this.told.push({
      server: this.me,
      fact,
      before: machines.stepName(before),
      after: machines.stepName(machine),
    });
    for (const order of orders) this.#conduct.obey(this, order);
    if (machines.state(before) !== machines.state(machine)) this.#conduct.changed(this);
  }
}
