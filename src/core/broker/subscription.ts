/** What a client asks for with a filter. Source: MQTT 5.0 §3.8.3.1 (options), §3.8.2.1.2 (identifier). */
import { type ByteReader, type ByteWriter } from '../../base/index.ts';
import { qosFrom } from './bits.ts';
import type { Qos } from './message.ts';

/** Whether retained messages come with the subscription: always, only if there was none with this filter before, or not at all. */
export type RetainHandling = 'send' | 'sendIfNew' | 'keepBack';

export type Subscription = Readonly<{
  /** For a shared one without `$share` and the name of its group. */
  filter: string;
  qos: Qos;
  /** What the client itself publishes does not come back to it. */
  isNoLocal: boolean;
  /** Messages say whether they came to be kept; else only those say it that are sent because they were. */
  isRetainAsPublished: boolean;
  retainHandling: RetainHandling;
  /** The client's own number for it, told with each message that it brings; 0: none. */
  id: number;
}>;

/** As MQTT 3.1.1 has them: a filter and a QoS, and no wishes. */
export const plainSubscription = (filter: string, qos: Qos): Subscription => ({
  filter,
  qos,
  isNoLocal: false,
  isRetainAsPublished: false,
  retainHandling: 'send',
  id: 0,
});

const HANDLINGS: readonly RetainHandling[] = ['send', 'sendIfNew', 'keepBack'];

/** Filter; one byte as MQTT 5's subscription options (QoS, 4: no local, 8: as published, 16 and 32: handling); u32 id. */
export function encodeSubscription(writer: ByteWriter, subscription: Subscription): void {
  const { filter, qos, isNoLocal, isRetainAsPublished, retainHandling, id } = subscription;
  const handling = HANDLINGS.indexOf(retainHandling) << 4;
  writer
    .text(filter)
    .u8(qos + (isNoLocal ? 4 : 0) + (isRetainAsPublished ? 8 : 0) + handling)
    .u32(id);
}

export function decodeSubscription(reader: ByteReader): Subscription {
  const filter = reader.text();
  const bits = reader.u8();
  return {
    filter,
    qos: qosFrom(bits & 3),
    isNoLocal: (bits & 4) !== 0,
    isRetainAsPublished: (bits & 8) !== 0,
    retainHandling: HANDLINGS[bits >> 4] ?? 'send',
    id: reader.u32(),
  };
}
