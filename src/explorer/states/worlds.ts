/**
 * Every world met, as five numbers, and what may follow from each. A move of a server touches that server, the ledger, and by changes known
 * by number the channel and the share; only how these come together is new from world to world.
 */
import { assert, present, unreachable } from '../../base/index.ts';
import { sameSession, type ServerName, type SessionId } from '../../core/pair/index.ts';
import {
  connected,
  counted,
  isLeft,
  looksAtShare,
  type Group,
  type Model,
  type Told,
} from '../moves/index.ts';
import { changedChannel } from '../world/channel.ts';
import { changedShare } from '../world/share.ts';
import { Renamer, renamingOf } from '../world/versions.ts';
import { SERVERS, type Channel, type Frame, type World } from '../world/world.ts';
import { Changes } from './changes.ts';
import * as list from './move-lists.ts';
import { CHANNEL, LEDGER, Parts, PRIMARY, SECONDARY, SHARE, WIDTH } from './parts.ts';
import { NONE, Tuples } from './tuples.ts';

const FRAMES_MAX = 8;
const EARLY_GROUPS: readonly Group[] = ['own', 'looks', 'hears', 'losesChannel', 'losesLock'];

/** Which move of which kind led to a world: enough to find its name again. */
export type Origin = number;
const [CONNECT, CUT, LATE] = [list.KINDS, list.KINDS + 1, list.KINDS + 2];
const KINDS = list.KINDS + 3;

/** A move by name. */
export type Named = Readonly<{
  server: ServerName | null;
  what: string;
  isFault: boolean;
  told: readonly Told[];
}>;

/** Told of every move from a world; the world after it lies in `Worlds.next`, to be looked for with `Worlds.add`. */
export type Visitor = (isFault: boolean, origin: Origin) => void;

export class Worlds {
  readonly parts: Parts;
  readonly #model: Model;
  readonly #rows = new Tuples(WIDTH);
  readonly #lists: list.MoveLists;
  readonly #channels: Changes;
  readonly #shares: Changes;
  readonly #renamings: Renamer[] = [];
  /** By versions and the highest one on the share: 0 where nothing is renamed, else the number of the renaming, from 1. */
  readonly #renamingBy = new Map<number, number>();
  readonly #renamed: readonly Changes[];
  readonly #renames: boolean;
  readonly #connected: Changes;
  readonly #countings: Readonly<Record<'timers' | 'cuts', Changes>>;
  readonly #deeds: Readonly<{ connected: number; cut: number; landed: readonly number[] }>;
  readonly #offers: (SessionId | null)[] = [];
  readonly #looksAlways: boolean;
  #heldBack = 0;

  constructor(model: Model) {
    this.#model = model;
    this.parts = new Parts(model, looksAtShare);
    this.#lists = new list.MoveLists(this.parts, model);
    this.#renames = model.setting.without.size === 0;
    this.#looksAlways = model.setting.without.has('readUnderLock');
    const { channels, shares } = this.parts;
    this.#channels = new Changes((channel, deed) => {
      const changed = this.#lists.channelChanges
        .at(deed)
        .reduce<Channel>(
          (before, change) => changedChannel(before, change, model.frames),
          channels.at(channel),
        );
      return isTooLong(changed) ? NONE : channels.numberOf(changed);
    });
    this.#shares = new Changes((share, deed) =>
      shares.numberOf(this.#lists.shareChanges.at(deed).reduce(changedShare, shares.at(share))),
    );
    this.#connected = new Changes((own, me) => this.#connectedEnd(own, me === 0 ? 'primary' : 'secondary'));
    const counting = (what: 'timers' | 'cuts'): Changes =>
      new Changes((ledger) =>
        this.parts.ledgers.numberOf(counted(this.parts.ledgers.at(ledger), model.setting, what)),
      );
    this.#countings = { timers: counting('timers'), cuts: counting('cuts') };
    const { channelChanges, shareChanges } = this.#lists;
    this.#deeds = {
      connected: channelChanges.numberOf([{ type: 'connected' }]),
      cut: channelChanges.numberOf([{ type: 'cut' }]),
      landed: SERVERS.map((server) => shareChanges.numberOf([{ type: 'lateLanded', server }])),
    };
    this.#renamed = Array.from(
      { length: WIDTH },
      (_, kind) =>
        new Changes((part, renaming) =>
          this.parts.renamed(kind, part, present(this.#renamings[renaming - 1], 'a renaming')),
        ),
    );
  }

  get count(): number {
    return this.#rows.count;
  }

  /** Moves not made because a queue would have grown longer than is walked. */
  get heldBack(): number {
    return this.#heldBack;
  }

  get sizes(): Readonly<{ bytes: number; servers: number; lists: number }> {
    return { bytes: this.#rows.bytes, servers: this.parts.servers, lists: this.#lists.count };
  }

  /** The number of the world in `next`. A new one has the number that `count` was. */
  add(): number {
    return this.#rows.add();
  }

  put(world: World): number {
    const [share = 0, channel = 0, ledger = 0, primary = 0, secondary = 0] = this.parts.rowOf(world);
    this.#lay(share, channel, ledger, primary, secondary);
    return this.#rows.add();
  }

  part(number: number, n: number): number {
    return this.#rows.part(number, n);
  }

  world(number: number): World {
    return this.parts.world(Array.from({ length: WIDTH }, (_, n) => this.#rows.part(number, n)));
  }

  #connectedEnd(own: number, me: ServerName): number {
    const { ledgers } = this.parts;
    const nothing = { frame: null, lateFrame: null, share: null };
    const { own: after } = connected(
      { me, own: this.parts.server(own), ledger: ledgers.at(this.#ledger), ...nothing },
      this.#model,
    );
    return this.parts.serverNumber({ ...after });
  }

  // What follows ------------------------------------------------------------------------------------------------------------------

  /** Tells of every move from a world, in an order that is the same each time. */
  expand(number: number, visit: Visitor): void {
    const lists = this.#lists;
    lists.forgetIfMany();
    this.#here(number);
    let isEarly = false;
    for (const isPrimary of [true, false]) {
      for (const group of EARLY_GROUPS)
        if (this.#isPossible(group, isPrimary) && this.#follow(list.kindOf(group, isPrimary), visit))
          isEarly = true;
    }
    if (this.#between(visit)) isEarly = true;
    for (const isPrimary of [true, false]) this.#follow(list.kindOf('races', isPrimary), visit);
    if (isEarly && !isLeft(this.parts.ledgers.at(this.#ledger), this.#model.setting, 'timers')) return;
    this.#isTimerCounted = isEarly;
    for (const isPrimary of [true, false]) this.#follow(list.kindOf('timers', isPrimary), visit);
    this.#isTimerCounted = false;
  }

  #share = 0;
  #channel = 0;
  #ledger = 0;
  #primary = 0;
  #secondary = 0;
  #isTimerCounted = false;

  #here(number: number): void {
    const rows = this.#rows;
    this.#share = rows.part(number, SHARE);
    this.#channel = rows.part(number, CHANNEL);
    this.#ledger = rows.part(number, LEDGER);
    this.#primary = rows.part(number, PRIMARY);
    this.#secondary = rows.part(number, SECONDARY);
  }

  #isPossible(group: Group, isPrimary: boolean): boolean {
    const me = isPrimary ? 'primary' : 'secondary';
    const own = isPrimary ? this.#primary : this.#secondary;
    const { ofServer, ofChannel, ofShare } = this.parts;
    switch (group) {
      case 'looks':
        return ofServer.looks[own] === 1;
      case 'hears':
        return ofChannel.frame[me][this.#channel] !== 0 || ofChannel.lateFrame[me][this.#channel] !== 0;
      case 'losesChannel':
        return ofServer.isUp[own] === 1 && ofChannel.isWhole[this.#channel] === 0;
      case 'losesLock':
        return ofServer.holds[own] === 1 && ofShare.isHeld[me][this.#share] === 0;
      case 'own':
      case 'timers':
      case 'races':
        return true;
      default:
        return unreachable(group);
    }
  }

  /** What the moves of this kind depend on, here. */
  #keyOf(kind: number): list.Key {
    const { frame, lateFrame } = this.parts.ofChannel;
    const isPrimary = list.isPrimaryKind(kind);
    const me = isPrimary ? 'primary' : 'secondary';
    const hears = kind === list.kindOf('hears', isPrimary);
    const looks = this.#looksAlways || kind === list.kindOf('looks', isPrimary);
    return {
      kind,
      own: isPrimary ? this.#primary : this.#secondary,
      frame: hears ? (frame[me][this.#channel] ?? 0) : 0,
      lateFrame: hears ? (lateFrame[me][this.#channel] ?? 0) : 0,
      ledger: this.#ledger,
      share: looks ? this.#share + 1 : 0,
    };
  }

  /** The moves of one kind that can be made here; true: one that is no fault was among them. */
  #follow(kind: number, visit: Visitor): boolean {
    const number = this.#lists.listOf(this.#keyOf(kind));
    const { fields } = this.#lists;
    const end = this.#lists.end(number);
    const start = this.#lists.start(number);
    const isPrimary = list.isPrimaryKind(kind);
    let isEarly = false;
    for (let at = start; at < end; at += list.FIELDS) {
      const flags = fields[at] ?? 0;
      if (!this.#isMet(list.needOf(flags), isPrimary)) continue;
      const isFault = (flags & list.IS_FAULT) !== 0;
      if (!isFault) isEarly = true;
      const channelDeed = fields[at + list.CHANNEL_CHANGE] ?? 0;
      const shareDeed = fields[at + list.SHARE_CHANGE] ?? 0;
      const channel = channelDeed === 0 ? this.#channel : this.#channels.of(this.#channel, channelDeed);
      if (channel === NONE || (flags & list.IS_TOO_LONG) !== 0) {
        this.#heldBack += 1;
        continue;
      }
      if (channelDeed !== 0) this.#checkOffer(channelDeed, isPrimary ? this.#secondary : this.#primary);
      const share = shareDeed === 0 ? this.#share : this.#shares.of(this.#share, shareDeed);
      const own = fields[at + list.OWN] ?? 0;
      let ledger = fields[at + list.LEDGER_AFTER] ?? 0;
      if (this.#isTimerCounted) ledger = this.#counted(ledger, 'timers');
      this.#lay(share, channel, ledger, isPrimary ? own : this.#primary, isPrimary ? this.#secondary : own);
      visit(isFault, ((at - start) / list.FIELDS) * KINDS + kind);
    }
    return isEarly;
  }

  #isMet(need: number, isPrimary: boolean): boolean {
    const { ofShare } = this.parts;
    const me = isPrimary ? 'primary' : 'secondary';
    switch (need) {
      case 0:
        return true;
      case 1:
        return ofShare.isHeld[me][this.#share] === 1;
      default:
        return ofShare.isFormer[me][this.#share] === 1;
    }
  }

  /** The channel's coming and going, and late copies. True: a move that is no fault was among them. */
  #between(visit: Visitor): boolean {
    const { ofServer, ofShare, ofChannel, ledgers } = this.parts;
    let isEarly = false;
    const isUp = ofServer.isUp[this.#primary] === 1 || ofServer.isUp[this.#secondary] === 1;
    const areRunning = ofServer.isRunning[this.#primary] === 1 && ofServer.isRunning[this.#secondary] === 1;
    if (areRunning && !isUp) {
      const channel = this.#channels.of(this.#channel, this.#deeds.connected);
      const [primary, secondary] = [
        this.#connected.of(this.#primary, 0),
        this.#connected.of(this.#secondary, 1),
      ];
      this.#lay(this.#share, channel, this.#ledger, primary, secondary);
      visit(false, CONNECT);
      isEarly = true;
    }
    if (
      ofChannel.isWhole[this.#channel] === 1 &&
      isLeft(ledgers.at(this.#ledger), this.#model.setting, 'cuts')
    ) {
      const channel = this.#channels.of(this.#channel, this.#deeds.cut);
      this.#lay(this.#share, channel, this.#counted(this.#ledger, 'cuts'), this.#primary, this.#secondary);
      visit(true, CUT);
    }
    const late = ofShare.late[this.#share] ?? 0;
    for (const me of [0, 1]) {
      if ((late & (1 << me)) === 0) continue;
      const share = this.#shares.of(this.#share, present(this.#deeds.landed[me], 'a deed'));
      this.#lay(share, this.#channel, this.#ledger, this.#primary, this.#secondary);
      visit(false, me * KINDS + LATE);
      isEarly = true;
    }
    return isEarly;
  }

  /** A world into `next`, under the lowest numbers for its versions. */
  #lay(share: number, channel: number, ledger: number, primary: number, secondary: number): void {
    const { next } = this.#rows;
    const renaming = this.#renames ? this.#renamingFor(share, channel, primary, secondary) : 0;
    next[SHARE] = renaming === 0 ? share : this.#rename(SHARE, share, renaming);
    next[CHANNEL] = renaming === 0 ? channel : this.#rename(CHANNEL, channel, renaming);
    next[LEDGER] = ledger;
    next[PRIMARY] = renaming === 0 ? primary : this.#rename(PRIMARY, primary, renaming);
    next[SECONDARY] = renaming === 0 ? secondary : this.#rename(SECONDARY, secondary, renaming);
  }

  #renamingFor(share: number, channel: number, primary: number, secondary: number): number {
    const { ofShare, ofChannel, ofServer } = this.parts;
    const versions =
      (ofShare.versions[share] ?? 0) |
      (ofChannel.versions[channel] ?? 0) |
      (ofServer.versions[primary] ?? 0) |
      (ofServer.versions[secondary] ?? 0);
    const highest = ofShare.highest[share] ?? 0;
    const key = versions * 32 + highest;
    const known = this.#renamingBy.get(key);
    if (known !== undefined) return known;
    const names = renamingOf(versions, highest);
    if (names !== null) this.#renamings.push(new Renamer(names));
    const number = names === null ? 0 : this.#renamings.length;
    this.#renamingBy.set(key, number);
    return number;
  }

  #rename(kind: number, part: number, renaming: number): number {
    return present(this.#renamed[kind], 'a kind of part').of(part, renaming);
  }

  #counted(ledger: number, what: 'timers' | 'cuts'): number {
    return this.#countings[what].of(ledger, 0);
  }

  /** Sessions are numbered round: an offer must bear no number that anybody still knows for another. */
  #checkOffer(deed: number, peer: number): void {
    const offer = this.#offerIn(deed);
    if (offer === null) return;
    const { machine, replication } = this.parts.server(peer);
    const { to } = this.parts.channels.at(this.#channel);
    const known = [
      this.#model.machines.memory(machine).offered?.session,
      replication.joiner?.session,
      ...[...to.primary, ...to.secondary].map((number) => sessionOf(this.#model.frames.at(number))),
    ];
    assert(
      !known.some((session) => sameSession(offer, session ?? null)),
      'sessions are numbered round too soon',
    );
  }

  #offerIn(deed: number): SessionId | null {
    const known = this.#offers[deed];
    if (known !== undefined) return known;
    const sent = this.#lists.channelChanges
      .at(deed)
      .flatMap((change) => (change.type === 'sent' ? [this.#model.frames.at(change.frame)] : []))
      .find((frame) => frame.type === 'session');
    const offer = sent?.type === 'session' ? sent.session : null;
    this.#offers[deed] = offer;
    return offer;
  }

  // Names -------------------------------------------------------------------------------------------------------------------------

  /** The move by which `expand` went from a world. */
  explain(number: number, origin: Origin): Named {
    this.#here(number);
    const kind = origin % KINDS;
    const n = Math.floor(origin / KINDS);
    if (kind === CONNECT) return { server: null, what: 'the channel comes up', isFault: false, told: [] };
    if (kind === CUT) return { server: null, what: 'the channel is cut', isFault: true, told: [] };
    if (kind === LATE) {
      const what = `a late copy lands in the block of the ${n === 0 ? 'primary' : 'secondary'}`;
      return { server: null, what, isFault: false, told: [] };
    }
    const { what, isFault, after } = present(
      this.#lists.movesOf(this.#keyOf(kind))[n],
      'the move between two worlds',
    );
    return { server: list.isPrimaryKind(kind) ? 'primary' : 'secondary', what, isFault, told: after.told };
  }
}

const sessionOf = (frame: Frame): SessionId | null => ('session' in frame ? frame.session : null);

const isTooLong = ({ to }: Channel): boolean =>
  to.primary.length > FRAMES_MAX || to.secondary.length > FRAMES_MAX;
