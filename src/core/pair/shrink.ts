/**
 * Rule Shrink: the record by which a serving server that has lost its peer goes on alone. Until it is *written*, everything is held
 * back. Source: PROTOCOL.md §2 Shrink; REASONS.md A4, B4.
 */
import type { ArbitrationRecord, RecordDraft, ServerName, Stamp, StoreId } from './words.ts';

/** `record`: the last one this server has written, or its own unresolved attempt read back. The claim stays the same. */
export function shrinkDraft(
  record: ArbitrationRecord,
  me: ServerName,
  own: Readonly<{ storeId: StoreId; stamp: Stamp }>,
): RecordDraft {
  const { version: _replaced, ...rest } = record;
  return { ...rest, holder: me, inSync: { [me]: own.storeId }, floor: { [own.storeId]: own.stamp } };
}
