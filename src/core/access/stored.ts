/**
 * Users and rules as keys and values of the stored state. A key is the place of the operation that made its thing. Numbers in keys are
 * big-endian. Source: PROTOCOL.md §1 (state).
 *
 *    16 user  place  name, credential (see user.ts)
 *    17 rule  place  rule (see rule.ts)
 */
import { ByteReader, ByteWriter } from '../../base/index.ts';
import { decodeRule, encodeRule, type Rule } from './rule.ts';
import { decodeCredential, encodeCredential, type User } from './user.ts';

/** The place of an operation in the journal: its entry's seq and its number within that entry, from 0. */
export type Place = Readonly<{ seq: number; index: number }>;

export const ACCESS_KINDS = { user: 16, rule: 17 } as const;

export function accessKey(kind: keyof typeof ACCESS_KINDS, { seq, index }: Place): Buffer {
  const key = Buffer.allocUnsafe(13);
  key.writeUInt8(ACCESS_KINDS[kind], 0);
  key.writeUInt32BE(Math.floor(seq / 0x1_0000_0000), 1);
  key.writeUInt32BE(seq % 0x1_0000_0000, 5);
  key.writeUInt32BE(index, 9);
  return key;
}

export function userValue({ name, credential }: User): Buffer {
  const writer = new ByteWriter(256).text(name);
  encodeCredential(writer, credential);
  return writer.taken();
}

export function userFrom(value: Uint8Array): User {
  const reader = new ByteReader(value);
  return { name: reader.text(), credential: decodeCredential(reader) };
}

export function ruleValue(rule: Rule): Buffer {
  const writer = new ByteWriter(128);
  encodeRule(writer, rule);
  return writer.taken();
}

export const ruleFrom = (value: Uint8Array): Rule => decodeRule(new ByteReader(value));
