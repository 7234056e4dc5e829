/** `lockstep options`: every key of a profile with its meaning, unit, default and range. */
import type { Command } from 'commander';
import { optionsText } from '../profile/index.ts';

export function addOptions(program: Command): void {
  program
    .command('options')
    .description('prints every key of a profile: meaning, values, default')
    .action(() => console.log(optionsText()));
}
