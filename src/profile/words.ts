/** An option in words: what a value must be, what its default is, and which known key an unknown one may have meant. */
import { unreachable, type AnyOption } from '../base/index.ts';
import { sizeText } from './sizes.ts';

/** `a number of milliseconds from 100 to 600000`. */
export function wantedOf(option: AnyOption): string {
  switch (option.kind) {
    case 'number':
      return numberWanted(option);
    case 'text':
      return { plain: 'text', path: 'a path', secret: 'a secret text' }[option.form];
    case 'choice':
      return option.choices.length === 1
        ? `the word ${option.choices.join()}`
        : `one of ${option.choices.join(', ')}`;
    case 'flag':
      return 'true or false';
    default:
      return unreachable(option);
  }
}

function numberWanted({ unit, min, max }: Extract<AnyOption, { kind: 'number' }>): string {
  switch (unit) {
    case 'ms':
      return `a number of milliseconds from ${min} to ${max}`;
    case 's':
      return `a number of seconds from ${min} to ${max}`;
    case 'bytes':
      return `a size from ${sizeText(min)} to ${sizeText(max)}`;
    case 'port':
      return `a port from ${min} to ${max}`;
    case 'count':
      return `a number from ${min} to ${max}`;
    default:
      return unreachable(unit);
  }
}

/** The default as a profile would say it; null when the profile must give the value itself. */
export function defaultOf(option: AnyOption): string | null {
  if (option.isRequired) return null;
  if (option.kind === 'number' && option.unit === 'bytes') return sizeText(option.default);
  return String(option.default);
}

/** The known key that an unknown one most likely meant; null when none is near. */
export function nearest(key: string, known: readonly string[]): string | null {
  const [best] = known
    .map((candidate) => ({ candidate, distance: distance(key.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  return best !== undefined && best.distance <= Math.max(1, Math.floor(key.length / 3))
    ? best.candidate
    : null;
}

/** Levenshtein's: how many letters must be put in, taken out or changed. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (const [above, letter] of Array.from(a).entries()) {
    const next = [above + 1];
    for (const [column, other] of Array.from(b).entries()) {
      const changed = (row[column] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(changed, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
