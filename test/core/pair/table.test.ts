import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { rowText, transitionTable, type Row } from '../../../src/core/pair/index.ts';

const page = readFileSync(new URL('../../../src/core/pair/PROTOCOL.md', import.meta.url), 'utf8');

/** The rows of the table under §3 that has the columns from, when, to. */
function rowsOfPage(): Row[] {
  const table = page.slice(page.indexOf('| from | when | to |'));
  const lines = table.slice(0, table.indexOf('\n\n')).split('\n').slice(2);
  return lines.map((line) => {
    const [, from = '', when = '', to = ''] = line.split('|').map((cell) => cell.trim());
    return { from, when, to };
  });
}

/** Rules that the page calls optional, "after the rest works": they have no rows in the machine yet. */
const notBuiltYet = [
  'WAITING | channel up, my turn, claim with consent written | ACTIVE',
  'PASSIVE | switchover asked, claim with consent written | ACTIVE',
  'ACTIVE | the same run of the passive resumes | ACTIVE',
];

test('the machine has the rows of PROTOCOL.md §3 and no others, Consent and Resume excepted', () => {
  const wanted = rowsOfPage()
    .map(rowText)
    .filter((row) => !notBuiltYet.includes(row));
  expect(transitionTable().map(rowText)).toEqual(wanted.sort());
});

test('the rows not built yet are rows of the page', () => {
  expect(rowsOfPage().map(rowText)).toEqual(expect.arrayContaining(notBuiltYet));
});
