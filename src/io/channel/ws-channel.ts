/**
 * Port `Channel` over WebSocket. Both servers listen and both dial, so one open direction is enough; one connection results:
 *
 * - A server dials only while it has no connection. A proven peer that dials while one stands has therefore lost it: the old one
 *   ends, the new one stands. So a half-open connection lasts no longer than the peer needs to dial.
 * - Both dial at once: until the primary has sent its proof, the secondary's connection wins; from then on the primary's. Both see
 *   it alike: the secondary gives its own attempt up for the primary's proven one, and the primary refuses while it is proving.
 * - When a connection stands, unproven ones are cut off: their dialer has given them up, and one that came late would look new.
 *
 * Source: src/ports/channel.ts; REASONS.md B9 (half-open is for the beats to find), A12 (a connection that ended is over).
 */
import type { RawData, WebSocket } from 'ws';
import { assert, RareWarnings, type Cancel, type Clock, type Log, type Random } from '../../base/index.ts';
import type { Frame } from '../../core/pair/index.ts';
import type { Channel, ChannelEvents } from '../../ports/index.ts';
import { Dial, type DialEnding } from './dialer.ts';
import { channelFaults, type ChannelFaultCode } from './faults.ts';
import { frameBytes, frameFrom } from './frame-codec.ts';
import { PairListener } from './listener.ts';
import type { BackchannelOptions } from './options.ts';
import type { Credentials, Refusal } from './proof.ts';
import { FRAME_BYTES_MAX, placeText, type Place } from './web-socket.ts';

/** The secondary lets the primary dial first, so that two that start or lose each other together seldom cross. */
const SECONDARY_PAUSE_MS = 150;

const FAULT_OF = {
  nonsense: 'LS_CHANNEL_NOT_LOCKSTEP',
  version: 'LS_CHANNEL_VERSION',
  pairName: 'LS_CHANNEL_PAIR_NAME',
  self: 'LS_CHANNEL_SELF',
  sameServer: 'LS_CHANNEL_SAME_SERVER',
  secret: 'LS_CHANNEL_SECRET',
} as const satisfies Record<Exclude<Refusal, 'crossed'>, ChannelFaultCode>;

export type WsChannelParts = Credentials &
  Readonly<{
    listen: Place;
    peer: Place;
    options: Pick<BackchannelOptions, 'dialInterval'>;
    clock: Clock;
    random: Random;
    log: Log;
  }>;

export class WsChannel implements Channel {
  readonly #parts: WsChannelParts;
  readonly #warnings: RareWarnings;
  readonly #listener: PairListener;
  /** Null before `open` and from `close` on. */
  #events: ChannelEvents | null = null;
  /** The present connection. */
  #present: WebSocket | null = null;
  #dial: Dial | null = null;
  #dialledAt = -Infinity;
  #cancelDialling: Cancel = () => undefined;

  constructor(parts: WsChannelParts) {
    this.#parts = parts;
    this.#warnings = new RareWarnings(parts.clock, parts.log);
    this.#listener = new PairListener(parts, parts.listen, parts.clock, parts.random, {
      isWelcome: () =>
        this.#events !== null && !(parts.server === 'primary' && this.#dial?.isProving === true),
      entered: (socket) => this.#enter(socket),
      refused: (refusal, remote) => this.#warnOf(refusal, remote),
      strange: (remote, did) =>
        this.#warnings.warn('LS_CHANNEL_STRANGER', channelFaults.LS_CHANNEL_STRANGER(remote, did)),
      failed: (why) =>
        this.#warnings.warn('LS_CHANNEL_PORT', channelFaults.LS_CHANNEL_PORT(placeText(parts.listen), why)),
    });
  }

  /** Rejects with `ChannelFault` LS_CHANNEL_PORT; then nothing runs. Once only. */
  async open(events: ChannelEvents): Promise<void> {
    assert(this.#events === null, 'the channel is open');
    await this.#listener.open();
    this.#events = events;
    this.#dialSoon();
  }

  send(frame: Frame): void {
    const socket = this.#present;
    if (socket === null) return;
    const bytes = frameBytes(frame);
    if (bytes.length <= FRAME_BYTES_MAX) socket.send(bytes);
    else {
      this.#warnings.warn(
        'LS_CHANNEL_FRAME_SIZE',
        channelFaults.LS_CHANNEL_FRAME_SIZE(bytes.length, FRAME_BYTES_MAX),
      );
      this.drop('a frame was too large');
    }
  }

  backlog(): number {
    return this.#present?.bufferedAmount ?? 0;
  }

  /** The connection is over at once; `lost` is called before anything else happens, but not within this call. */
  drop(why: string): void {
    if (this.#leave() === null) return;
    queueMicrotask(() => this.#events?.lost(why));
  }

  /** Nothing is reported from here on. Fulfils when the port is free. */
  async close(): Promise<void> {
    this.#events = null;
    this.#leave();
    this.#stopDialling();
    await this.#listener.close();
  }

  #enter(socket: WebSocket): void {
    if (this.#present !== null) this.#lose(this.#present, 'the peer has dialled anew');
    // Whoever was told of the loss may have closed the channel.
    if (this.#events === null) {
      socket.terminate();
      return;
    }
    this.#stopDialling();
    this.#present = socket;
    this.#listener.dropUnproven();
    socket.on('message', (data, isBinary) => this.#receive(socket, data, isBinary));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      const code = error.code ?? error.message;
      if (code.startsWith('WS_ERR_') && this.#present === socket) this.#warnOfFrame(error.message);
      this.#lose(socket, `the connection broke (${code})`);
    });
    socket.on('close', () => this.#lose(socket, 'the peer has closed the connection'));
    this.#events.up();
  }

  #receive(socket: WebSocket, data: RawData, isBinary: boolean): void {
    if (this.#present !== socket) return;
    const frame = isBinary && Buffer.isBuffer(data) ? frameFrom(data) : null;
    if (frame !== null) this.#events?.frame(frame);
    else {
      this.#warnOfFrame('no frame, or not of this release');
      this.#lose(socket, 'an unreadable frame came');
    }
  }

  #lose(socket: WebSocket, why: string): void {
    if (this.#present !== socket) return;
    this.#leave();
    this.#events?.lost(why);
  }

  /** Ends the present connection and begins to dial. Null when there was none. */
  #leave(): WebSocket | null {
    const socket = this.#present;
    this.#present = null;
    socket?.terminate();
    if (socket !== null) this.#dialSoon();
    return socket;
  }

  /** The pause between two dials also holds for connections that stand and fall at once. */
  #dialSoon(): void {
    if (this.#events === null) return;
    const { server, options, clock } = this.#parts;
    const pause = server === 'primary' ? 0 : SECONDARY_PAUSE_MS;
    const next = this.#dialledAt + options.dialInterval - clock.now();
    this.#cancelDialling();
    this.#cancelDialling = clock.after(Math.max(pause, next), () => {
      this.#dialledAt = clock.now();
      this.#dial = new Dial(this.#parts, this.#parts.peer, clock, this.#parts.random, (ending) =>
        this.#dialled(ending),
      );
    });
  }

  #stopDialling(): void {
    this.#cancelDialling();
    this.#dial?.giveUp();
    this.#dial = null;
  }

  #dialled(ending: DialEnding): void {
    this.#dial = null;
    if (ending.kind === 'proven') {
      this.#enter(ending.socket);
      return;
    }
    const { host, port } = this.#parts.peer;
    const peer = placeText({ host, port });
    if (ending.kind === 'refused') this.#warnOf(ending.refusal, peer);
    if (ending.kind === 'notLockstep')
      this.#warnings.warn('LS_CHANNEL_NOT_LOCKSTEP', channelFaults.LS_CHANNEL_NOT_LOCKSTEP(peer));
    if (ending.kind === 'unknownHost')
      this.#warnings.warn('LS_CHANNEL_PEER_ADDRESS', channelFaults.LS_CHANNEL_PEER_ADDRESS(host));
    this.#dialSoon();
    if (ending.kind === 'nobody') this.#events?.refused();
  }

  #warnOf(refusal: Refusal, peer: string): void {
    if (refusal === 'crossed') return;
    const code = FAULT_OF[refusal];
    this.#warnings.warn(code, channelFaults[code](peer, this.#parts.server));
  }

  #warnOfFrame(why: string): void {
    this.#warnings.warn('LS_CHANNEL_FRAME', channelFaults.LS_CHANNEL_FRAME(why));
  }
}
