/**
 * A command is a sentence of a transcript. Its form is that sentence with places for words: `crash <servers>` takes `crash primary`. What a
 * command shows is printed; what it demands and doesn't get is a failure.
 */
import type { ServerName } from '../../../src/core/pair/index.ts';
import { SERVERS } from '../../../src/simulator/pair/sim-pair.ts';
import { ScenarioFailure, type Scene } from './scene.ts';

export type Command = Readonly<
  { form: string } & (
    | {
        /** Awaited, and nothing is printed but what follows from it. */
        does: (scene: Scene, words: Words) => unknown;
      }
    | { shows: (scene: Scene, words: Words) => readonly string[] | Promise<readonly string[]> }
  )
>;

/** By the name of their place in the form. */
export class Words {
  readonly #words: Readonly<Record<string, string>>;

  constructor(words: Readonly<Record<string, string>>) {
    this.#words = words;
  }

  text(name: string): string {
    const word = this.#words[name];
    if (word === undefined) throw new ScenarioFailure(`the form has no place <${name}>`);
    return word;
  }

  number(name: string): number {
    return Number(this.text(name));
  }

  /** `500ms` or `5s`. */
  get ms(): number {
    const text = this.text('time');
    return text.endsWith('ms') ? Number(text.slice(0, -2)) : Number(text.slice(0, -1)) * 1_000;
  }

  get server(): ServerName {
    return this.text('server') === 'primary' ? 'primary' : 'secondary';
  }

  /** One server, or both of them. */
  get servers(): readonly ServerName[] {
    const word = this.text('servers');
    return SERVERS.filter((name) => word === 'both' || word === name);
  }
}

const PLACES: Readonly<Record<string, string>> = {
  server: 'primary|secondary',
  servers: 'primary|secondary|both',
  time: '\\d+(?:\\.\\d+)?m?s',
  count: '\\d+',
  copy: '[12]',
  name: '[a-z-]+',
  states: '[A-Z_*-]+/[A-Z_*-]+|whole',
  text: '.+',
};

/** The words of a sentence that has this form; null where it has another. */
export function wordsOf(form: string, sentence: string): Words | null {
  const pattern = form.replaceAll(/<(\w+)>/g, (_, name: string) => {
    const place = PLACES[name];
    if (place === undefined) throw new Error(`no place is called <${name}>`);
    return `(?<${name}>${place})`;
  });
  const found = new RegExp(`^${pattern}$`).exec(sentence);
  return found === null ? null : new Words(found.groups ?? {});
}

export async function obey(
  commands: readonly Command[],
  scene: Scene,
  sentence: string,
): Promise<readonly string[]> {
  for (const command of commands) {
    const words = wordsOf(command.form, sentence);
    if (words === null) continue;
    if ('shows' in command) return command.shows(scene, words);
    await command.does(scene, words);
    return [];
  }
  throw new ScenarioFailure('there is no such command');
}
