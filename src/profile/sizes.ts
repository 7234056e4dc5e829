/** Sizes as people write them, `64 MiB`, and as programs count them, in bytes. */

const UNITS = { KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const;
const FORM = /^\s*(\d+(?:\.\d+)?)\s*(KiB|MiB|GiB)\s*$/;

/** Bytes for `64 MiB`; anything else comes back as it was, for the check to judge. */
export function sizeFrom(value: unknown): unknown {
  const match = typeof value === 'string' ? FORM.exec(value) : null;
  const unit = match?.[2];
  if (match === null || (unit !== 'KiB' && unit !== 'MiB' && unit !== 'GiB')) return value;
  return Math.round(Number(match[1]) * UNITS[unit]);
}

/** `64 MiB` for whole units, else plain bytes. */
export function sizeText(bytes: number): string {
  for (const unit of ['GiB', 'MiB', 'KiB'] as const)
    if (bytes !== 0 && bytes % UNITS[unit] === 0) return `${bytes / UNITS[unit]} ${unit}`;
  return String(bytes);
}
