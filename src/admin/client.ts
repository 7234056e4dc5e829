/** The other end of the admin API: what `lockstep` asks of a running server, with the token of the profile it was given. */
import { changeBody, type AccessChange, type AccessListing, type AccessReport } from './access.ts';
import { AdminFault, adminFaults } from './faults.ts';
import type { ForceReport, ForceWord, ReloadReport, SwitchoverReport } from './operations.ts';
import type { ServerStatus } from './status.ts';
import { adminToken } from './token.ts';

/** A server that is up answers a status at once; one that is frozen must not keep an operator waiting. */
const STATUS_MS_MAX = 2_000;
/** Draining, handing over and seeing the other serve; each has a shorter bound of its own in the server. */
const ORDER_MS_MAX = 120_000;

export type AdminAddress = Readonly<{ host: string; port: number; secret: string }>;

export class AdminClient {
  readonly address: string;
  readonly #token: string;

  constructor({ host, port, secret }: AdminAddress) {
    this.address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
    this.#token = adminToken(secret);
  }

  /** Null: nobody answers there. Rejects with `AdminFault` when somebody does and refuses. */
  async status(): Promise<ServerStatus | null> {
    try {
      // What comes back was written by `openAdmin` from a ServerStatus.
      return (await this.#ask('GET', '/status', null, STATUS_MS_MAX)) as ServerStatus;
    } catch (error) {
      if (error instanceof AdminFault && error.code === 'LS_ADMIN_SILENT') return null;
      throw error;
    }
  }

  async switchover(why: string): Promise<SwitchoverReport> {
    return (await this.#ask('POST', '/switchover', { why }, ORDER_MS_MAX)) as SwitchoverReport; // As above.
  }

  async reload(why: string): Promise<ReloadReport> {
    return (await this.#ask('POST', '/reload', { why }, ORDER_MS_MAX)) as ReloadReport; // As above.
  }

  async forceActive(word: ForceWord): Promise<ForceReport> {
    return (await this.#ask('POST', '/force-active', word, ORDER_MS_MAX)) as ForceReport; // As above.
  }

  async access(): Promise<AccessListing> {
    return (await this.#ask('GET', '/access', null, STATUS_MS_MAX)) as AccessListing; // As above.
  }

  async changeAccess(change: AccessChange): Promise<AccessReport> {
    return (await this.#ask('POST', '/access', changeBody(change), ORDER_MS_MAX)) as AccessReport; // As above.
  }

  /** Fulfils when the server has taken the order, with its process id; it ends a little later. */
  async stop(why: string): Promise<{ pid: number }> {
    return (await this.#ask('POST', '/stop', { why }, STATUS_MS_MAX)) as { pid: number }; // As above.
  }

  async #ask(method: string, path: string, body: unknown, timeoutMs: number): Promise<unknown> {
    const { status, answer } = await this.#fetch(method, path, body, timeoutMs);
    if (status < 400) return answer;
    const why =
      typeof answer === 'object' && answer !== null && 'why' in answer
        ? String(answer.why)
        : `HTTP ${status}`;
    if (status === 401) throw new AdminFault('LS_ADMIN_TOKEN', `${this.address}: ${why}`);
    throw new AdminFault('LS_ADMIN_FAULT', `${this.address}: ${why}`);
  }

  async #fetch(
    method: string,
    path: string,
    body: unknown,
    timeoutMs: number,
  ): Promise<{ status: number; answer: unknown }> {
    try {
      const response = await fetch(`http://${this.address}${path}`, {
        method,
        headers: { authorization: `Bearer ${this.#token}`, connection: 'close' },
        body: body === null ? null : JSON.stringify(body),
        signal: AbortSignal.timeout(timeoutMs),
      });
      return { status: response.status, answer: await response.json() };
    } catch (error) {
      const why = error instanceof Error ? causeOf(error) : String(error);
      throw new AdminFault('LS_ADMIN_SILENT', adminFaults.LS_ADMIN_SILENT(this.address, why));
    }
  }
}

const causeOf = (error: Error): string =>
  error.cause instanceof Error ? error.cause.message : error.message;
