/**
 * What the two servers say to their operators, short enough to be read side by side: a server's own changes of state, its warnings and errors, and
 * when it sees its peer DEAD. Lines of level debug and a server's echo of the other's changes are left out.
 */
import type { LogLine } from '../../../src/base/index.ts';
import type { ServerName } from '../../../src/core/pair/index.ts';
import { SERVERS } from '../../../src/simulator/pair/sim-pair.ts';

const NAME_WIDTH = 11;
/** `primary    ACTIVE (from ACTIVE_SYNC): the record names both` */
export const line = (who: string, what: string): string => `${who.padEnd(NAME_WIDTH)}${what}`;

/** How fast a synchronisation is says nothing of the protocol; the change of state that follows it does. */
const PROGRESS = /has ended: [\d.]+ MB in [\d.]+ s$|\d %, [\d.]+ MB\/s/;
/** The storeId in a line; people tell stores by their directory. */
const STORE_ID = / \([0-9a-f]{32}\)/;

export class Consoles {
  readonly #lines: Record<ServerName, string[]> = { primary: [], secondary: [] };
  /** Since the beginning, as `server: code or text`. */
  readonly #all: string[] = [];

  /** The simulated machines put their name before each line. */
  hear(said: LogLine): void {
    if (said.level === 'debug') return;
    const speaker = SERVERS.find((name) => said.text.startsWith(`${name}: `));
    if (speaker === undefined) throw new Error(`nobody said: ${said.text}`);
    const text = short(speaker, { ...said, text: said.text.slice(speaker.length + 2) });
    if (text === null) return;
    this.add(speaker, text);
  }

  add(server: ServerName, text: string): void {
    this.#lines[server].push(text);
    this.#all.push(`${server}: ${text}`);
  }

  /** What was said since the last time, first all of the primary's, then all of the secondary's. */
  take(): string[] {
    return SERVERS.flatMap((server) => this.#lines[server].splice(0).map((text) => line(server, text)));
  }

  /** What was said until now is no part of the story. */
  forget(): void {
    for (const server of SERVERS) this.#lines[server] = [];
  }

  /** Whether this server has ever said it: a code, or some words. */
  hasSaid(server: ServerName, words: string): boolean {
    return this.#all.some((text) => text.startsWith(`${server}: `) && text.includes(words));
  }
}

function short(speaker: ServerName, { code, text, fields }: LogLine): string | null {
  const { server, state, previous, why } = fields ?? {};
  if (typeof state === 'string' && typeof previous === 'string') {
    const because = typeof why === 'string' && why !== '' ? `: ${why}` : '';
    if (server === speaker) return `${previous} → ${state}${because}`;
    return state === 'DEAD' ? `sees the ${String(server)} DEAD${because}` : null;
  }
  if (PROGRESS.test(text)) return null;
  const told = text.replace(STORE_ID, '');
  return code === undefined ? told : `${code}: ${told}`;
}
