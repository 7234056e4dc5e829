/** The packets that a server sends to a client of MQTT 3.1.1. All but PUBLISH are short and of one form. Source: MQTT 3.1.1 §3. */
import { AssertionFault } from '../../base/index.ts';
import type { PacketWriter, PublishContent, PublishMarks, WriterParts } from './packet-writer.ts';
import { encodePublish, publishSize } from './publish.ts';
import { isFailure, returnCode, type Reason } from './reasons.ts';
import { FIRST, PINGRESP, short } from './short.ts';
import { varintSize, writeVarint } from './wire.ts';

/** A reason of MQTT 5 that MQTT 3.1.1 has no number for. Source: table 3.1 and §3.9.3 have one failure. */
const SUBACK_FAILURE = 0x80;

export class Writer311 implements PacketWriter {
  readonly level = 4;
  readonly #copies: WriterParts['copies'];

  constructor({ copies }: WriterParts) {
    this.#copies = copies;
  }

  connack(isPresent: boolean): Buffer {
    return Buffer.from([FIRST.connack, 2, isPresent ? 1 : 0, 0]);
  }

  /** MQTT-3.2.2-4: a refusal says that no session is present. */
  refusal(reason: Reason): Buffer | null {
    const code = returnCode(reason);
    return code === null ? null : Buffer.from([FIRST.connack, 2, 0, code]);
  }

  puback(packetId: number): Buffer {
    return short(FIRST.puback, packetId);
  }

  pubrec(packetId: number): Buffer {
    return short(FIRST.pubrec, packetId);
  }

  pubrel(packetId: number): Buffer {
    return short(FIRST.pubrel, packetId);
  }

  pubcomp(packetId: number): Buffer {
    return short(FIRST.pubcomp, packetId);
  }

  /** Source: MQTT-3.8.4-5, MQTT-3.9.3-2. */
  suback(packetId: number, reasons: readonly Reason[]): Buffer {
    const size = 2 + reasons.length;
    const bytes = Buffer.allocUnsafe(1 + varintSize(size) + size);
    bytes[0] = FIRST.suback;
    let at = bytes.writeUInt16BE(packetId, writeVarint(bytes, size, 1));
    for (const reason of reasons) at = bytes.writeUInt8(isFailure(reason) ? SUBACK_FAILURE : reason, at);
    return bytes;
  }

  unsuback(packetId: number): Buffer {
    return short(FIRST.unsuback, packetId);
  }

  pingresp(): Buffer {
    return PINGRESP;
  }

  disconnect(): null {
    return null;
  }

  auth(): never {
    throw new AssertionFault('MQTT 3.1.1 has no AUTH');
  }

  publish(content: PublishContent, marks: PublishMarks): Buffer {
    return this.#copies === null
      ? encodePublish(this.level, content, marks, true)
      : this.#copies.publish(this.level, content, marks);
  }

  publishHead(content: PublishContent, marks: PublishMarks): Buffer {
    return encodePublish(this.level, content, marks, false);
  }

  publishSize(content: PublishContent, marks: PublishMarks): number {
    return publishSize(this.level, content, marks);
  }
}
