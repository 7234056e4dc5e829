/** Each check of scripts/tidy.ts finds its fault, in a small project with one of each kind planted, and nothing in a clean one. */
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { bannedNames } from '../../scripts/tidy/banned.ts';
import { importDirections, starExports, unusedFiles } from '../../scripts/tidy/imports.ts';
import { errorCodes, lockfileAddresses, madeTexts, profilesLoad } from '../../scripts/tidy/manual.ts';
import { openProject, type Finding, type Project } from '../../scripts/tidy/project.ts';
import { proofNames, SCENARIOS } from '../../scripts/tidy/proof.ts';
import { citedRules, rulesIn } from '../../scripts/tidy/rules.ts';
import { statementLedger } from '../../scripts/tidy/statements.ts';
import { projectDirectory } from '../../src/profile/index.ts';
import type { Ledger } from '../conformance/ledger.ts';

type Files = Readonly<Record<string, string>>;

const CLEAN: Files = {
  'src/base/index.ts': "export { a } from './a.ts';\n",
  'src/base/a.ts': 'export const a = 1;\n',
  'src/core/pair/PROTOCOL.md': 'x\n\n## 2. Rules\n\n**Ack.** An entry\n\n## 3. States\n',
  'src/core/pair/index.ts':
    "/** Source: PROTOCOL.md §2 Ack. */\nimport { a } from '../../base/index.ts';\nexport const b = a;\n",
  'src/runtime/index.ts': "import { b } from '../core/pair/index.ts';\nexport const later = async () => b;\n",
  'src/server/index.ts':
    "import { later } from '../runtime/index.ts';\nimport 'node:fs';\nexport const run = later;\n",
  'src/cli/main.ts':
    "import { run } from '../server/index.ts';\nvoid run();\nthrow new Error('LS_TEST_ONE');\n",
  'test/ack.test.ts': '// the claim (rule Ack)\n',
  'docs/ERRORS.md': '| `LS_TEST_ONE` | one |\n',
  'package-lock.json': '{ "packages": {} }\n',
};

async function project(more: Files = {}): Promise<Project> {
  const root = await mkdtemp(join(tmpdir(), 'lockstep-tidy-'));
  onTestFinished(() => rm(root, { recursive: true }));
  for (const [path, text] of Object.entries({ ...CLEAN, ...more })) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return openProject(root);
}

const words = (findings: readonly Finding[]): string[] =>
  findings.map(({ file, line, text }) => `${file}:${line}: ${text}`);

test('a clean project has no faults', async () => {
  const clean = await project();
  for (const check of [
    importDirections,
    starExports,
    unusedFiles,
    bannedNames,
    citedRules,
    errorCodes,
    lockfileAddresses,
  ])
    expect(words(check(clean))).toEqual([]);
});

test.each<[string, Files, string]>([
  [
    'upwards',
    { 'src/base/a.ts': "import { b } from '../core/pair/index.ts';\nexport const a = b;\n" },
    'src/base/a.ts:1: src/base must not import src/core/pair/index.ts; it may import nothing',
  ],
  [
    'past a door',
    { 'src/core/pair/index.ts': "import { a } from '../../base/a.ts';\nexport const b = a;\n" },
    "src/core/pair/index.ts:1: src/base/a.ts is behind a door; use the folder's index.ts",
  ],
  [
    'of node: in the core',
    { 'src/core/pair/index.ts': "\nimport 'node:fs';\n" },
    'src/core/pair/index.ts:2: src/core/pair must not import node:fs; put what needs it behind a port in src/io',
  ],
  [
    'of a library outside the files that know it',
    { 'src/core/pair/index.ts': "import 'xstate';\n" },
    'src/core/pair/index.ts:1: xstate is known to core/pair/machine.ts, core/pair/setup.ts, core/pair/step.ts, core/pair/table.ts only; use what they offer',
  ],
  [
    'loaded later',
    { 'src/runtime/index.ts': "export const x = () => import('../server/index.ts');\n" },
    'src/runtime/index.ts:1: src/runtime must not import src/server/index.ts; it may import base, core, ports',
  ],
])('an import %s is found', async (_, files, finding) => {
  expect(words(importDirections(await project(files)))).toEqual([finding]);
});

test('a file of no folder, a file that nobody imports and a door that hides what it opens are found', async () => {
  const faulty = await project({
    'src/misc/x.ts': '',
    'src/base/lonely.ts': '',
    'src/base/index.ts': "export * from './a.ts';\n",
  });
  expect(words(importDirections(faulty))).toEqual([
    expect.stringContaining('src/misc/x.ts:1: belongs to no folder'),
  ]);
  expect(words(unusedFiles(faulty)).map((line) => line.split(':')[0])).toEqual([
    'src/base/lonely.ts',
    'src/misc/x.ts',
  ]);
  expect(words(starExports(faulty))).toEqual([expect.stringContaining('src/base/index.ts:1: export *')]);
});

test.each([
  ['Date.now()', 'Date.now is banned here; use the Clock port'],
  ['new Date()', 'new Date is banned here; use the Clock port'],
  ['Math.random()', 'Math.random is banned here; use the Random port'],
  ['process.pid', 'process is banned here; take what is needed as a parameter'],
  ['setTimeout(() => 1, 2)', 'setTimeout is banned here; use the Clock port'],
  ['async () => 1', 'nothing waits here; return orders and let the runtime carry them out'],
])('in the core, %s is found', async (code, finding) => {
  const path = 'src/core/pair/index.ts';
  expect(words(bannedNames(await project({ [path]: `\nexport const x = ${code};\n` })))).toEqual([
    `${path}:2: ${finding}`,
  ]);
});

test('the runtime may wait, but not by a timer of its own; a word in a comment or a member of that name is no fault', async () => {
  const text = '// Date.now and process\nexport const x = async (o: { process: number }) => o.process;\n';
  expect(words(bannedNames(await project({ 'src/runtime/index.ts': text })))).toEqual([]);
  const timer = `${text}export const y = () => setInterval(x, 1);\n`;
  expect(words(bannedNames(await project({ 'src/runtime/index.ts': timer })))).toHaveLength(1);
});

test('a rule that is cited nowhere in src or in test is found', async () => {
  const uncited = await project({
    'src/core/pair/index.ts': 'export const b = 1;\n',
    'test/ack.test.ts': '',
  });
  expect(words(citedRules(uncited))).toEqual([
    expect.stringContaining('PROTOCOL.md:5: rule Ack is cited nowhere in src/'),
    expect.stringContaining('PROTOCOL.md:5: rule Ack is cited nowhere in test/'),
  ]);
});

test('the rules of the protocol page are found by their bold names', async () => {
  const page = await readFile(join(projectDirectory, 'src/core/pair/PROTOCOL.md'), 'utf8');
  const names = 'Ack Write Claim Turn Consent Shrink Resume Grow Fence Tail None Force Keeper';
  expect(
    rulesIn(page)
      .map(({ name }) => name)
      .join(' '),
  ).toBe(names);
});

/** A page of proof with every scenario once, and these lines more. */
const proof = (...more: readonly string[]): Files => ({
  'docs/PROOF.md': [
    ...Object.entries(SCENARIOS).flatMap(([letter, count]) =>
      Array.from({ length: count }, (_, n) =>
        n === 0 ? `- ${letter}1: no` : `| ${letter}${n + 1} | tried | by |`,
      ),
    ),
    ...more,
  ].join('\n'),
  'src/simulator/faults/table.ts': 'export const FAULTS = {\n  crash: { weight: 1 },\n};\n',
  'src/simulator/checkers/nothing-lost.ts': 'export function nothingLost() {}\n',
  'src/explorer/rounds.ts': "round('the channel is cut', 1);\n",
  'scripts/chaos/kinds.ts': 'const kinds = {\n  kill: {\n  },\n};\n',
  'test/proof.test.ts':
    "test('one claim (Ack)', f);\ntest.each([1])('claim %i', f);\ntest(`claim of ${n} bytes`, f);\n",
});

test('a page of proof that cites what there is has no faults', async () => {
  const cites = [
    '`test/proof.test.ts: "one claim (Ack)"` `test/proof.test.ts: "claim %i"` `test/proof.test.ts: "claim of … bytes"` `test/proof.test.ts: "one…"`',
    '`fault: crash` `chaos: kill` `checker: nothingLost` `explore: "the channel is cut"` `src/base/a.ts` `npm test`',
  ];
  expect(words(proofNames(await project(proof(...cites))))).toEqual([]);
});

test.each([
  ['`test/proof.test.ts: "no such claim"`', '"no such claim" stands for 0 titles in test/proof.test.ts'],
  ['`test/proof.test.ts: "…claim…"`', '"…claim…" stands for 3 titles in test/proof.test.ts'],
  ['`test/none.test.ts: "one claim (Ack)"`', 'test/none.test.ts does not exist'],
  ['`test/scenarios/none.txt`', 'test/scenarios/none.txt does not exist'],
  ['`fault: crash, flood`', 'fault flood is not to be found in src/simulator/faults/'],
  ['`chaos: crash`', 'chaos crash is not to be found in scripts/chaos/kinds.ts'],
  ['`checker: nothing`', 'checker nothing is not to be found in src/simulator/checkers/'],
  ['`explore: "a flood"`', '"a flood" stands for 0 titles in src/explorer/rounds.ts'],
  ['| A2 | twice | by |', 'scenario A2 stands here 2 times'],
  ['| A17 | one too many | by |', 'there is no scenario A17'],
])('on a page of proof %s is found', async (line, finding) => {
  expect(words(proofNames(await project(proof(line))))).toEqual([expect.stringContaining(finding)]);
});

test('a page of proof that is missing, or forgets a scenario, is found', async () => {
  expect(words(proofNames(await project()))).toEqual([
    expect.stringContaining('docs/PROOF.md:1: is missing'),
  ]);
  const files = proof();
  const shorter = (files['docs/PROOF.md'] ?? '').replace('| B3 |', '| |');
  expect(words(proofNames(await project({ ...files, 'docs/PROOF.md': shorter })))).toEqual([
    expect.stringContaining('scenario B3 stands here 0 times'),
  ]);
});

test('an error code without an explanation, and an explanation without a code, are found', async () => {
  const faulty = await project({ 'docs/ERRORS.md': '# Errors\n`LS_TEST_TWO`\n' });
  expect(words(errorCodes(faulty))).toEqual([
    'src/cli/main.ts:3: LS_TEST_ONE is not in docs/ERRORS.md; add what it means and what to do',
    'docs/ERRORS.md:2: LS_TEST_TWO is used nowhere in src/; take it out',
  ]);
});

test('a manual of options that is out of date is found', async () => {
  expect(words(madeTexts(await project({ 'docs/OPTIONS.md': '# Options\n' })))).toEqual([
    'docs/OPTIONS.md:1: out of date; run npx tsx scripts/docs.ts',
  ]);
});

test('a profile that does not load, or that is of no server, is found', async () => {
  const faulty = await project({
    'profiles/x/primary/peer.yaml': 'server: primary\nnonsense: 1\n',
    'profiles/y.yaml': '',
  });
  const found = words(await profilesLoad(faulty));
  expect(found).toContain(
    'profiles/x/primary/peer.yaml:2: nonsense: unknown key; `lockstep options` lists all',
  );
  expect(found).toContainEqual(expect.stringContaining('profiles/y.yaml:1: is of no server'));
  await cp(join(projectDirectory, 'profiles'), join(faulty.root, 'profiles'), { recursive: true });
  await rm(join(faulty.root, 'profiles/x'), { recursive: true });
  await rm(join(faulty.root, 'profiles/y.yaml'));
  expect(await profilesLoad(faulty)).toEqual([]);
});

test('a lock file that names where to download from is found', async () => {
  const text = '{\n  "a": { "resolved": "https://registry.example/a.tgz" }\n}\n';
  expect(words(lockfileAddresses(await project({ 'package-lock.json': text })))).toEqual([
    expect.stringContaining('package-lock.json:2: names an address'),
  ]);
});

/** A specification of as many statements as are cited here: by titles, by tables, not applicable, open. */
const STATEMENTS: Files = {
  'test/cites.test.ts': [
    "test('a title cites [MQTT-1.1.1-1, MQTT-1.1.1-2]', f);",
    "for (const [clause, what] of [['MQTT-1.1.1-3', 'x'], ['MQTT5-1.1.1-1, MQTT5-1.1.1-2', 'y']])",
    '  test(`${what} is made [${clause}]`, f);',
  ].join('\n'),
};
const ledgerOf = (more: Partial<Ledger> = {}): Ledger => {
  const cited = ['MQTT-1.1.1-1', 'MQTT-1.1.1-2', 'MQTT-1.1.1-3', 'MQTT5-1.1.1-1', 'MQTT5-1.1.1-2'];
  const statements = [...cited, 'MQTT-2.1.1-1', 'MQTT5-2.1.1-1'].map(
    (id) => [id, { id, says: 'x', binds: 'both' }] as const,
  );
  return {
    statements: new Map(statements),
    notApplicable: { 'MQTT-2.1.1-1': 'why' },
    open: { 'MQTT5-2.1.1-1': 'not yet' },
    ...more,
  };
};

test('a ledger in which each statement is cited, not applicable or open has no faults', async () => {
  expect(words(statementLedger(await project(STATEMENTS), ledgerOf()))).toEqual([]);
});

test.each<[string, Files, Partial<Ledger>, string]>([
  ['is nowhere', {}, { open: {} }, 'open.ts:1: MQTT5-2.1.1-1 is cited by no test'],
  [
    'is cited by a test that is expected to fail',
    { 'test/fails.test.ts': "test.fails('broken [MQTT5-2.1.1-1]', f);" },
    { open: {} },
    'open.ts:1: MQTT5-2.1.1-1 is cited by no test',
  ],
  [
    'is tested and open',
    { 'test/more.test.ts': "it('works [MQTT5-2.1.1-1]', f);" },
    {},
    'open.ts:1: MQTT5-2.1.1-1 is tested by test/more.test.ts; take it out',
  ],
  [
    'is tested and not applicable',
    { 'test/more.test.ts': "test.each([1])('works (MQTT-2.1.1-1) %i', f);" },
    {},
    'not-applicable.ts:1: MQTT-2.1.1-1 is tested by test/more.test.ts; take it out',
  ],
  [
    'is open and not applicable',
    {},
    { open: { 'MQTT-2.1.1-1': 'x', 'MQTT5-2.1.1-1': 'x' } },
    'open.ts:1: MQTT-2.1.1-1 is not applicable; take it out here',
  ],
  [
    'is listed and does not exist',
    {},
    { notApplicable: { 'MQTT-2.1.1-1': 'why', 'MQTT-2.1.1-2': 'why' } },
    'not-applicable.ts:1: MQTT-2.1.1-2 is no statement; take it out',
  ],
  [
    'is cited and does not exist',
    { 'test/more.test.ts': '\n// Source: MQTT-1.1.1\n' },
    {},
    'test/more.test.ts:2: MQTT-1.1.1 is no statement; cite one that',
  ],
  [
    'is cited under the number of the other version',
    { 'test/more.test.ts': "test('works [MQTT5-1.1.1-3]', f);" },
    {},
    'test/more.test.ts:1: MQTT5-1.1.1-3 is no statement, but MQTT-1.1.1-3 is; MQTT- means 3.1.1',
  ],
])('a statement that %s is found', async (_, files, more, finding) => {
  const faulty = await project({ ...STATEMENTS, ...files });
  expect(words(statementLedger(faulty, ledgerOf(more)))).toEqual([expect.stringContaining(finding)]);
});
