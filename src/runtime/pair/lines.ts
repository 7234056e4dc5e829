/** The console lines by which operators verify a pair; the words are fixed, they look for them. Source: product words, PROTOCOL.md §3. */
import type { LogLine } from '../../base/index.ts';
import type { ServerName, StateName } from '../../core/pair/index.ts';

const called = (server: ServerName): string => (server === 'primary' ? 'Primary' : 'Secondary');

export const stateLine = (server: ServerName, now: StateName, before: StateName, why: string): LogLine => ({
  level: 'info',
  text: `${called(server)} Server switched to ${now} (from ${before}${why === '' ? '' : `: ${why}`})`,
  fields: { server, state: now, previous: before, why },
});

export const waitingLine = (server: ServerName, why: string): LogLine => ({
  level: 'warn',
  code: 'LS_PAIR_WAITING',
  text: `${called(server)} Server does not serve: ${why}`,
  fields: { server, why },
});

export const peerLine = (
  server: ServerName,
  now: StateName | 'DEAD',
  before: StateName | 'DEAD',
  why: string,
): LogLine => ({
  level: now === 'DEAD' ? 'warn' : 'info',
  text:
    now === 'DEAD'
      ? `${called(server)} Server is DEAD: ${why}`
      : `${called(server)} Server switched to ${now} (from ${before}${why === '' ? '' : `: ${why}`})`,
  fields: { server, state: now, previous: before, why },
});
