/** The interpreter of the transcripts: runs one, and gives it back with what came of each command. */
import { clientCommands } from './client-commands.ts';
import { obey, type Command } from './command.ts';
import { expectations } from './expectations.ts';
import { outsideCommands } from './outside-commands.ts';
import { Scene, ScenarioFailure, type LeftOut } from './scene.ts';
import { serverCommands } from './server-commands.ts';
import { parseTranscript, printTranscript, titleOf, type Paragraph } from './transcript.ts';
import { verdict, VERDICT } from './verdict.ts';

export { ScenarioFailure, type LeftOut } from './scene.ts';
export { titleOf } from './transcript.ts';

const COMMANDS: readonly Command[] = [
  ...serverCommands,
  ...outsideCommands,
  ...clientCommands,
  ...expectations,
  verdict,
];

/** The whole transcript anew. Rejects with a `ScenarioFailure` that names the command which does not hold. */
export async function interpret(text: string, leftOut: LeftOut = {}): Promise<string> {
  titleOf(text);
  const scene = new Scene(leftOut);
  const told: Paragraph[] = [];
  for (const paragraph of parseTranscript(text)) {
    if (paragraph.kind === 'comment') told.push(paragraph);
    else told.push(await perform(scene, paragraph.commands));
  }
  const last = told.at(-1);
  if (last?.kind !== 'commands' || last.commands.at(-1) !== VERDICT)
    throw new ScenarioFailure(`a transcript ends with: ${VERDICT}`);
  return printTranscript(told);
}

async function perform(scene: Scene, commands: readonly string[]): Promise<Paragraph> {
  const printed: string[] = [];
  for (const command of commands) {
    try {
      printed.push(...(await obey(COMMANDS, scene, command)));
    } catch (failure) {
      if (!(failure instanceof ScenarioFailure)) throw failure;
      const seen = [...printed, ...scene.takeOutput()].join('\n');
      throw new ScenarioFailure(`${command}\n${failure.message}\n${seen}`);
    }
  }
  // What was said comes first, what was asked for after it.
  return { kind: 'commands', commands, output: [...scene.takeOutput(), ...printed] };
}
