/** One connection of a fuzzing client, from its CONNECT to whatever end: valid packets in any order, some of them spoilt. */
import type { SimRandom } from '../../src/simulator/time/sim-random.ts';
import type { Heard } from '../conformance/harness/judge.ts';
import { mutated, type Corpus } from '../core/mqtt/mutations.ts';
import type { Ear } from './ear.ts';
import { Phrases } from './phrases.ts';

/** How its bytes go out. */
export interface Wire {
  readonly isOpen: boolean;
  send(bytes: Buffer): void;
  /** Nothing more comes. */
  finish(): void;
  /** Gone, and what is under way with it. */
  reset(): void;
}

export type TalkTally = {
  connections: number;
  /** Packets that were sent, and how many of them were spoilt. */
  sent: number;
  mutated: number;
  /** What the server said: type and reason, how often. */
  answers: Map<string, number>;
};

export const emptyTally = (): TalkTally => ({ connections: 0, sent: 0, mutated: 0, answers: new Map() });

/** What is left unanswered at most: the rest is forgotten, as a bad client does. */
const ANSWERS_MAX = 20;

export class Talker {
  readonly #random: SimRandom;
  readonly #wire: Wire;
  readonly #ear: Ear;
  readonly #corpus: Corpus;
  readonly #tally: TalkTally;
  readonly #phrases: Phrases;
  readonly #answers: Buffer[] = [];
  #hasConnected = false;
  readonly #isCareful: boolean;
  #turns: number;

  constructor(
    parts: Readonly<{ random: SimRandom; wire: Wire; ear: Ear; corpus: Corpus; tally: TalkTally }>,
  ) {
    this.#random = parts.random;
    this.#wire = parts.wire;
    this.#ear = parts.ear;
    this.#corpus = parts.corpus;
    this.#tally = parts.tally;
    this.#phrases = new Phrases(parts.random);
    // Some come far, others not.
    this.#isCareful = parts.random.chance(0.5);
    this.#turns = 1 + parts.random.below(this.#isCareful ? 20 : 6);
    parts.tally.connections += 1;
  }

  /** It sends something, or ends. */
  act(): void {
    const random = this.#random;
    this.#turns -= 1;
    if (this.#turns <= 0) return this.#leave();
    const packets: Buffer[] = [];
    if (!this.#hasConnected && random.chance(0.98))
      packets.push(this.#perhapsSpoilt(this.#phrases.connect(), this.#isCareful ? 0.02 : 0.15));
    // Else most would never be sent a message.
    if (!this.#hasConnected && this.#isCareful && random.chance(0.7)) packets.push(this.#phrases.subscribe());
    this.#hasConnected = true;
    for (let n = random.below(7); n > 0; n -= 1) packets.push(this.#next());
    this.#say(Buffer.concat(packets));
  }

  /** What came in reply. */
  hear(bytes: Uint8Array): void {
    for (const one of this.#ear.heard(bytes)) {
      const kind = `${one.type} ${(one.codes[0] ?? 0).toString(16)}`;
      this.#tally.answers.set(kind, (this.#tally.answers.get(kind) ?? 0) + 1);
      const answer = this.#answerTo(one);
      if (answer !== null && this.#answers.push(answer) > ANSWERS_MAX) this.#answers.shift();
    }
  }

  ended(): void {
    this.#ear.ended();
  }

  #leave(): void {
    const random = this.#random;
    if (random.chance(0.3)) this.#say(this.#phrases.farewell());
    else if (random.chance(0.3)) {
      const last = this.#next();
      this.#say(last.subarray(0, random.below(last.length + 1)));
    }
    if (random.chance(0.5)) this.#wire.finish();
    else this.#wire.reset();
  }

  #next(): Buffer {
    const random = this.#random;
    const known = this.#corpus.find(({ level }) => level === this.#phrases.packets.level);
    const packet =
      known !== undefined && random.chance(0.05)
        ? random.oneOf(known.others)
        : this.#phrases.any(this.#answers);
    const at = this.#answers.indexOf(packet);
    if (at >= 0 && random.chance(0.9)) this.#answers.splice(at, 1);
    return this.#perhapsSpoilt(packet, this.#isCareful ? 0.08 : 0.5);
  }

  #perhapsSpoilt(packet: Buffer, chance: number): Buffer {
    const random = this.#random;
    this.#tally.sent += 1;
    if (!random.chance(chance)) return packet;
    this.#tally.mutated += 1;
    return mutated(packet, random.oneOf(random.oneOf(this.#corpus).others), random);
  }

  #say(bytes: Buffer): void {
    const random = this.#random;
    const isCut = random.chance(0.2);
    for (let at = 0; at < bytes.length && this.#wire.isOpen;) {
      const end = isCut ? at + 1 + random.below(40) : bytes.length;
      const piece = bytes.subarray(at, end);
      this.#ear.said(piece);
      this.#wire.send(piece);
      at = end;
    }
  }

  #answerTo({ type, id, qos }: Heard): Buffer | null {
    const { packets } = this.#phrases;
    if (id === null) return null;
    if (type === 'publish') return qos === 1 ? packets.puback(id) : packets.pubrec(id);
    if (type === 'pubrec') return packets.pubrel(id);
    return type === 'pubrel' ? packets.pubcomp(id) : null;
  }
}
