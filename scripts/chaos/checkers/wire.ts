/** What went over the wire between publishers and servers, as the publishers saw it. */
import type { ServerName } from '../../../src/core/pair/index.ts';

export type WireEvent = Readonly<{
  at: number;
  /** A PUBLISH was sent, or its PUBACK came. */
  what: 'sent' | 'acked';
  publisher: string;
  number: number;
  /** Counts through the publisher's connections. */
  connection: number;
  /** Who was at the other end. */
  server: ServerName;
}>;

/** The name of a message in journals and payloads. */
export const idOf = ({ publisher, number }: Pick<WireEvent, 'publisher' | 'number'>): string =>
  `${publisher}:${number}`;
