/** What `lockstep` says to the shell when it ends. The table in docs/OPERATING.md is compared with this one by a test. */

export const exitCodes = {
  done: { code: 0, meaning: 'Done; `status`: the pair is protected.' },
  fault: {
    code: 1,
    meaning: 'A fault of the program, or an error without a code of its own. The last line says which.',
  },
  usage: { code: 2, meaning: 'The command line is wrong.' },
  profile: { code: 3, meaning: 'The profile is wrong. Nothing was started; every fault is listed.' },
  busy: { code: 4, meaning: 'A port or the store is not to be had; most often this server runs already.' },
  refused: { code: 5, meaning: 'The order was refused or failed; the line says why.' },
  silent: { code: 6, meaning: 'The server does not answer; `status`: neither server does.' },
  stopped: {
    code: 7,
    meaning:
      'The server stopped by itself to protect the messages: its disk failed, for one. The console says why.',
  },
  interrupted: { code: 8, meaning: 'Ended at once by a second signal, without a clean stop.' },
  alone: { code: 10, meaning: '`status`: one server serves, and the other could not take over.' },
  down: { code: 11, meaning: '`status`: neither server serves.' },
} as const;

export type Ending = keyof typeof exitCodes;
export const exitCode = (ending: Ending): number => exitCodes[ending].code;
