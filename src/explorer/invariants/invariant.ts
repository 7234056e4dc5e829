/** What must hold in every world that can be reached, asked of each server: of what it has and of what everybody sees. */
import type { ServerName } from '../../core/pair/index.ts';
import type { Ledger, Server, Share } from '../world/world.ts';

export type Judged = Readonly<{ me: ServerName; own: Server; share: Share; ledger: Ledger }>;

export type Invariant = Readonly<{
  sentence: string;
  /** Null: it holds. Otherwise what breaks it, for people. */
  broken: (judged: Judged) => string | null;
}>;
