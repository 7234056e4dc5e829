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

test('the machine has the rows of PROTOCOL.md §3 and no others (§3)', () => {
  expect(transitionTable().map(rowText)).toEqual(rowsOfPage().map(rowText).sort());
});
