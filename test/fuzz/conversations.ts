/**
 * Whole conversations of fuzzing clients with a serving server, many at once, while bystanders publish and take. A finding is a sentence about
 * what must never be: see `World` and `Ear`. Season by season everybody goes, and nothing may be left of them; season n is drawn from seed + n,
 * so that it can be repeated without those before.
 */
import { SimRandom } from '../../src/simulator/time/sim-random.ts';
import { corpusFrom, type Corpus } from '../core/mqtt/mutations.ts';
import { Ear } from './ear.ts';
import type { MemoryWire } from './memory-wire.ts';
import { emptyTally, Talker, type TalkTally } from './talker.ts';
import { World } from './world.ts';

/** Spoilt packets of one season. */
export const SEASON_PACKETS = 5_000;
const TALKERS_MAX = 24;
const MOVES = 1_000;

export type ConversationTally = TalkTally & {
  seasons: number;
  /** Messages that bystanders took. */
  bystanding: number;
  /** What the server warned of, by code; most warnings are said once a while only. */
  warnings: ReadonlyMap<string, number>;
  findings: string[];
};

type Guest = Readonly<{ talker: Talker; wire: MemoryWire }>;

/** `packets`: spoilt ones at least. `progress`: told after each season. */
export async function converse(
  seed: number,
  packets: number,
  progress: (tally: ConversationTally) => void = () => undefined,
): Promise<ConversationTally> {
  const world = await World.create();
  const tally: ConversationTally = {
    ...emptyTally(),
    seasons: 0,
    bystanding: 0,
    warnings: world.warnings,
    findings: [],
  };
  while (tally.mutated < packets && tally.findings.length === 0) {
    const season = seed + tally.seasons;
    const end = Math.min(packets, tally.mutated + SEASON_PACKETS);
    try {
      await new Season(season, world, tally).run(end);
    } catch (failure) {
      const what = failure instanceof Error ? (failure.stack ?? failure.message) : String(failure);
      tally.findings.push(`season ${season}, after ${tally.mutated} spoilt packets: ${what}`);
    }
    tally.seasons += 1;
    tally.bystanding = world.bystanders.taken;
    progress(tally);
  }
  return tally;
}

class Season {
  readonly #random: SimRandom;
  readonly #corpus: Corpus;
  readonly #world: World;
  readonly #tally: ConversationTally;
  #guests: Guest[] = [];

  constructor(seed: number, world: World, tally: ConversationTally) {
    this.#random = new SimRandom(seed);
    this.#corpus = corpusFrom(seed);
    this.#world = world;
    this.#tally = tally;
  }

  /** Until so many spoilt packets were sent altogether. */
  async run(end: number): Promise<void> {
    while (this.#tally.mutated < end) await this.#round();
    for (const { wire } of this.#guests) wire.reset();
    await this.#world.clean(this.#wires);
    this.#hear();
  }

  get #wires(): readonly MemoryWire[] {
    return this.#guests.map(({ wire }) => wire);
  }

  async #round(): Promise<void> {
    const world = this.#world;
    if (this.#random.chance(0.3)) world.bystanders.move();
    world.bystanders.publish();
    for (let n = 0; n < MOVES; n += 1) this.#move();
    if (this.#random.chance(0.3)) await world.pass(this.#random.oneOf([1, 900, 2_000, 16_000, 70_000]));
    await world.settle(this.#wires);
    this.#hear();
    this.#guests = this.#guests.filter(({ wire }) => !wire.isGone);
  }

  #move(): void {
    const random = this.#random;
    const world = this.#world;
    const draw = random.below(100);
    if (this.#guests.length === 0 || (draw < 15 && this.#guests.length < TALKERS_MAX)) return this.#invite();
    const guest = random.oneOf(this.#guests);
    if (draw < 55) {
      if (guest.wire.isOpen) guest.talker.act();
      if (random.chance(0.6)) guest.wire.deliver();
    } else if (draw < 80) guest.wire.deliver();
    else if (draw < 90) world.commit();
    else if (draw < 94) this.#hear();
    else if (draw < 97) guest.wire.takes(random.below(9_000));
    else if (draw === 97) world.bystanders.deliver();
    else if (draw === 98) world.bystanders.hear();
    else if (random.chance(0.5)) world.hold();
    else world.release();
  }

  #invite(): void {
    const wire = this.#world.dial();
    wire.isDeaf = this.#random.chance(0.15);
    const ear = new Ear(this.#world.packetSizeMax, this.#world.topics);
    const talker = new Talker({ random: this.#random, wire, ear, corpus: this.#corpus, tally: this.#tally });
    this.#guests.push({ talker, wire });
  }

  #hear(): void {
    for (const { talker, wire } of this.#guests) {
      for (const bytes of wire.heard()) talker.hear(bytes);
      if (wire.isGone) talker.ended();
    }
  }
}
