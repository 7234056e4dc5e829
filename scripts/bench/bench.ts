/** A benchmark: one question, what is set up to answer it, and in what units. */
import type { Columns } from './report.ts';
import type { Session } from './session.ts';

export type Bench = Readonly<{
  name: string;
  question: string;
  setup: string;
  unit: string;
  columns: Columns;
  /** Whether the built servers are started. */
  needsBuild: boolean;
  /** Whether it takes --against. */
  takesOthers: boolean;
  /** Unless --runs says otherwise. */
  runs: number;
  /** Further options, each with its default. */
  options?: Readonly<Record<string, Readonly<{ default: string; text: string }>>>;
  run: (session: Session) => Promise<void>;
}>;
