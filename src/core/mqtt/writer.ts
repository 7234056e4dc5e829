/** A writer of the client's version. */
import { LEVEL } from './fields.ts';
import type { PacketWriter, WriterParts } from './packet-writer.ts';
import { Writer311 } from './writer-311.ts';
import { Writer5 } from './writer-5.ts';

/** One for each connection, from its CONNECT on. */
export const packetWriter = (parts: WriterParts): PacketWriter =>
  parts.level === LEVEL.v5 ? new Writer5(parts) : new Writer311(parts);
