/**
 * Who gets the messages of an address. Most publishers use the same addresses again and again, so what was worked out is kept, until any
 * subscription comes, changes or goes. Law: what is kept is what would be worked out.
 */
import type { Group } from './group.ts';
import type { Qos } from './message.ts';
import type { Session } from './session.ts';

/** What one session gets of one message. */
export type Recipient = Readonly<{
  session: Session;
  qos: Qos;
  isAsPublished: boolean;
  ids: readonly number[];
}>;

/** Who gets one message. */
export type Recipients = Readonly<{ sessions: readonly Recipient[]; groups: readonly Group[] }>;

/** Kept at most: addresses, and recipients of all of them together. Where there are more, most are seldom asked for again. */
const ADDRESSES_MAX = 1024;
const RECIPIENTS_MAX = 16_384;
/** Longer ones are not kept: all together would be much memory. */
const ADDRESS_LENGTH_MAX = 256;

export class KnownRecipients {
  #byAddress = new Map<string, Recipients>();
  #count = 0;

  get(address: string): Recipients | undefined {
    return this.#byAddress.get(address);
  }

  keep(address: string, recipients: Recipients): void {
    const count = recipients.sessions.length + recipients.groups.length;
    if (count > RECIPIENTS_MAX || address.length > ADDRESS_LENGTH_MAX) return;
    if (this.#byAddress.size === ADDRESSES_MAX || this.#count + count > RECIPIENTS_MAX) this.forget();
    this.#byAddress.set(address, recipients);
    this.#count += count;
  }

  /** A subscription comes, changes or goes. */
  forget(): void {
    if (this.#byAddress.size === 0) return;
    this.#byAddress = new Map();
    this.#count = 0;
  }
}
