/**
 * What a server may do next, by numbers: worked out once for each server, frame, ledger and, where it is looked at, share, and then read off.
 * In most worlds nothing is new but how the two servers' parts come together.
 */
import { present } from '../../base/index.ts';
import type { Model, Scene } from '../moves/draft.ts';
import { movesOf, type Group, type Need, type ServerMove } from '../moves/index.ts';
import type { ChannelChange } from '../world/channel.ts';
import type { ShareChange } from '../world/share.ts';
import type { Server } from '../world/world.ts';
import type { Parts } from './parts.ts';
import { Pool } from './pool.ts';
import { Tuples } from './tuples.ts';

export const IS_FAULT = 1;
/** It would make a queue longer than is walked. */
export const IS_TOO_LONG = 2;
const NEEDS_SHIFT = 2;
export const NEEDS: readonly Need[] = ['nothing', 'lockHeld', 'formerFile'];
export const needOf = (flags: number): number => flags >>> NEEDS_SHIFT;

/** Fields of one move. */
export const FLAGS = 0;
export const OWN = 1;
export const LEDGER_AFTER = 2;
export const CHANNEL_CHANGE = 3;
export const SHARE_CHANGE = 4;
export const FIELDS = 5;

/** Lists are forgotten, and worked out again, when there are so many. */
const LISTS_MAX = 6_000_000;
const CALLS_MAX = 6;
const SAVES_MAX = 3;
const WORK_MAX = 6;

const GROUPS: readonly Group[] = ['own', 'looks', 'hears', 'losesChannel', 'losesLock', 'timers', 'races'];
/** Whose moves, and of which group: the group's place among these, twice, and one more for the secondary. */
export const kindOf = (group: Group, isPrimary: boolean): number =>
  GROUPS.indexOf(group) * 2 + (isPrimary ? 0 : 1);
export const isPrimaryKind = (kind: number): boolean => kind % 2 === 0;
export const KINDS = GROUPS.length * 2;

/** What a list of moves depends on. */
export type Key = Readonly<{
  kind: number;
  own: number;
  /** Counted from 1; 0: none. */
  frame: number;
  lateFrame: number;
  ledger: number;
  /** Counted from 1; 0: not looked at. */
  share: number;
}>;

export class MoveLists {
  readonly channelChanges = new Pool<readonly ChannelChange[]>();
  readonly shareChanges = new Pool<readonly ShareChange[]>();
  /** All fields of all moves of all lists, one list behind the other. */
  fields = new Uint32Array(1 << 14);
  readonly #parts: Parts;
  readonly #model: Model;
  #keys = new Tuples(6);
  #starts: number[] = [0];

  constructor(parts: Parts, model: Model) {
    this.#parts = parts;
    this.#model = model;
    // Number 0: nothing changes.
    this.channelChanges.numberOf([]);
    this.shareChanges.numberOf([]);
  }

  get count(): number {
    return this.#keys.count;
  }

  /** The list for this key; worked out if it is new. */
  listOf({ kind, own, frame, lateFrame, ledger, share }: Key): number {
    const { next } = this.#keys;
    next[0] = kind;
    next[1] = own;
    next[2] = frame;
    next[3] = lateFrame;
    next[4] = ledger;
    next[5] = share;
    const before = this.#keys.count;
    const list = this.#keys.add();
    if (list === before) this.#keep(this.movesOf({ kind, own, frame, lateFrame, ledger, share }));
    return list;
  }

  start(list: number): number {
    return this.#starts[list] ?? 0;
  }

  end(list: number): number {
    return this.#starts[list + 1] ?? 0;
  }

  /** Between two worlds only: lists are known by number while one is looked at. */
  forgetIfMany(): void {
    if (this.#keys.count < LISTS_MAX) return;
    this.#keys = new Tuples(6);
    this.#starts = [0];
  }

  /** The moves behind a list, worked out anew, with their names. */
  movesOf({ kind, own, frame, lateFrame, ledger, share }: Key): readonly ServerMove[] {
    const { frames } = this.#model;
    const { shares, ledgers } = this.#parts;
    const scene: Scene = {
      me: isPrimaryKind(kind) ? 'primary' : 'secondary',
      own: this.#parts.server(own),
      ledger: ledgers.at(ledger),
      frame: frame === 0 ? null : frames.at(frame - 1),
      lateFrame: lateFrame === 0 ? null : frames.at(lateFrame - 1),
      share: share === 0 ? null : shares.at(share - 1),
    };
    return movesOf(present(GROUPS[kind >>> 1], 'a group'), scene, this.#model);
  }

  #keep(moves: readonly ServerMove[]): void {
    let at = this.#starts.at(-1) ?? 0;
    const end = at + moves.length * FIELDS;
    if (end > this.fields.length) {
      const longer = new Uint32Array(Math.max(end, this.fields.length * 2));
      longer.set(this.fields);
      this.fields = longer;
    }
    for (const { isFault, needs, after } of moves) {
      const own: Server = { ...after.own };
      const flags = (isFault ? IS_FAULT : 0) | (isTooLong(own) ? IS_TOO_LONG : 0);
      this.fields[at + FLAGS] = flags | (NEEDS.indexOf(needs) << NEEDS_SHIFT);
      this.fields[at + OWN] = this.#parts.serverNumber(own);
      this.fields[at + LEDGER_AFTER] = this.#parts.ledgers.numberOf(after.ledger);
      this.fields[at + CHANNEL_CHANGE] = this.channelChanges.numberOf(after.channelChanges);
      this.fields[at + SHARE_CHANGE] = this.shareChanges.numberOf(after.shareChanges);
      at += FIELDS;
    }
    this.#starts.push(end);
  }
}

const isTooLong = ({ keeper, desk, replication: { joiner } }: Server): boolean =>
  keeper.calls.length > CALLS_MAX ||
  desk.saves.length > SAVES_MAX ||
  (joiner !== null && (joiner.work.length > WORK_MAX || joiner.received.length > WORK_MAX));
