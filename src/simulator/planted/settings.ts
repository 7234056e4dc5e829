/**
 * What befalls a pair so that a planted fault shows, beside the faults that are drawn: rare misfortunes made frequent, each of them one that a pair
 * without the plant survives on its own. Source: PROTOCOL.md §2 (Write: "safe even on a share whose locks lie"), §5, §6.
 */
import { COPY_BYTES, otherServer, type ServerName } from '../../core/pair/index.ts';
import type { SimPair } from '../pair/sim-pair.ts';
import type { SimRandom } from '../time/sim-random.ts';
import type { Setting } from './plant.ts';

const someServer = (random: SimRandom): ServerName => (random.chance(0.5) ? 'primary' : 'secondary');

/** Something that happens again and again, about every `meanMs`, until the faults end. */
const often =
  (meanMs: number, happens: (pair: SimPair, random: SimRandom) => void): Setting =>
  (pair, random) => {
    let isOver = false;
    const again = (): void =>
      void pair.clock.after(2 * meanMs * random.unit(), () => {
        if (isOver) return;
        happens(pair, random);
        again();
      });
    again();
    return () => {
      isOver = true;
    };
  };

/** A bit flips in one copy of one block, while its other copy is good. */
export const copiesRot = often(2_000, (pair, random) => {
  const bytes = pair.share.blocks[someServer(random)]?.bytes;
  if (bytes?.subarray(0, COPY_BYTES).equals(bytes.subarray(COPY_BYTES)) !== true) return;
  const copy = random.below(2) * COPY_BYTES;
  const text = bytes
    .subarray(copy, copy + COPY_BYTES)
    .toString('latin1')
    .trimEnd();
  const at = copy + random.below(text.length);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
});

/** Everybody gets the lock, no touch of the share takes as long as the one before, and connections break. */
export const locksLie: Setting = (pair, random) => {
  pair.share.lieAboutLocks();
  return often(10, ({ share, network }) => {
    share.slow(someServer(random), 10 ** (2 * random.unit()));
    if (random.chance(0.005)) network.reset('the connection was reset');
  })(pair, random);
};

/** The server that holds nothing alone: the passive of a pair that stands. */
const passiveOf = ({ states }: SimPair): ServerName | null =>
  states === 'ACTIVE/PASSIVE' ? 'secondary' : states === 'PASSIVE/ACTIVE' ? 'primary' : null;

/** The passive's disk is lost and replaced, and the active goes down with it for a while. */
export const passiveLosesDisk = often(8_000, (pair, random) => {
  const passive = passiveOf(pair);
  if (passive === null) return;
  const [lost, other] = [pair.machines[passive], pair.machines[otherServer(passive)]];
  lost.powerLoss(0);
  lost.wipe();
  other.crash();
  pair.clock.after(random.unit() * 1_000, () => lost.start());
  pair.clock.after(6_000 + random.unit() * 10_000, () => other.start());
});

/** The passive's disk is lost and replaced, and its process dies again while it installs the full synchronisation. */
export const installInterrupted = often(8_000, (pair, random) => {
  const passive = passiveOf(pair);
  if (passive === null) return;
  const machine = pair.machines[passive];
  machine.powerLoss(0);
  machine.wipe();
  machine.disk.slow(20);
  pair.clock.after(random.unit() * 1_000, () => machine.start());
  const interrupt = (left: number): void =>
    void pair.clock.after(5, () => {
      const isHalf = [...machine.disk.stores.values()].some(({ identity }) => !identity.isComplete);
      if (!isHalf) return left > 0 ? interrupt(left - 1) : undefined;
      pair.clock.after(random.unit() * 60, () => {
        machine.crash();
        machine.disk.slow(1);
        pair.clock.after(random.unit() * 1_000, () => machine.start());
      });
    });
  interrupt(4_000);
});
