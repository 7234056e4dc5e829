/**
 * One attempt to reach the peer: connect, answer its challenge, check its welcome. Ends exactly once, or is given up and then says
 * nothing more. Source: proof.ts for what is said.
 */
import { connect, type Socket } from 'node:net';
import { WebSocket } from 'ws';
import type { Cancel, Clock, Random } from '../../base/index.ts';
import { answerTo, REFUSALS, refusalOf, type Answering, type Credentials, type Refusal } from './proof.ts';
import { PROOF_TIMEOUT_MS, UNPROVEN_BYTES_MAX } from './unproven.ts';
import { textOf, webSocketOptions, type Place } from './web-socket.ts';

export type DialEnding = Readonly<
  /** The welcome has come; frames may follow it. The socket is the receiver's from now on. */
  | { kind: 'proven'; socket: WebSocket }
  /** One of the two refused the other. */
  | { kind: 'refused'; refusal: Refusal }
  /** The machine answers that nobody listens there, or not yet. */
  | { kind: 'nobody' }
  | { kind: 'unreachable' }
  | { kind: 'unknownHost' }
  /** Somebody is there who is no backchannel. */
  | { kind: 'notLockstep' }
>;

export class Dial {
  readonly #tcp: Socket;
  readonly #socket: WebSocket;
  readonly #ended: (ending: DialEnding) => void;
  readonly #cancelDeadline: Cancel;
  #isProving = false;
  #isOver = false;

  constructor(
    self: Credentials,
    peer: Place,
    clock: Clock,
    random: Random,
    ended: (ending: DialEnding) => void,
  ) {
    this.#ended = ended;
    this.#tcp = connect({ host: peer.host, port: peer.port });
    // The name in the URL is never looked up; the peer's own may be one that no URL can hold.
    this.#socket = new WebSocket('ws://peer/lockstep', {
      ...webSocketOptions,
      createConnection: () => this.#tcp,
      generateMask: unmasked,
    });
    this.#cancelDeadline = clock.after(PROOF_TIMEOUT_MS, () => {
      this.#fail({ kind: 'unreachable' });
      this.#socket.terminate();
    });
    // First in the row, and not before `ws` has put back what came with the upgrade.
    this.#socket.on('open', () => this.#tcp.prependListener('data', this.#count));
    this.#socket.on('unexpected-response', () => this.#fail({ kind: 'notLockstep' }));
    this.#socket.on('error', (error) => this.#fail(endingOf(error)));
    this.#socket.on('close', (code) => {
      this.#cancelDeadline();
      const refusal = refusalOf(code);
      this.#fail(refusal === null ? { kind: 'unreachable' } : { kind: 'refused', refusal });
    });
    this.#socket.once('message', (challenge, isBinary) => {
      if (this.#isOver) return;
      const answering = answerTo(isBinary ? '' : textOf(challenge), self, random.id());
      if (answering.kind === 'refused') this.#refuse(answering.refusal);
      else this.#prove(answering);
    });
  }

  /** The peer's listener has spoken and been sent the proof: it may enter this connection at any moment. */
  get isProving(): boolean {
    return this.#isProving && !this.#isOver;
  }

  giveUp(): void {
    this.#isOver = true;
    this.#socket.terminate();
  }

  #prove(answer: Extract<Answering, { kind: 'answer' }>): void {
    this.#isProving = true;
    this.#socket.once('message', (welcome, isBinary) => {
      if (this.#isOver) return;
      if (isBinary || !answer.isWelcomedBy(textOf(welcome))) {
        this.#refuse('secret');
        return;
      }
      this.#tcp.off('data', this.#count);
      this.#cancelDeadline();
      this.#isOver = true;
      this.#ended({ kind: 'proven', socket: this.#socket });
    });
    this.#socket.send(answer.text);
  }

  /** Tells the peer why; the deadline sees to it that the socket goes even if the peer doesn't answer that. */
  #refuse(refusal: Refusal): void {
    this.#isOver = true;
    this.#socket.close(REFUSALS[refusal]);
    this.#ended({ kind: 'refused', refusal });
  }

  #fail(ending: DialEnding): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#socket.terminate();
    this.#ended(ending);
  }

  readonly #count = (): void => {
    if (this.#tcp.bytesRead > UNPROVEN_BYTES_MAX) this.#fail({ kind: 'notLockstep' });
  };
}

/**
 * A mask of zeros changes no byte, so none has to be gone through. Masks keep those who choose what is sent from speaking to proxies between
 * (RFC 6455 §10.3); two servers that have proved themselves to each other choose nothing for anybody else.
 */
const unmasked = (mask: Buffer): void => {
  mask.fill(0);
};

function endingOf(error: NodeJS.ErrnoException): DialEnding {
  const code = error.code ?? '';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return { kind: 'unknownHost' };
  // HPE_: no HTTP; WS_ERR_: no WebSocket; none: HTTP, but no upgrade as it should be.
  if (code === '' || code.startsWith('HPE_') || code.startsWith('WS_ERR_')) return { kind: 'notLockstep' };
  return { kind: code === 'ECONNREFUSED' ? 'nobody' : 'unreachable' };
}
