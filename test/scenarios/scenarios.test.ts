/** Each run of REASONS.md (A1 to C9) as a transcript that people read: what is done, and what both servers say. Source: PROTOCOL.md §2 to §6. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { interpret, titleOf } from './interpreter/index.ts';

const folder = fileURLToPath(new URL('.', import.meta.url));

for (const file of readdirSync(folder).filter((name) => name.endsWith('.txt'))) {
  const text = readFileSync(`${folder}${file}`, 'utf8');
  test(titleOf(text), async () => {
    await expect(await interpret(text)).toMatchFileSnapshot(`${folder}${file}`);
  });
}
