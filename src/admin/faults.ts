/** What can go wrong at the admin port, for whoever asks and for whoever opens it. */

export const adminFaults = {
  LS_ADMIN_PORT: (address: string, why: string) =>
    `the admin port ${address} can't be had (${why}): is this server running already? Stop it, or give another admin.port`,
  LS_ADMIN_TOKEN: () => 'the token is missing or wrong: ask with the profile of this pair',
  LS_ADMIN_PATH: (path: string) => `there is nothing at ${path}`,
  LS_ADMIN_METHOD: (path: string, wanted: string) => `${path} takes ${wanted}`,
  LS_ADMIN_BODY: (wanted: string) => `the body is not what was wanted: ${wanted}`,
  LS_ADMIN_FAULT: (why: string) => `the server could not answer: ${why}`,
  LS_ADMIN_SILENT: (address: string, why: string) => `no answer from ${address} (${why})`,
} as const;

export type AdminFaultCode = keyof typeof adminFaults;

export class AdminFault extends Error {
  override name = 'AdminFault';
  readonly code: AdminFaultCode;

  constructor(code: AdminFaultCode, text: string) {
    super(text);
    this.code = code;
  }
}
