/**
 * `identity.json`: who a store is. Readable by people, written by programs alone: a checksum tells the one from the other, because a
 * store that claims by a wrong `recordSeen` or `isComplete` loses messages. Source: PROTOCOL.md §1, §2 Claim; REASONS.md A8, A9.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { z } from 'zod';
import { claimId, epoch, lockId, pairId, seq, storeId, version } from '../../core/pair/index.ts';
import type { Identity } from '../../ports/index.ts';
import { whyOf, writeDurably } from '../journal/index.ts';
import { StoreFault, storeFaults } from './faults.ts';

const whole = z.int().nonnegative();
const name = z.string().min(1);
const stampSchema = z.strictObject({ epoch: whole.transform(epoch), seq: whole.transform(seq) });
const storeIdSchema = name.transform(storeId);
const recordSchema = z.strictObject({
  pairId: name.transform(pairId),
  lockId: name.transform(lockId),
  version: whole.transform(version),
  epoch: whole.transform(epoch),
  claimId: name.transform(claimId),
  holder: z.enum(['primary', 'secondary']),
  inSync: z.strictObject({
    primary: z.exactOptional(storeIdSchema),
    secondary: z.exactOptional(storeIdSchema),
  }),
  floor: z.record(name, stampSchema),
  forced: z.array(
    z.strictObject({ by: z.string(), why: z.string(), at: z.string(), epoch: whole.transform(epoch) }),
  ),
});
const identitySchema = z.strictObject({
  storeId: storeIdSchema,
  pairId: name.transform(pairId).nullable(),
  isComplete: z.boolean(),
  recordSeen: recordSchema.nullable(),
});
const fileSchema = z.strictObject({ identity: z.unknown(), checksum: z.string() });

const pathIn = (directory: string): string => join(directory, 'identity.json');
const checksumOf = (identity: unknown): string =>
  crc32(JSON.stringify(identity)).toString(16).padStart(8, '0');

/** Durable when it fulfils. */
export async function writeIdentity(directory: string, identity: Identity): Promise<void> {
  const text = JSON.stringify({ identity, checksum: checksumOf(identity) }, null, 2);
  await writeDurably(pathIn(directory), `${text}\n`);
}

/** Rejects with `LS_STORE_IDENTITY` where the file is missing, changed, or not that of `expected`. */
export async function readIdentity(directory: string, expected: string): Promise<Identity> {
  const read = await tryIdentity(directory);
  if (typeof read === 'string') throw fault(directory, read);
  if (read.storeId !== expected) throw fault(directory, `it is that of store ${read.storeId}`);
  return read;
}

/** The identity, or why there is none to be trusted. */
export async function tryIdentity(directory: string): Promise<Identity | string> {
  try {
    const { identity, checksum } = fileSchema.parse(JSON.parse(await readFile(pathIn(directory), 'utf8')));
    if (checksumOf(identity) !== checksum) return 'its checksum is wrong';
    return identitySchema.parse(identity);
  } catch (error) {
    return error instanceof z.ZodError ? 'it is of another form' : whyOf(error);
  }
}

const fault = (directory: string, why: string): StoreFault =>
  new StoreFault('LS_STORE_IDENTITY', storeFaults.LS_STORE_IDENTITY(pathIn(directory), why));
