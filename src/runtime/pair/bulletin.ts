/**
 * What people are told of the pair: each change of this server's state and of what is seen of the peer's, why it waits, and who forced the pair.
 * One line for each. Source: product words, PROTOCOL.md §3.
 */
import type { Log } from '../../base/index.ts';
import {
  otherServer,
  type ArbitrationRecord,
  type PairMemory,
  type ServerName,
  type StateName,
} from '../../core/pair/index.ts';
import { Forcings } from './forcings.ts';
import { peerLine, stateLine } from './lines.ts';
import { Obstacles } from './obstacles.ts';

export class Bulletin {
  readonly #me: ServerName;
  readonly #log: Log;
  readonly #obstacles: Obstacles;
  readonly #forcings: Forcings;
  #knownPeer: StateName | 'DEAD' = 'DEAD';

  constructor(me: ServerName, log: Log) {
    this.#me = me;
    this.#log = log;
    this.#obstacles = new Obstacles(me, log);
    this.#forcings = new Forcings(log);
  }

  changed(now: StateName, before: StateName, why: string): void {
    this.#log.say(stateLine(this.#me, now, before, why));
    this.#obstacles.entered(why);
  }

  waits(why: string): void {
    this.#obstacles.waits(why);
  }

  /** The peer's change of state is a line on this console too, and its silence is DEAD. */
  noticePeer(now: StateName | 'DEAD', lastReport: PairMemory['lastReport']): void {
    if (now === this.#knownPeer) return;
    const before = this.#knownPeer;
    this.#knownPeer = now;
    const why = now === 'DEAD' ? whyDead(lastReport) : (lastReport?.why ?? '');
    this.#log.say(peerLine(otherServer(this.#me), now, before, why));
  }

  /** `seen`: the newest record that this server's store keeps. */
  noticeForcing(seen: ArbitrationRecord | null): void {
    this.#forcings.notice(seen);
  }
}

const whyDead = (lastReport: PairMemory['lastReport']): string =>
  lastReport?.present === 'STOPPED'
    ? `it has stopped: ${lastReport.why}`
    : 'not to be seen on the backchannel';
