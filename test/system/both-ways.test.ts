/** The active is killed again and again, now one server, now the other. Source: PROTOCOL.md §2 Ack, Claim, Tail; §4. */
import { readdir } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { protectedPair, Traffic } from './traffic.ts';

const ROUNDS = 6;
const PER_SECOND_EACH = 500;

test(`${ROUNDS} kills of the active to and fro at ${2 * PER_SECOND_EACH} messages a second: nothing acknowledged is lost, each publisher's order holds, and no old stores pile up (Ack, §5)`, async () => {
  const { pair, active } = await protectedPair();
  const traffic = await Traffic.start(pair, PER_SECOND_EACH, ['left', 'right']);
  let serving = active;
  for (let round = 1; round <= ROUNDS; round += 1) {
    const killed = serving;
    pair.server(killed).kill('SIGKILL');
    serving = killed === 'primary' ? 'secondary' : 'primary';
    await pair.reaches(serving, 'STANDALONE');
    await traffic.flows();
    pair.start(killed);
    expect(await pair.protected(), pair.transcript()).toEqual({ active: serving, passive: killed });
    await traffic.flows();
  }
  await traffic.judged();
  for (const name of ['primary', 'secondary'] as const) {
    const stores = (await readdir(pair.storePath(name), { withFileTypes: true })).filter((entry) =>
      /^[0-9a-f]{32}/.test(entry.name),
    );
    expect(stores.map((entry) => entry.name)).toHaveLength(1);
  }
});
