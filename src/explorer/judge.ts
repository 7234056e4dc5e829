/** Asks of every world that is new whether all holds that must; of each server's part in it only once. */
import { present } from '../base/index.ts';
import type { ServerName } from '../core/pair/index.ts';
import {
  anActiveAndItsPassiveAreBothInTheRecord,
  commitsAlone,
  invariants,
  noTwoServersCanCommit,
  type Judged,
} from './invariants/index.ts';
import { LEDGER, PRIMARY, SECONDARY, SHARE } from './states/parts.ts';
import { Tuples } from './states/tuples.ts';
import type { Worlds } from './states/worlds.ts';
import type { Machines } from './world/machines.ts';

/** Of one server. */
const [HOLDS, HOLDS_AND_COMMITS_ALONE, BROKEN] = [0, 1, 2];

export class Judge {
  readonly #worlds: Worlds;
  readonly #asked = new Tuples(4);
  readonly #verdicts: number[] = [];
  readonly #pairs = new Tuples(3);
  readonly #pairVerdicts: boolean[] = [];
  readonly #machines: Machines;

  constructor(worlds: Worlds, machines: Machines) {
    this.#worlds = worlds;
    this.#machines = machines;
  }

  holds(number: number): boolean {
    const primary = this.#verdict(number, 'primary');
    const secondary = this.#verdict(number, 'secondary');
    const areBothAlone = primary === HOLDS_AND_COMMITS_ALONE && secondary === HOLDS_AND_COMMITS_ALONE;
    return primary !== BROKEN && secondary !== BROKEN && !areBothAlone && this.#pairHolds(number);
  }

  /** What a world breaks, in words. */
  brokenIn(number: number): Readonly<{ sentence: string; what: string }> | null {
    for (const me of ['primary', 'secondary'] as const)
      for (const { sentence, broken } of invariants) {
        const what = broken(this.#judged(number, me));
        if (what !== null) return { sentence, what };
      }
    const { sentence, broken } = noTwoServersCanCommit;
    const { primary, secondary } = this.#worlds.world(number);
    const what = broken(primary, secondary);
    if (what !== null) return { sentence, what };
    const unprotected = anActiveAndItsPassiveAreBothInTheRecord;
    const why = unprotected.broken(this.#worlds.world(number), this.#machines);
    return why === null ? null : { sentence: unprotected.sentence, what: why };
  }

  #pairHolds(number: number): boolean {
    const { next } = this.#pairs;
    next[0] = this.#worlds.part(number, PRIMARY);
    next[1] = this.#worlds.part(number, SECONDARY);
    next[2] = this.#worlds.part(number, SHARE);
    const before = this.#pairs.count;
    const asked = this.#pairs.add();
    if (asked === before) {
      const { broken } = anActiveAndItsPassiveAreBothInTheRecord;
      this.#pairVerdicts.push(broken(this.#worlds.world(number), this.#machines) === null);
    }
    return present(this.#pairVerdicts[asked], 'a verdict');
  }

  #verdict(number: number, me: ServerName): number {
    const { next } = this.#asked;
    next[0] = me === 'primary' ? 0 : 1;
    next[1] = this.#worlds.part(number, me === 'primary' ? PRIMARY : SECONDARY);
    next[2] = this.#worlds.part(number, SHARE);
    next[3] = this.#worlds.part(number, LEDGER);
    const before = this.#asked.count;
    const asked = this.#asked.add();
    if (asked === before) this.#verdicts.push(verdictOn(this.#judged(number, me)));
    return present(this.#verdicts[asked], 'a verdict');
  }

  #judged(number: number, me: ServerName): Judged {
    const { share, ledger, [me]: own } = this.#worlds.world(number);
    return { me, own, share, ledger };
  }
}

function verdictOn(judged: Judged): number {
  if (invariants.some(({ broken }) => broken(judged) !== null)) return BROKEN;
  return commitsAlone(judged.own) ? HOLDS_AND_COMMITS_ALONE : HOLDS;
}
