/** All statements of both specifications by their citations, and those that no test cites, with why. Checked by scripts/tidy/statements.ts. */
import { notApplicable } from './not-applicable.ts';
import { open } from './open.ts';
import { citationOf, type Statement, type Version } from './statement.ts';
import { statements311 } from './statements-311.ts';
import { statements5 } from './statements-5.ts';

/** Reasons by citation. */
export type Reasons = Readonly<Record<string, string>>;

export type Ledger = Readonly<{
  statements: ReadonlyMap<string, Statement>;
  notApplicable: Reasons;
  open: Reasons;
}>;

export const specifications: Readonly<Record<Version, readonly Statement[]>> = {
  '3.1.1': statements311,
  '5.0': statements5,
};

const cited = (version: Version): [string, Statement][] =>
  specifications[version].map((statement) => [citationOf(version, statement), statement]);

export const ledger: Ledger = {
  statements: new Map([...cited('3.1.1'), ...cited('5.0')]),
  notApplicable,
  open,
};
