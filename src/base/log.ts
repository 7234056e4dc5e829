/**
 * What the program tells people. Lines are in operators' words; `code` names an error that the manual explains. A secret or a
 * message's content never goes into a line.
 */
export type LogLevel = 'error' | 'warn' | 'info' | 'debug';

export type LogLine = Readonly<{
  level: LogLevel;
  /** One sentence that an operator understands without the manual. */
  text: string;
  /** The code of an error or warning, `LS_…`, as in docs/ERRORS.md. */
  code?: string;
  /** What a machine may want apart from the sentence. */
  fields?: Readonly<Record<string, string | number | boolean | null>>;
}>;

export interface Log {
  say(line: LogLine): void;
}
