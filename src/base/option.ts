/**
 * An option is said once, beside the code that obeys it: its meaning, unit, default and bounds. The profile's check, its
 * comments, `lockstep options` and the manual are all made from these values.
 */

type Common = Readonly<{
  /** One or two sentences for an operator: what it does, and the accident it prevents. */
  meaning: string;
  /** True: the profile must give it; there is no sensible default. */
  isRequired: boolean;
}>;

export type NumberOption = Common &
  Readonly<{
    kind: 'number';
    unit: 'ms' | 's' | 'bytes' | 'port' | 'count';
    default: number;
    min: number;
    max: number;
  }>;
export type TextOption = Common &
  Readonly<{ kind: 'text'; form: 'plain' | 'path' | 'secret'; default: string; isEmptyAllowed: boolean }>;
export type ChoiceOption<C extends string = string> = Common &
  Readonly<{ kind: 'choice'; choices: readonly C[]; default: C }>;
export type FlagOption = Common & Readonly<{ kind: 'flag'; default: boolean }>;

export type AnyOption = NumberOption | TextOption | ChoiceOption | FlagOption;

/** Options of one folder, by the name they bear in the profile (below the folder's section). */
export type OptionSet = Readonly<Record<string, AnyOption>>;

type ValueOf<O> = O extends NumberOption
  ? number
  : O extends ChoiceOption<infer C>
    ? C
    : O extends TextOption
      ? string
      : O extends FlagOption
        ? boolean
        : never;

/** The values that a checked profile gives for an option set. */
export type Options<S extends OptionSet> = Readonly<{ [K in keyof S]: ValueOf<S[K]> }>;

type Bounds = Readonly<{ min: number; max: number }>;

const number = (
  unit: NumberOption['unit'],
  value: number,
  meaning: string,
  bounds: Bounds,
): NumberOption => ({
  kind: 'number',
  unit,
  default: value,
  meaning,
  isRequired: false,
  ...bounds,
});

/** A time in milliseconds. */
export const milliseconds = (value: number, meaning: string, bounds: Bounds): NumberOption =>
  number('ms', value, meaning, bounds);

/** A time in seconds, as protocols name it that count so. */
export const seconds = (value: number, meaning: string, bounds: Bounds): NumberOption =>
  number('s', value, meaning, bounds);

/** A size in bytes; the profile also takes `64 KiB`, `16 MiB`, `2 GiB`. */
export const size = (value: number, meaning: string, bounds: Bounds): NumberOption =>
  number('bytes', value, meaning, bounds);

/** A TCP port. */
export const networkPort = (value: number, meaning: string): NumberOption =>
  number('port', value, meaning, { min: 1, max: 65_535 });

/** A plain number of things. */
export const count = (value: number, meaning: string, bounds: Bounds): NumberOption =>
  number('count', value, meaning, bounds);

/** Text. An empty default makes it required unless `isEmptyAllowed`. */
export const text = (
  value: string,
  meaning: string,
  more: Readonly<{ isEmptyAllowed?: boolean; form?: TextOption['form'] }> = {},
): TextOption => ({
  kind: 'text',
  form: more.form ?? 'plain',
  default: value,
  meaning,
  isRequired: value === '' && more.isEmptyAllowed !== true,
  isEmptyAllowed: more.isEmptyAllowed ?? false,
});

/** A file or directory; relative ones are below `LOCKSTEP_HOME`. */
export const path = (value: string, meaning: string): TextOption => text(value, meaning, { form: 'path' });

/** One of a few words. */
export const choice = <C extends string>(
  value: C,
  choices: readonly C[],
  meaning: string,
): ChoiceOption<C> => ({
  kind: 'choice',
  choices,
  default: value,
  meaning,
  isRequired: false,
});

/** `true` or `false`. */
export const flag = (value: boolean, meaning: string): FlagOption => ({
  kind: 'flag',
  default: value,
  meaning,
  isRequired: false,
});
