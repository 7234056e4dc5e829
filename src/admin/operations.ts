/** What an operator may ask of a running server. The server implements it; the admin API is its only caller. */
import type { ServerName } from '../core/pair/index.ts';
import type { AccessChange, AccessListing, AccessReport } from './access.ts';
import type { ServerStatus } from './status.ts';

export type Refusal = Readonly<{
  /** `refused`: nothing was changed. `failed`: it was begun and did not come to its end. */
  kind: 'refused' | 'failed';
  /** `LS_…`, as in docs/ERRORS.md. */
  code: string;
  why: string;
}>;

export type SwitchoverReport =
  | Readonly<{
      kind: 'done';
      /** From the last acknowledgement of the former active to the new one's first chance to give one. */
      clientsWaitedMs: number;
      nowServing: ServerName;
    }>
  | Refusal;

export type ForceReport = Readonly<{ kind: 'done'; epoch: number; nowServing: ServerName }> | Refusal;

export type ForceWord = Readonly<{
  /** Who forces, for the record: a person, not a program. */
  by: string;
  why: string;
}>;

/** `done`: new connections get the certificates that were read. */
export type ReloadReport = Readonly<{ kind: 'done' }> | Refusal;

export interface Operations {
  status(): ServerStatus;
  /** Drains, hands over and sees the other serve. Asked of either server. Settles within `handoverTimeout` and a little. */
  switchover(why: string): Promise<SwitchoverReport>;
  /** Drains, tells the peer, releases the lock, ends the process. A second call joins the first. */
  stop(why: string): Promise<void>;
  /** Users and rules as this server has them; a server that does not serve may lag a moment behind. */
  access(): AccessListing;
  /** Only the server that serves obeys. Done when it is committed; asking again for what was not confirmed does no harm. */
  changeAccess(change: AccessChange): Promise<AccessReport>;
  /** Reads the certificates anew. Connections that stand go on as they are; with a bad file, everything does. */
  reload(why: string): Promise<ReloadReport>;
  /** Rule Force. Whoever calls has made sure that the other server is switched off. Source: PROTOCOL.md §2 Force. */
  forceActive(word: ForceWord): Promise<ForceReport>;
}
