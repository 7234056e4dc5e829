/**
 * Shapes of values that came from outside: each check answers whether a value, whatever it is, has the shape. Total: none throws,
 * none looks at what it isn't asked for.
 */

export type Check = (value: unknown) => boolean;

export const isText: Check = (value) => typeof value === 'string';
export const isFlag: Check = (value) => typeof value === 'boolean';
export const isBytes: Check = (value) => value instanceof Uint8Array;
/** 0 up to 2^53 - 1. */
export const isWhole: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0; // an integer is a number

export const is =
  (...words: readonly (string | number)[]): Check =>
  (value) =>
    words.some((word) => word === value);

export const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);

/** For fields that may be missing. */
export const orAbsent =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);

export const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** An object of any keys whose values all have the shape. */
export const mapOf =
  (check: Check): Check =>
  (value) =>
    isObject(value) && Object.values(value).every(check);

export type Fields<T> = Readonly<{ [K in keyof T]-?: Check }>;

/** An object with these fields; what else it has is ignored. A field added to `T` and forgotten here does not compile. */
export function shape<T>(fields: Fields<T>): (value: unknown) => value is T {
  const checks = Object.entries<Check>(fields);
  return (value): value is T => isObject(value) && checks.every(([name, check]) => check(value[name]));
}

/** An object whose field `tag` says which of the shapes it has. */
export function tagged(
  tag: string,
  shapes: Readonly<Record<string, Readonly<Record<string, Check>>>>,
): Check {
  const checks = new Map(Object.entries(shapes).map(([name, fields]) => [name, shape(fields)]));
  return (value) => {
    if (!isObject(value)) return false;
    const name = value[tag];
    return typeof name === 'string' && checks.get(name)?.(value) === true;
  };
}
