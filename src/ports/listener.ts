/** Clients' byte streams, whatever carries them. Open only while this server serves. */

/** What carries a stream: TCP, TLS, WebSocket, WebSocket over TLS. */
export type Transport = 'tcp' | 'tls' | 'ws' | 'wss';

export interface ByteStream {
  readonly transport: Transport;
  /** `address:port` of the client, for the log and for rules by address. Behind a load balancer the one that it has told. */
  readonly remote: string;
  /** The common name (CN) of the certificate that the client has shown and that was verified; null: none was, or it has not just one. */
  readonly certificateName: string | null;
  /** Queues bytes. They must not be changed afterwards. */
  write(bytes: Uint8Array): void;
  /** Bytes queued and not yet taken by the network. */
  backlog(): number;
  /** Takes nothing more from the client until `resume`: its own network then holds it back. A chunk under way may still come. */
  pause(): void;
  resume(): void;
  /** Sends what is queued, then closes. */
  end(): void;
  /** Closes at once; what is queued is gone. */
  destroy(): void;
}

/** What one stream tells of itself. `closed` comes once, last. */
export type StreamEvents = Readonly<{
  data: (bytes: Buffer) => void;
  drained: () => void;
  closed: () => void;
}>;

export type ListenerEvents = Readonly<{
  /** A client has connected; what it sends goes to the answer. */
  connected: (stream: ByteStream) => StreamEvents;
}>;

export interface Listener {
  /** Binds the port. Rejects with a coded error when it can't be had. */
  open(events: ListenerEvents): Promise<void>;
  /** No new connections; those there are destroyed. Fulfils when the port is free. Safe to repeat, and to open again after. */
  close(): Promise<void>;
}
