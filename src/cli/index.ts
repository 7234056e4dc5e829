/** The command line: one file for each command of `lockstep`. `main.ts` is what the shell runs. */
export { exitCode, exitCodes, type Ending } from './exit-codes.ts';
export { lockstep } from './program.ts';
