/**
 * Packets of one message for many clients: made once for all that get it alike, with the packet identifier of each put in. What is kept is
 * small and of the last messages only, until `clear`, which is due at the end of each round of deliveries.
 */
import type { PublishContent } from './packet-writer.ts';

export class PublishCopies {
  readonly #kept = new Map<PublishContent, Buffer>();

  /** Lets go of all messages and their packets. */
  clear(): void {
    this.#kept.clear();
  }
}
