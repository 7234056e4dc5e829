import { expect, test } from 'vitest';
import { attack, ATTACKED } from '../fuzz/attack.ts';
import { protectedPair } from './traffic.ts';

const PACKETS = 400;

test('a pair under spoilt packets serves on: ordinary clients lose no connection and no message, and no answer is one that a server may not give', async () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const repeat = `npm run fuzz:server -- --packets ${PACKETS} --seed ${seed}`;
  const { pair, active } = await protectedPair(ATTACKED);
  const tally = await attack({ pair, server: pair.server(active), seed, packets: PACKETS });
  const { findings, connections, bystanding, resident } = tally;
  console.log(
    `${connections} connections, ${bystanding} messages to bystanders, resident ${resident.before.toFixed(0)} to ${resident.after.toFixed(0)} MiB; again: ${repeat}`,
  );
  expect(findings, `${repeat}\n${pair.transcript()}`).toEqual([]);
  expect(await pair.state(active)).toBe('ACTIVE');
});
