/** What a client asks for with a filter. Source: MQTT 5.0 §3.8.3.1 (options), §3.8.2.1.2 (identifier), §4.8.2 (shared). */
import { type ByteReader, type ByteWriter } from '../../base/index.ts';
import { qosFrom } from './bits.ts';
import type { Qos } from './message.ts';

/** Whether retained messages come with the subscription: always, only if there was none with this filter before, or not at all. */
export type RetainHandling = 'send' | 'sendIfNew' | 'keepBack';

/** A filter that may be shared: `$share/<group>/<filter>` taken apart. `group` null: it is not. Source: MQTT 5.0 §4.8.2. */
export type SharedFilter = Readonly<{ filter: string; group: string | null }>;

export type Subscription = SharedFilter &
  Readonly<{
    qos: Qos;
    /** What the client itself publishes does not come back to it; never so with a shared one (MQTT-3.8.3-4). */
    isNoLocal: boolean;
    /** Messages say whether they came to be kept; else only those say it that are sent because they were. */
    isRetainAsPublished: boolean;
    /** Of no meaning for a shared one, which brings no retained messages. */
    retainHandling: RetainHandling;
    /** The client's own number for it, told with each message that it brings; 0: none. */
    id: number;
  }>;

/** The filter may match many topics. Source: MQTT-4.7.1. */
export const hasWildcard = (filter: string): boolean => filter.includes('+') || filter.includes('#');

/** What tells a session's subscriptions apart. */
export const nameOf = ({ filter, group }: SharedFilter): string =>
  group === null ? filter : `$share/${group}/${filter}`;

/** As MQTT 3.1.1 has them: a filter and a QoS, and no wishes. */
export const plainSubscription = (filter: string, qos: Qos): Subscription => ({
  filter,
  group: null,
  qos,
  isNoLocal: false,
  isRetainAsPublished: false,
  retainHandling: 'send',
  id: 0,
});

const HANDLINGS: readonly RetainHandling[] = ['send', 'sendIfNew', 'keepBack'];

/** Filter, group; empty: none, which no group is called. */
export const encodeFilter = (writer: ByteWriter, { filter, group }: SharedFilter): void =>
  void writer.text(filter).text(group ?? '');

export function decodeFilter(reader: ByteReader): SharedFilter {
  const filter = reader.text();
  const group = reader.text();
  return { filter, group: group === '' ? null : group };
}

const [NO_LOCAL, AS_PUBLISHED] = [4, 8] as const;

/** Filter and group; one byte as MQTT 5's subscription options (QoS, 4: no local, 8: as published, 16 and 32: handling); u32 id. */
export function encodeSubscription(writer: ByteWriter, subscription: Subscription): void {
  const { qos, isNoLocal, isRetainAsPublished, retainHandling, id } = subscription;
  const wishes = (isNoLocal ? NO_LOCAL : 0) + (isRetainAsPublished ? AS_PUBLISHED : 0);
  const handling = HANDLINGS.indexOf(retainHandling) << 4;
  encodeFilter(writer, subscription);
  writer.u8(qos + wishes + handling).u32(id);
}

export function decodeSubscription(reader: ByteReader): Subscription {
  const filter = decodeFilter(reader);
  const bits = reader.u8();
  return {
    ...filter,
    qos: qosFrom(bits & 3),
    isNoLocal: (bits & NO_LOCAL) !== 0,
    isRetainAsPublished: (bits & AS_PUBLISHED) !== 0,
    retainHandling: HANDLINGS[(bits >> 4) & 3] ?? 'send',
    id: reader.u32(),
  };
}

/** It brings what is retained. `isNew`: the session had none of that name. A shared one brings none. Source: MQTT 5.0 §4.8.2. */
export const wantsRetained = ({ group, retainHandling }: Subscription, isNew: boolean): boolean =>
  group === null && (retainHandling === 'send' || (retainHandling === 'sendIfNew' && isNew));
