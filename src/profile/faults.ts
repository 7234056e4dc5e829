/** What can be wrong with a profile. Each fault says where, which key, what was found and what is wanted; see docs/ERRORS.md. */

export const profileFaults = {
  LS_PROFILE_FILE: (file: string, why: string) => `${file} can't be read (${why}); nothing was started`,
  LS_PROFILE_SYNTAX: (why: string) => `not YAML: ${why}`,
  LS_PROFILE_SET: (found: string) => `found ${found}, wanted key=value, as timing.pingInterval=250`,
  LS_PROFILE_UNKNOWN: (key: string, near: string | null) =>
    `${key}: unknown key${near === null ? '; `lockstep options` lists all' : `; did you mean ${near}?`}`,
  LS_PROFILE_LATER: (key: string, meaning: string) => `${key}: not yet available (${meaning}); take it out`,
  LS_PROFILE_MISSING: (key: string, wanted: string) => `${key}: missing, wanted ${wanted}`,
  LS_PROFILE_VALUE: (key: string, found: string, wanted: string) =>
    `${key}: found ${found}, wanted ${wanted}`,
  LS_PROFILE_SECRET: (key: string) =>
    `${key}: found the secret of the shipped profiles, which everybody knows, wanted one of your own: this pair is not on loopback`,
  LS_PROFILE_LOCK_DIRECTORY: (file: string, why: string) =>
    `lock.file: found ${file}, whose directory ${why}, wanted a file on a share that is mounted`,
} as const;

export type ProfileFaultCode = keyof typeof profileFaults;

/** One thing wrong. `where` is `file:line:column`, or `--set`. */
export type ProfileFault = Readonly<{ where: string; code: ProfileFaultCode; text: string }>;

/** A profile that was refused, with everything that is wrong with it. Nothing was started. */
export class ProfileRefused extends Error {
  override name = 'ProfileRefused';
  readonly code = 'LS_PROFILE_REFUSED';
  readonly faults: readonly ProfileFault[];

  constructor(faults: readonly ProfileFault[]) {
    super(faults.map(({ where, code, text }) => `${where}: ${text} [${code}]`).join('\n'));
    this.faults = faults;
  }
}
