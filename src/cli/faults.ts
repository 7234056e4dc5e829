/** What the command line itself refuses, and how any coded error becomes an exit code. */
import { exitCode } from './exit-codes.ts';

export const cliFaults = {
  LS_CLI_SERVER: (found: string) => `no server is called ${found}; it is primary or secondary`,
  LS_CLI_STOP: (why: string) => `the stop was not clean: ${why}`,
  LS_CLI_FAULT: (why: string) => `the server has ended with a fault: ${why}`,
  LS_CLI_RELOAD: (why: string) => `the certificates could not be read anew: ${why}`,
  LS_CLI_CONFIRM: (wanted: string) => `not confirmed: nothing was done. It wants exactly: ${wanted}`,
  LS_CLI_PASSWORD: (why: string) => `no password was taken: ${why}`,
  LS_CLI_STILL_RUNNING: (server: string, pid: number, seconds: number) =>
    `${server} has taken the order to stop, but its process ${pid} still runs after ${seconds} s: look at its console`,
} as const;

export class CliFault extends Error {
  override name = 'CliFault';
  readonly code: keyof typeof cliFaults;
  readonly exitCode: number;

  constructor(code: keyof typeof cliFaults, text: string, exit: number) {
    super(text);
    this.code = code;
    this.exitCode = exit;
  }
}

/** By the code of an error, whichever folder it came from. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CliFault) return error.exitCode;
  const code = codeOf(error);
  if (code === null) return exitCode('fault');
  if (/^LS_(PROFILE|TLS)_/.test(code)) return exitCode('profile');
  if (code === 'LS_ADMIN_SILENT') return exitCode('silent');
  if (code.startsWith('LS_ADMIN_') && code !== 'LS_ADMIN_PORT') return exitCode('refused');
  return /^LS_PORT_|_(PORT|BUSY)$/.test(code) ? exitCode('busy') : exitCode('fault');
}

/** The `LS_…` code that an error bears; null when it bears none. */
export const codeOf = (error: unknown): string | null => {
  const code: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : null;
  return typeof code === 'string' && code.startsWith('LS_') ? code : null;
};
