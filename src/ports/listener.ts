/** Clients' byte streams, whatever carries them. Open only while this server serves. */
export interface ByteStream {
  /** `address:port` of the client, for the log. */
  readonly remote: string;
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
