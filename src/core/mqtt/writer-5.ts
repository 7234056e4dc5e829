/**
 * The packets that a server sends to a client of MQTT 5, with reasons and properties; both are left out where they say nothing.
 * Source: MQTT 5.0 §3.
 */
import { assert } from '../../base/index.ts';
import type {
  ConnackProperties,
  DisconnectProperties,
  Explanation,
  PacketWriter,
  PublishContent,
  PublishMarks,
  WriterParts,
} from './packet-writer.ts';
import type { Authentication } from './packet.ts';
import { PropertyWriter } from './property-writer.ts';
import { encodePublish, publishSize } from './publish.ts';
import { isFailure, isServerReason, REASON, type Reason } from './reasons.ts';
import { FIRST, PINGRESP, short } from './short.ts';
import { varintSize, writeVarint } from './wire.ts';

const NOTHING: Explanation = {};
const EMPTY = Buffer.alloc(0);

export class Writer5 implements PacketWriter {
  readonly level = 5;
  readonly #parts: WriterParts;

  constructor(parts: WriterParts) {
    this.#parts = parts;
  }

  connack(isPresent: boolean, properties: ConnackProperties = NOTHING): Buffer {
    return this.#connack(isPresent, REASON.success, properties);
  }

  /** MQTT-3.2.2-6: a refusal says that no session is present. */
  refusal(reason: Reason, properties: ConnackProperties = NOTHING): Buffer {
    assert(isFailure(reason), 'a refusal has a reason to refuse');
    return this.#connack(false, reason, properties);
  }

  puback(packetId: number, reason: Reason, explanation: Explanation = NOTHING): Buffer {
    return this.#ack('puback', packetId, reason, explanation);
  }

  pubrec(packetId: number, reason: Reason, explanation: Explanation = NOTHING): Buffer {
    return this.#ack('pubrec', packetId, reason, explanation);
  }

  pubrel(packetId: number, reason: Reason, explanation: Explanation = NOTHING): Buffer {
    return this.#ack('pubrel', packetId, reason, explanation);
  }

  pubcomp(packetId: number, reason: Reason, explanation: Explanation = NOTHING): Buffer {
    return this.#ack('pubcomp', packetId, reason, explanation);
  }

  suback(packetId: number, reasons: readonly Reason[], explanation: Explanation = NOTHING): Buffer {
    return this.#acks('suback', packetId, reasons, explanation);
  }

  unsuback(packetId: number, reasons: readonly Reason[], explanation: Explanation = NOTHING): Buffer {
    return this.#acks('unsuback', packetId, reasons, explanation);
  }

  pingresp(): Buffer {
    return PINGRESP;
  }

  disconnect(reason: Reason, properties: DisconnectProperties = NOTHING): Buffer {
    assert(isServerReason('disconnect', reason), 'a DISCONNECT has a reason that a server may give');
    const { serverReference } = properties;
    // MQTT-3.14.2-2: never a session expiry.
    return this.#explained(FIRST.disconnect, Buffer.from([reason]), properties, (writer) =>
      writer.text('serverReference', serverReference),
    );
  }

  auth(reason: Reason, authentication: Authentication, explanation: Explanation = NOTHING): Buffer {
    assert(isServerReason('auth', reason), 'an AUTH has a reason that a server may give');
    return this.#explained(FIRST.auth, Buffer.from([reason]), explanation, (writer) =>
      writer.authentication(authentication),
    );
  }

  publish(content: PublishContent, marks: PublishMarks): Buffer {
    const { copies } = this.#parts;
    const isOwn = copies === null || marks.alias !== null || marks.ids.length > 0;
    return isOwn
      ? encodePublish(this.level, content, marks, true)
      : copies.publish(this.level, content, marks);
  }

  publishHead(content: PublishContent, marks: PublishMarks): Buffer {
    return encodePublish(this.level, content, marks, false);
  }

  publishSize(content: PublishContent, marks: PublishMarks): number {
    return publishSize(this.level, content, marks);
  }

  #connack(isPresent: boolean, reason: Reason, properties: ConnackProperties): Buffer {
    assert(isServerReason('connack', reason), 'a CONNACK has a reason that a server may give');
    const head = Buffer.from([isPresent ? 1 : 0, reason]);
    return this.#explained(FIRST.connack, head, properties, (writer) =>
      writer
        .u32('sessionExpiry', properties.expirySeconds)
        .u16('receiveMax', properties.receiveMax)
        .u8('qosMax', properties.qosMax)
        .flag('retainAvailable', properties.isRetainAvailable)
        .u32('packetSizeMax', properties.packetSizeMax)
        .text('assignedClientId', properties.assignedClientId)
        .u16('aliasMax', properties.aliasMax)
        .flag('wildcardAvailable', properties.isWildcardAvailable)
        .flag('idAvailable', properties.isIdAvailable)
        .flag('sharedAvailable', properties.isSharedAvailable)
        .u16('serverKeepAlive', properties.keepAliveSeconds)
        .text('responseInformation', properties.responseInformation)
        .text('serverReference', properties.serverReference)
        .authentication(properties.authentication),
    );
  }

  #ack(
    type: 'puback' | 'pubrec' | 'pubrel' | 'pubcomp',
    packetId: number,
    reason: Reason,
    explanation: Explanation,
  ): Buffer {
    // §3.4.2.1 and its likes: no reason means success.
    if (reason === REASON.success && explanation === NOTHING) return short(FIRST[type], packetId);
    assert(isServerReason(type, reason), 'an acknowledgement has a reason that there is for it');
    const head = Buffer.from([packetId >> 8, packetId & 0xff, reason]);
    const bytes = this.#explained(FIRST[type], head, explanation, (writer) => writer);
    // §3.4.2.2.1: without a property length there are none.
    return bytes.length === 6 ? Buffer.from([FIRST[type], 3, ...head]) : bytes;
  }

  #acks(
    type: 'suback' | 'unsuback',
    packetId: number,
    reasons: readonly Reason[],
    explanation: Explanation,
  ): Buffer {
    assert(
      reasons.every((reason) => isServerReason(type, reason)),
      'each filter is answered with a reason that there is for it',
    );
    const head = Buffer.from([packetId >> 8, packetId & 0xff]);
    return this.#explained(FIRST[type], head, explanation, (writer) => writer, Buffer.from(reasons));
  }

  /**
   * A packet of a head, properties and a tail. Its explanation goes along as far as the client wants it and takes so long a packet: user
   * properties are left out first. Source: MQTT-3.1.2-29, MQTT-3.2.2-19, MQTT-3.2.2-20 and their likes of each packet.
   */
  #explained(
    first: number,
    head: Buffer,
    explanation: Explanation,
    fill: (writer: PropertyWriter) => PropertyWriter,
    tail: Buffer = EMPTY,
  ): Buffer {
    const { packetSizeMax, wantsProblemInformation } = this.#parts;
    const { reasonString, userProperties } = explanation;
    const tries: readonly Explanation[] =
      !wantsProblemInformation || (reasonString === undefined && userProperties === undefined)
        ? []
        : [explanation, reasonString === undefined ? NOTHING : { reasonString }];
    for (const wanted of tries) {
      const properties = fill(new PropertyWriter()).explanation(wanted);
      const size = head.length + properties.size + tail.length;
      if (packetSizeMax === null || 1 + varintSize(size) + size <= packetSizeMax)
        return packetOf(first, head, properties, tail);
    }
    return packetOf(first, head, fill(new PropertyWriter()), tail);
  }
}

function packetOf(first: number, head: Buffer, properties: PropertyWriter, tail: Buffer): Buffer {
  const size = head.length + properties.size + tail.length;
  const bytes = Buffer.allocUnsafe(1 + varintSize(size) + size);
  bytes[0] = first;
  const at = writeVarint(bytes, size, 1);
  bytes.set(head, at);
  bytes.set(tail, properties.writeTo(bytes, at + head.length));
  return bytes;
}
