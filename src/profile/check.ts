/**
 * Judges a profile as written: every key, type and bound by the options' schemas, then what must hold between keys. All faults come
 * at once, each with its place. Touches no file but through what it is given.
 */
import type { z } from 'zod';
import { checkPairOptions, type PairOptions } from '../core/pair/options.ts';
import { checkListeners, type ListenerSettings, type TlsOptions } from '../io/net/options.ts';
import { profileFaults, type ProfileFault, type ProfileFaultCode } from './faults.ts';
import { schemaOf } from './schema.ts';
import {
  isOption,
  laterChoices,
  laterKeys,
  leaves,
  profileOptions,
  type Leaf,
  type OptionTree,
} from './sections.ts';
import { isRecord, type ProfileSource } from './source.ts';
import { nearest, wantedOf } from './words.ts';

/** What the shipped profiles use, so that they run as they come. Refused for a pair that others can reach. */
export const SHIPPED_SECRET = 'shipped-with-lockstep-change-me';

export type Checked = Readonly<{ values: unknown; faults: readonly ProfileFault[] }>;

/** `values` is of the shape of `profileOptions` when `faults` is empty. */
export function checkSource(source: ProfileSource): Checked {
  if (!source.isReadable) return { values: null, faults: source.faults };
  const parsed = schemaOf(profileOptions).safeParse(source.values);
  const faults = [
    ...source.faults,
    ...(parsed.error?.issues ?? []).flatMap((issue) => issueFaults(source, issue)),
    ...timingFaults(source),
    ...secretFaults(source),
    ...portFaults(source),
    ...listenerFaults(source),
  ];
  return { values: parsed.data, faults };
}

function issueFaults(source: ProfileSource, issue: z.core.$ZodIssue): ProfileFault[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys')
    return issue.keys.flatMap((name) => unknownFaults(source, [...path, name]));
  const key = path.join('.');
  const node = nodeAt(path);
  const found = valueAt(source.values, path);
  const wanted = node !== null && isOption(node) ? wantedOf(node) : 'keys of its own below it';
  if (found === undefined)
    return [
      fault(source.where(path, 'key'), 'LS_PROFILE_MISSING', profileFaults.LS_PROFILE_MISSING(key, wanted)),
    ];
  const where = source.where(path, 'value');
  if (typeof found === 'string' && laterChoices[key]?.includes(found) === true)
    return [
      fault(where, 'LS_PROFILE_LATER', profileFaults.LS_PROFILE_LATER(`${key}: ${found}`, 'a later version')),
    ];
  const shown =
    node !== null && isOption(node) && node.kind === 'text' && node.form === 'secret'
      ? 'something else'
      : foundText(found);
  return [fault(where, 'LS_PROFILE_VALUE', profileFaults.LS_PROFILE_VALUE(key, shown, wanted))];
}

function unknownFaults(source: ProfileSource, path: readonly string[]): ProfileFault[] {
  const key = path.join('.');
  const later = Object.entries(laterKeys).filter(([name]) => name === key || name.startsWith(`${key}.`));
  if (later.length > 0) {
    const given = later.filter(([name]) => valueAt(source.values, name.split('.')) !== undefined);
    const named = given.length > 0 ? given : [[key, 'a later version'] as const];
    return named.map(([name, meaning]) =>
      fault(
        source.where(name.split('.'), 'key'),
        'LS_PROFILE_LATER',
        profileFaults.LS_PROFILE_LATER(name, meaning),
      ),
    );
  }
  const known = [...leaves().map((leaf) => leaf.key), ...Object.keys(profileOptions)];
  // A key that belongs into a section is best found by its own name, wherever it stands.
  const near = nearest(key, known) ?? leaves().find((leaf) => leaf.path.at(-1) === path.at(-1))?.key ?? null;
  return [fault(whereGiven(source, path), 'LS_PROFILE_UNKNOWN', profileFaults.LS_PROFILE_UNKNOWN(key, near))];
}

/** `--set a.b=1` may have made a section `a` of which the file knows nothing. */
function whereGiven(source: ProfileSource, path: readonly string[]): string {
  const value = valueAt(source.values, path);
  const [below] = isRecord(value) ? Object.keys(value) : [];
  return source.where(below === undefined ? path : [...path, below], 'key');
}

function timingFaults(source: ProfileSource): ProfileFault[] {
  const given = source.values['timing'];
  // Unknown keys are told of already, and are no reason to keep silent about the known ones.
  const known = isRecord(given)
    ? Object.entries(given).filter(([name]) => name in profileOptions.timing)
    : [];
  const timing = schemaOf(profileOptions.timing).safeParse(Object.fromEntries(known));
  if (!timing.success) return [];
  // The schema is made from the very options that `PairOptions` is made from.
  const values = timing.data as PairOptions;
  return checkPairOptions(values).map(({ key, wanted }) =>
    fault(
      source.where(['timing', key], 'value'),
      'LS_PROFILE_VALUE',
      profileFaults.LS_PROFILE_VALUE(`timing.${key}`, String(values[key]), wanted),
    ),
  );
}

function secretFaults(source: ProfileSource): ProfileFault[] {
  const path = ['pair', 'secret'];
  if (valueAt(source.values, path) !== SHIPPED_SECRET) return [];
  const hosts = [
    ['peer', 'host'],
    ['backchannel', 'host'],
    ['admin', 'host'],
  ].map((host) => valueAt(source.values, host));
  if (hosts.every((host) => host === undefined || isLoopback(host))) return [];
  return [
    fault(source.where(path, 'value'), 'LS_PROFILE_SECRET', profileFaults.LS_PROFILE_SECRET('pair.secret')),
  ];
}

const isLoopback = (host: unknown): boolean =>
  typeof host === 'string' && (host === 'localhost' || host === '::1' || host.startsWith('127.'));

/** Two listeners of one server can't have one port; those that are switched off have none. */
function portFaults(source: ProfileSource): ProfileFault[] {
  const taken = new Map<unknown, Leaf>();
  const own = leaves().filter(
    ({ path, key }) =>
      (path[0] === 'listeners' && path.at(-1) === 'port' && isEnabled(source, path.slice(0, -1))) ||
      ['backchannel.port', 'admin.port'].includes(key),
  );
  return own.flatMap((leaf) => {
    const given = valueAt(source.values, leaf.path);
    const port = given ?? leaf.option.default;
    const other = taken.get(port);
    taken.set(port, other ?? leaf);
    if (other === undefined) return [];
    // Of two, the one that the profile gives is the one to look at.
    const [wrong, right] = given === undefined ? [other, leaf] : [leaf, other];
    const wanted = `a port of its own: ${right.key} has that one`;
    const text = profileFaults.LS_PROFILE_VALUE(wrong.key, foundText(port), wanted);
    return [fault(source.where(wrong.path, 'value'), 'LS_PROFILE_VALUE', text)];
  });
}

function isEnabled(source: ProfileSource, listener: readonly string[]): boolean {
  const path = [...listener, 'enabled'];
  return (valueAt(source.values, path) ?? nodeAt(path)?.default) === true;
}

function listenerFaults(source: ProfileSource): ProfileFault[] {
  const { listeners, tls } = profileOptions;
  const parsed = schemaOf({ listeners, tls }).safeParse({
    listeners: source.values['listeners'],
    tls: source.values['tls'],
  });
  if (!parsed.success) return [];
  // The schema is made from the very options that these types are made from.
  const values = parsed.data as { listeners: ListenerSettings; tls: TlsOptions };
  return checkListeners(values.listeners, values.tls).map(({ key, found, wanted }) => {
    const text = profileFaults.LS_PROFILE_VALUE(key, foundText(found), wanted);
    return fault(source.where(key.split('.'), 'value'), 'LS_PROFILE_VALUE', text);
  });
}

const fault = (where: string, code: ProfileFaultCode, text: string): ProfileFault => ({ where, code, text });

function nodeAt(path: readonly string[]): Leaf['option'] | OptionTree | null {
  let node: Leaf['option'] | OptionTree = profileOptions;
  for (const name of path) {
    if (isOption(node)) return null;
    const below: Leaf['option'] | OptionTree | undefined = node[name];
    if (below === undefined) return null;
    node = below;
  }
  return node;
}

export function valueAt(values: unknown, path: readonly string[]): unknown {
  let value = values;
  for (const name of path) {
    if (!isRecord(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return value;
}

function foundText(value: unknown): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (isRecord(value)) return 'keys below it';
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
