/**
 * What a message costs: operations, syncs and bytes of the journals, counted for a fixed load in simulated time. No machine is slow or busy here;
 * whoever makes a message dearer sees it. Source: docs/PERFORMANCE.md.
 */
import { expect, onTestFinished, test, vi } from 'vitest';
import { present } from '../../src/base/index.ts';
import { decodeOps } from '../../src/core/broker/index.ts';
import { readEntries } from '../../src/core/replication/index.ts';
import { SimJournal } from '../../src/simulator/disk/sim-journal.ts';
import { TwoServers } from './two-servers.ts';

const MESSAGES = 1_000;
const PAYLOAD_BYTES = 256;
const SERVERS = 2;
const LOAD_MS = 600_000;
const SETTLING_MS = 1_000;

/** Published in windows: the next one when all of the one before is acknowledged. Each figure is for one message and one server. */
async function costOf(window: number): Promise<{ operations: number; syncs: number; bytes: number }> {
  const pair = await TwoServers.together();
  const reader = await pair.client('reader', false).connects();
  await reader.subscribes('topic');
  const writer = await pair.client('writer').connects();
  const append = vi.spyOn(SimJournal.prototype, 'append');
  onTestFinished(() => append.mockRestore());
  for (let sent = 0; sent < MESSAGES; sent += window) {
    const ids = Array.from({ length: window }, () => writer.publish('x'.repeat(PAYLOAD_BYTES)));
    for (const id of ids) expect(await writer.hasAck(id, LOAD_MS)).toBe(true);
  }
  expect(await pair.until(() => reader.delivered.length === MESSAGES, LOAD_MS)).toBe(true);
  // What the reader has acknowledged is settled.
  await pair.run(SETTLING_MS);
  const appended = append.mock.calls.map(([bytes]) => Buffer.from(bytes));
  const entries = appended.flatMap((bytes) => present(readEntries(bytes), 'whole entries'));
  const each = (total: number): number => total / MESSAGES / SERVERS;
  return {
    operations: each(entries.reduce((sum, { body }) => sum + [...decodeOps(body)].length, 0)),
    syncs: each(appended.length),
    bytes: each(appended.reduce((sum, bytes) => sum + bytes.length, 0)),
  };
}

/** An append is one write and one sync: test/contract/journal-cost.test.ts. */
test.each([
  { window: 1, syncs: 1.1, bytes: 350 },
  { window: 10, syncs: 0.2, bytes: 320 },
  { window: 100, syncs: 0.022, bytes: 310 },
])(
  'a message of 256 B for one durable reader, $window at a time, is two operations, at most $syncs appends and $bytes bytes of each journal',
  async ({ window, syncs, bytes }) => {
    const cost = await costOf(window);
    expect(cost.operations).toBe(2);
    expect(cost.syncs).toBeLessThanOrEqual(syncs);
    expect(cost.bytes).toBeLessThanOrEqual(bytes);
    // What can't be: less than the payload, once on each server.
    expect(cost.bytes).toBeGreaterThan(PAYLOAD_BYTES);
  },
);
