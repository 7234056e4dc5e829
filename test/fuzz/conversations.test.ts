import { expect, test } from 'vitest';
import { converse } from './conversations.ts';

test('whatever clients say and however they go, others get what is theirs, nothing is left of them, and every answer is one that a server may give', async () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const repeat = `npm run fuzz:session -- --packets 1500 --seed ${seed}`;
  const { findings, answers, connections, bystanding } = await converse(seed, 1500);
  console.log(
    `${connections} connections, ${answers.size} kinds of answers, ${bystanding} messages to bystanders; again: ${repeat}`,
  );
  expect(findings, repeat).toEqual([]);
  // Else the conversations would have lost their edge: nothing gets through, or nothing is objected to.
  expect(answers.size).toBeGreaterThan(30);
}, 60_000);
