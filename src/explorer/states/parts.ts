/**
 * The parts of worlds by number, with what the walk asks of them at every step noted beside: so a world is five numbers, and most steps look
 * at nothing else.
 */
import type { ServerName } from '../../core/pair/index.ts';
import type { Model } from '../moves/draft.ts';
import { highestOn, versionsIn, type Renamer, type VersionSet } from '../world/versions.ts';
import { SERVERS, type Channel, type Ledger, type Server, type Share, type World } from '../world/world.ts';
import { Pool } from './pool.ts';
import { Tuples } from './tuples.ts';

/** A world as numbers of its parts, in this order. */
export const SHARE = 0;
export const CHANNEL = 1;
export const LEDGER = 2;
export const PRIMARY = 3;
export const SECONDARY = 4;
export const WIDTH = 5;

type Notes<Name extends string> = Readonly<Record<Name, number[]>>;
type PerServer = Readonly<Record<ServerName, number[]>>;

const perServer = (): PerServer => ({ primary: [], secondary: [] });
const bit = (is: boolean): number => (is ? 1 : 0);

export class Parts {
  readonly #model: Model;
  readonly ofShare: Notes<'versions' | 'highest' | 'late'> &
    Readonly<{ isHeld: PerServer; isFormer: PerServer }> = {
    versions: [],
    highest: [],
    /** Bit 0: a late copy for the primary's block, bit 1: one for the secondary's. */
    late: [],
    isHeld: perServer(),
    isFormer: perServer(),
  };
  readonly ofChannel: Notes<'versions' | 'isWhole'> & Readonly<{ frame: PerServer; lateFrame: PerServer }> = {
    versions: [],
    isWhole: [],
    /** The next frame for a server, counted from 1; 0: none. */
    frame: perServer(),
    lateFrame: perServer(),
  };
  readonly ofServer: Notes<'versions' | 'isRunning' | 'isUp' | 'looks' | 'holds'> = {
    versions: [],
    isRunning: [],
    isUp: [],
    /** The keeper's next deed is a look at the share. */
    looks: [],
    /** The keeper believes that it holds the lock. */
    holds: [],
  };
  readonly shares = new Pool<Share>((share) => {
    const { ofShare } = this;
    ofShare.versions.push(versionsIn(share));
    ofShare.highest.push(highestOn(share));
    ofShare.late.push(bit(share.late.primary !== null) + 2 * bit(share.late.secondary !== null));
    for (const me of SERVERS) {
      ofShare.isHeld[me].push(bit(share.holders.includes(me)));
      ofShare.isFormer[me].push(bit(share.isFormer[me]));
    }
  });
  readonly channels = new Pool<Channel>((channel) => {
    const { ofChannel } = this;
    ofChannel.isWhole.push(bit(channel.isWhole));
    let versions: VersionSet = 0;
    for (const me of SERVERS) {
      for (const frame of [...channel.to[me], ...channel.late[me]])
        versions |= versionsIn(this.#model.frames.at(frame));
      ofChannel.frame[me].push((channel.to[me][0] ?? -1) + 1);
      ofChannel.lateFrame[me].push((channel.late[me][0] ?? -1) + 1);
    }
    ofChannel.versions.push(versions);
  });
  readonly ledgers = new Pool<Ledger>();
  readonly #stores = new Pool<Server['store']>();
  readonly #keepers = new Pool<Server['keeper']>();
  readonly #links = new Pool<Server['link']>();
  readonly #desks = new Pool<Server['desk']>();
  readonly #replications = new Pool<Server['replication']>();
  readonly #servers = new Tuples(6);
  readonly #looksAtShare: (keeper: Server['keeper']) => boolean;

  constructor(model: Model, looksAtShare: (keeper: Server['keeper']) => boolean) {
    this.#model = model;
    this.#looksAtShare = looksAtShare;
  }

  get servers(): number {
    return this.#servers.count;
  }

  serverNumber(server: Server): number {
    const { next } = this.#servers;
    next[0] = server.machine;
    next[1] = this.#stores.numberOf(server.store);
    next[2] = this.#keepers.numberOf(server.keeper);
    next[3] = this.#links.numberOf(server.link);
    next[4] = this.#desks.numberOf(server.desk);
    next[5] = this.#replications.numberOf(server.replication);
    const before = this.#servers.count;
    const number = this.#servers.add();
    if (number === before) this.#noteServer(server);
    return number;
  }

  server(number: number): Server {
    const part = (n: number): number => this.#servers.part(number, n);
    return {
      machine: part(0),
      store: this.#stores.at(part(1)),
      keeper: this.#keepers.at(part(2)),
      link: this.#links.at(part(3)),
      desk: this.#desks.at(part(4)),
      replication: this.#replications.at(part(5)),
    };
  }

  #noteServer(server: Server): void {
    const { machine, store, keeper, link, desk, replication } = server;
    let versions = versionsIn(this.#model.machines.memory(machine));
    for (const part of [store, keeper, link, desk, replication]) versions |= versionsIn(part);
    this.ofServer.versions.push(versions);
    this.ofServer.isRunning.push(bit(desk.isRunning));
    this.ofServer.isUp.push(bit(link.isUp));
    this.ofServer.holds.push(bit(keeper.hold !== null));
    this.ofServer.looks.push(bit(this.#looksAtShare(keeper)));
  }

  world(row: readonly number[]): World {
    const [share = 0, channel = 0, ledger = 0, primary = 0, secondary = 0] = row;
    return {
      share: this.shares.at(share),
      channel: this.channels.at(channel),
      ledger: this.ledgers.at(ledger),
      primary: this.server(primary),
      secondary: this.server(secondary),
    };
  }

  rowOf(world: World): readonly number[] {
    return [
      this.shares.numberOf(world.share),
      this.channels.numberOf(world.channel),
      this.ledgers.numberOf(world.ledger),
      this.serverNumber(world.primary),
      this.serverNumber(world.secondary),
    ];
  }

  /** A part of a world with its versions renamed. `kind`: its place in the row. */
  renamed(kind: number, part: number, renamer: Renamer): number {
    const rename = <T>(value: T): T => renamer.of(value);
    if (kind === SHARE) return this.shares.numberOf(rename(this.shares.at(part)));
    if (kind === CHANNEL) {
      const { frames } = this.#model;
      const channel = this.channels.at(part);
      const renameAll = (numbers: readonly number[]): readonly number[] =>
        numbers.map((number) => frames.numberOf(rename(frames.at(number))));
      const both = (of: Channel['to']): Channel['to'] => ({
        primary: renameAll(of.primary),
        secondary: renameAll(of.secondary),
      });
      return this.channels.numberOf({ ...channel, to: both(channel.to), late: both(channel.late) });
    }
    const { machine, ...parts } = this.server(part);
    return this.serverNumber({ machine: this.#model.machines.renamed(machine, rename), ...rename(parts) });
  }
}
