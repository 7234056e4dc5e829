/** What must hold in every world that can be reached. */
import type { Model } from '../draft.ts';
import type { World } from '../world.ts';

export type Invariant = Readonly<{
  sentence: string;
  /** Null: it holds. Otherwise what breaks it, for people. */
  broken: (world: World, model: Model) => string | null;
}>;
