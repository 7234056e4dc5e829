/** What several runs of the same thing say together. Pure. */

export type Spread = Readonly<{ median: number; min: number; max: number; runs: number }>;

/** The middle one of a sorted row; of an even number, the mean of the two in the middle. Not a number for none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

export const spreadOf = (values: readonly number[]): Spread => ({
  median: median(values),
  min: values.length === 0 ? NaN : values.reduce((a, b) => Math.min(a, b)),
  max: values.length === 0 ? NaN : values.reduce((a, b) => Math.max(a, b)),
  runs: values.length,
});

/** The smallest value that at least this share of all do not exceed (nearest rank). Not a number for none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const rank = Math.ceil(share * sorted.length);
  return sorted[Math.min(sorted.length, Math.max(1, rank)) - 1] ?? NaN;
}

/** Three digits that mean something, thousands with a comma; `–` for what is not a number. */
export function digits(value: number): string {
  if (!Number.isFinite(value)) return '–';
  return Math.abs(value) >= 1000
    ? Math.round(value).toLocaleString('en-GB')
    : String(Number(value.toPrecision(3)));
}

/** `median (min–max)`; the median alone where nothing else was seen. */
export function shown({ median: middle, min, max }: Spread): string {
  return digits(min) === digits(max) ? digits(middle) : `${digits(middle)} (${digits(min)}–${digits(max)})`;
}
