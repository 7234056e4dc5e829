/** What dialer and listener have in common about WebSocket and places. */
import { isIPv6 } from 'node:net';
import type { RawData } from 'ws';

/** Longer frames end the connection. The runtime's batches and chunks stay far below. */
export const FRAME_BYTES_MAX = 64 * 1024 * 1024;

/** Compression costs more time than the line between two servers; what it would win the journal's bytes don't have. */
export const webSocketOptions = { perMessageDeflate: false, maxPayload: FRAME_BYTES_MAX } as const;

export type Place = Readonly<{ host: string; port: number }>;

/** As in a URL. */
export const placeText = ({ host, port }: Place): string =>
  isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;

/** A text message; empty where it is none. `ws` gives one Buffer unless it is told otherwise. */
export const textOf = (data: RawData): string => (Buffer.isBuffer(data) ? data.toString('utf8') : '');
