/**
 * `npm run tidy`: keeps true what the README and the house say of the code. Prints `file:line: what; use this instead` for each fault and
 * fails when there is one. Each check is a function in scripts/tidy/, and test/project/tidy.test.ts sees each of them fail.
 */
import { projectDirectory } from '../src/profile/index.ts';
import { ledger } from '../test/conformance/ledger.ts';
import { bannedNames } from './tidy/banned.ts';
import { importDirections, starExports, unusedFiles } from './tidy/imports.ts';
import { errorCodes, lockfileAddresses, madeTexts, profilesLoad } from './tidy/manual.ts';
import { openProject } from './tidy/project.ts';
import { proofNames } from './tidy/proof.ts';
import { citedRules } from './tidy/rules.ts';
import { statementLedger } from './tidy/statements.ts';

const project = openProject(projectDirectory);
const findings = [
  ...importDirections(project),
  ...starExports(project),
  ...unusedFiles(project),
  ...bannedNames(project),
  ...citedRules(project),
  ...proofNames(project),
  ...statementLedger(project, ledger),
  ...errorCodes(project),
  ...lockfileAddresses(project),
  ...madeTexts(project),
  ...(await profilesLoad(project)),
];
for (const { file, line, text } of findings) console.error(`${file}:${line}: ${text}`);
if (findings.length > 0) {
  console.error(`tidy: ${findings.length} ${findings.length === 1 ? 'fault' : 'faults'}`);
  process.exitCode = 1;
}
