/** `lockstep` with all its commands. Errors come out as rejections; `main.ts` prints them and ends the process. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { projectDirectory } from '../profile/index.ts';
import { addExplore } from './explore.ts';
import { addForceActive } from './force-active.ts';
import { addOptions } from './options.ts';
import { addPair } from './pair.ts';
import { addReload } from './reload.ts';
import { addRule } from './rule.ts';
import { addServe } from './serve.ts';
import { addSimulate } from './simulate.ts';
import { addStatus } from './status.ts';
import { addStop } from './stop.ts';
import { addSwitchover } from './switchover.ts';
import { addTails } from './tails.ts';
import { addUser } from './user.ts';

export function lockstep(): Command {
  const program = new Command('lockstep')
    .description('A message broker of two servers: what one acknowledges, both hold.')
    .version(packageVersion())
    .exitOverride()
    .showSuggestionAfterError();
  addPair(program);
  addServe(program);
  addStatus(program);
  addSwitchover(program);
  addStop(program);
  addReload(program);
  addForceActive(program);
  addUser(program);
  addRule(program);
  addOptions(program);
  addTails(program);
  addSimulate(program);
  addExplore(program);
  return program;
}

function packageVersion(): string {
  const content: unknown = JSON.parse(readFileSync(join(projectDirectory, 'package.json'), 'utf8'));
  const version: unknown =
    typeof content === 'object' && content !== null ? Reflect.get(content, 'version') : undefined;
  return typeof version === 'string' ? version : 'unknown';
}
