/**
 * TLS on connections that were accepted elsewhere: the handshake, and what the client's certificate is worth. Each reading of the
 * certificates has a TLS server of its own, so that connections under way keep theirs, and nothing of a former one (a session ticket, for
 * one) opens the next. Source: MQTT 5.0 §5.4.3 (client certificates).
 */
import { constants } from 'node:crypto';
import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { contextFor, type Certificates, type CertificateSet } from './certificates.ts';
import { Turnstile } from './turnstile.ts';

export type TlsEvents = Readonly<{
  /** `certificateName`: the verified certificate's common name. */
  passed: (secured: TLSSocket, certificateName: string | null) => void;
  /** No TLS came about. The connection is being closed. */
  failed: (why: string) => void;
  /** The client's certificate is not good enough; it is still connected. */
  distrusted: (why: string) => void;
}>;

export class TlsGate {
  readonly #certificates: Certificates;
  readonly #handshakeMs: number;
  readonly #turnstile = new Turnstile();
  #server: Readonly<{ of: CertificateSet; server: Server }> | null = null;
  /** Handshakes under way, by the ends of their connections: a TLS server does not say which socket it was given. */
  readonly #pending = new Map<string, TlsEvents>();

  constructor(certificates: Certificates, handshakeMs: number) {
    this.#certificates = certificates;
    this.#handshakeMs = handshakeMs;
  }

  enter(socket: Socket, events: TlsEvents): void {
    // Nothing is spent on who says nothing, and not much at once on many.
    socket.once('readable', () => {
      if (socket.readableLength > 0) this.#turnstile.pass(() => this.#begin(socket, events));
      else socket.destroy();
    });
  }

  #begin(socket: Socket, events: TlsEvents): void {
    if (socket.destroyed) return;
    const ends = endsOf(socket);
    this.#pending.set(ends, events);
    socket.once('close', () => {
      if (this.#pending.get(ends) === events) this.#pending.delete(ends);
    });
    // Source: Node's manual, tls.Server, event `connection`: how a socket is given to a TLS server that does not listen.
    this.#present().emit('connection', socket);
  }

  #present(): Server {
    const { current } = this.#certificates;
    if (this.#server?.of !== current) this.#server = { of: current, server: this.#serverFor(current) };
    return this.#server.server;
  }

  #serverFor(set: CertificateSet): Server {
    const server = createServer({
      ...set.usual,
      SNICallback: (host, chosen) => chosen(null, contextFor(set, host) ?? undefined),
      requestCert: this.#certificates.clientCertificates !== 'none',
      // Judged below, where the client can still be named.
      rejectUnauthorized: false,
      handshakeTimeout: this.#handshakeMs,
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    });
    server.on('secureConnection', (secured) => {
      const events = this.#take(secured);
      // Without its ends it is gone already.
      if (events === null) return void secured.destroy();
      // Whoever takes it over has not begun to listen yet.
      secured.on('error', () => undefined);
      const fault = this.#faultOf(secured);
      if (fault === null) events.passed(secured, nameOf(secured));
      else events.distrusted(fault);
    });
    server.on('tlsClientError', (error, secured) => {
      const why = whyFailed(error);
      if (why !== null) this.#take(secured)?.failed(why);
    });
    return server;
  }

  #take(secured: Socket): TlsEvents | null {
    const ends = endsOf(secured);
    const events = this.#pending.get(ends) ?? null;
    this.#pending.delete(ends);
    return events;
  }

  /**
   * A resumed session without a certificate counts as authorized with OpenSSL, so that what is asked first is whether there is one.
   */
  #faultOf(secured: TLSSocket): string | null {
    const { clientCertificates } = this.#certificates;
    if (clientCertificates === 'none') return null;
    const isShown = secured.getPeerX509Certificate() !== undefined;
    if (!isShown) return clientCertificates === 'required' ? 'showed no certificate' : null;
    if (secured.authorized) return null;
    const name = commonNames(secured).join(', ');
    return `showed a certificate (of ${JSON.stringify(name)}) that is not accepted: ${distrust(secured)}`;
  }
}

function endsOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress ?? ''} ${remotePort ?? ''} ${localAddress ?? ''} ${localPort ?? ''}`;
}

/** Two names are no name: nobody could say which of them counts. */
function nameOf(secured: TLSSocket): string | null {
  if (!secured.authorized) return null;
  const [name, ...more] = commonNames(secured);
  return name !== undefined && name !== '' && more.length === 0 ? name : null;
}

function commonNames(secured: TLSSocket): string[] {
  // Node's types know neither the empty answer nor a subject with several names.
  const { subject } = secured.getPeerCertificate() as { subject?: { CN?: string | string[] } };
  return [subject?.CN ?? []].flat();
}

function distrust(secured: TLSSocket): string {
  // The types say Error; it is OpenSSL's word for it.
  const code = String(secured.authorizationError);
  switch (code) {
    case 'CERT_HAS_EXPIRED':
      return 'it has expired';
    case 'CERT_NOT_YET_VALID':
      return 'it is not valid yet';
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
      return 'nobody in tls.clientCaFile has signed it';
    default:
      return code;
  }
}

/** Null: it went without a word, as port scanners and a balancer's checks do. */
function whyFailed(error: Error & { code?: string; reason?: string }): string | null {
  switch (error.code) {
    case 'ECONNRESET':
    case 'EPIPE':
      return null;
    case 'ERR_SSL_HTTP_REQUEST':
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_UNEXPECTED_MESSAGE':
      return 'what came is not TLS';
    case 'ERR_SSL_UNSUPPORTED_PROTOCOL':
      return 'it knows no version of TLS from tls.minVersion on';
    case 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA':
    case 'ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE':
    case 'ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN':
      return 'it does not trust the certificate of this server; give it the one of who has signed it';
    case 'ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED':
      return 'it finds the certificate of this server expired';
    default:
      return error.reason ?? error.code ?? error.message;
  }
}
