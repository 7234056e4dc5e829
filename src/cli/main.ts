#!/usr/bin/env node
/** What the shell runs as `lockstep`. Every error becomes one sentence on stderr and an exit code; see exit-codes.ts. */
import { CommanderError } from 'commander';
import { exitCode } from './exit-codes.ts';
import { codeOf, exitCodeOf } from './faults.ts';
import { lockstep } from './program.ts';

try {
  await lockstep().parseAsync();
} catch (error) {
  process.exitCode = ending(error);
}

function ending(error: unknown): number {
  // Commander has printed its own.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode('done') : exitCode('usage');
  const code = codeOf(error);
  if (code === null) console.error(error);
  else if (code === 'LS_PROFILE_REFUSED')
    console.error(`The profile is refused; nothing was started.\n${text(error)}`);
  else console.error(`lockstep: ${text(error)} [${code}]`);
  return exitCodeOf(error);
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
