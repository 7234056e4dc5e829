/**
 * The backchannel: one authenticated connection between the two servers, over which frames come whole and in order, or the
 * connection is over. Beats, sessions and what the frames mean are the runtime's. Source: PROTOCOL.md §2 Fence, §4.
 */
import type { Frame } from '../core/pair/index.ts';

export type ChannelEvents = Readonly<{
  /** A connection stands and the peer proved that it knows the secret. Any earlier connection was reported lost before. */
  up: () => void;
  frame: (frame: Frame) => void;
  /** The connection is over; no frame of it comes after this. */
  lost: (why: string) => void;
  /** While there is no connection: the peer's machine answers, and nobody listens on its port. No process of the peer runs. */
  refused: () => void;
}>;

export interface Channel {
  /** Begins to listen and to dial, and goes on until `close`. Rejects when the port can't be had. */
  open(events: ChannelEvents): Promise<void>;
  /** Queues a frame on the present connection; dropped without a word when there is none. Bytes must not be changed after. */
  send(frame: Frame): void;
  /** Bytes queued and not yet handed to the network: the measure for those who send in bulk. */
  backlog(): number;
  /** Ends the present connection (`lost` follows); dialling goes on. */
  drop(why: string): void;
  close(): Promise<void>;
}
