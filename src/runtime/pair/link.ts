/**
 * The two servers' conversation on one connection: hellos first, then beats that echo each other, then whatever the pair has to say. A connection
 * on which the peer is silent, or hears nothing of this server, is dropped. Source: PROTOCOL.md §2 Fence, Shrink; REASONS.md B9.
 */
import type { Cancel, Clock, Log } from '../../base/index.ts';
import { otherServer, type Frame, type Hello, type ServerName } from '../../core/pair/index.ts';
import type { Channel } from '../../ports/index.ts';

export type LinkEvents = Readonly<{
  /** Both hellos are known on this connection; again whenever either was renewed (`isNew` false). */
  met: (hellos: Readonly<{ mine: Hello; theirs: Hello }>, isNew: boolean) => void;
  lost: (why: string) => void;
  /** No process of the peer runs. */
  refused: () => void;
  /** A frame that is neither hello nor beat, after both have met. */
  frame: (frame: Frame) => void;
}>;

export type LinkParts = Readonly<{
  me: ServerName;
  channel: Channel;
  clock: Clock;
  log: Log;
  times: Readonly<{ pingIntervalMs: number; peerTimeoutMs: number }>;
  /** Looks at the share and says who this server is now. Never rejects. */
  hello: () => Promise<Hello>;
}>;

export class Link {
  readonly #parts: LinkParts;
  readonly #events: LinkEvents;
  /** One for each connection; what an older one's timers and promises bring is ignored. */
  #connection = 0;
  #isUp = false;
  #mine: Hello | null = null;
  #theirs: Hello | null = null;
  #hasMet = false;
  #beats = { sent: 0, heard: 0, echoed: 0 };
  #heardAt = 0;
  #echoedAt = 0;
  #timer: Cancel | null = null;
  #greeting: Promise<void> | null = null;
  #isLeaving = false;

  constructor(parts: LinkParts, events: LinkEvents) {
    this.#parts = parts;
    this.#events = events;
  }

  get hasMet(): boolean {
    return this.#hasMet;
  }

  open(): Promise<void> {
    return this.#parts.channel.open({
      up: () => this.#up(),
      frame: (frame) => this.#frame(frame),
      lost: (why) => this.#lost(why),
      refused: () => this.#events.refused(),
    });
  }

  /** What was said still goes out, but nobody is greeted any more: there may be no share to look at for a hello. */
  leave(): void {
    this.#isLeaving = true;
  }

  async close(): Promise<void> {
    this.#timer?.();
    await this.#parts.channel.close();
  }

  /** Said only to a peer that was met; on another connection it would mean something else. */
  send(frame: Frame): void {
    if (this.#hasMet) this.#parts.channel.send(frame);
  }

  drop(why: string): void {
    this.#parts.channel.drop(why);
  }

  /** Says hello anew, with a fresh look at the share; one look at a time. */
  sayHello(): void {
    if (!this.#isUp || this.#isLeaving || this.#greeting !== null) return;
    const connection = this.#connection;
    this.#greeting = this.#parts.hello().then((hello) => {
      this.#greeting = null;
      if (connection !== this.#connection || !this.#isUp) return this.sayHello();
      this.#mine = hello;
      this.#parts.channel.send({ type: 'hello', hello });
      this.#meet();
    });
  }

  #up(): void {
    this.#connection += 1;
    this.#isUp = true;
    this.#mine = null;
    this.#theirs = null;
    this.#hasMet = false;
    this.#beats = { sent: 0, heard: 0, echoed: 0 };
    this.#heardAt = this.#echoedAt = this.#parts.clock.now();
    this.sayHello();
    this.#beat();
  }

  #lost(why: string): void {
    if (!this.#isUp) return;
    const hadMet = this.#hasMet;
    this.#isUp = false;
    this.#hasMet = false;
    this.#timer?.();
    this.#timer = null;
    if (hadMet) this.#events.lost(why);
  }

  #frame(frame: Frame): void {
    if (!this.#isUp) return;
    this.#heardAt = this.#parts.clock.now();
    switch (frame.type) {
      case 'beat':
        this.#beats.heard = frame.number;
        if (frame.echo > this.#beats.echoed) {
          this.#beats.echoed = frame.echo;
          this.#echoedAt = this.#heardAt;
        }
        return;
      case 'hello':
        if (frame.hello.server !== otherServer(this.#parts.me))
          return this.drop(`the peer says that it is the ${frame.hello.server} too`);
        this.#theirs = frame.hello;
        return this.#meet();
      case 'state':
        // A hello of this server's own is met with what the peer said last, not with what it said when they first met.
        if (this.#theirs !== null) this.#theirs = { ...this.#theirs, report: frame.report };
        if (this.#hasMet) this.#events.frame(frame);
        return;
      default:
        if (this.#hasMet) this.#events.frame(frame);
    }
  }

  #meet(): void {
    if (this.#mine === null || this.#theirs === null) return;
    const isNew = !this.#hasMet;
    this.#hasMet = true;
    this.#events.met({ mine: this.#mine, theirs: this.#theirs }, isNew);
  }

  #beat(): void {
    const { clock, channel, times } = this.#parts;
    const now = clock.now();
    if (now - this.#heardAt > times.peerTimeoutMs)
      return this.drop(`nothing was heard of the peer for ${times.peerTimeoutMs} ms`);
    if (now - this.#echoedAt > times.peerTimeoutMs)
      return this.drop(`the peer has heard nothing of this server for ${times.peerTimeoutMs} ms`);
    this.#beats.sent += 1;
    channel.send({ type: 'beat', number: this.#beats.sent, echo: this.#beats.heard });
    const connection = this.#connection;
    this.#timer = clock.after(times.pingIntervalMs, () => {
      if (connection === this.#connection && this.#isUp) this.#beat();
    });
  }
}
