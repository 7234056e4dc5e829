/**
 * From a profile file to a checked, frozen `Profile`, or to everything that is wrong with it. The only file here that touches the disk.
 */
import { readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { present } from '../base/index.ts';
import { checkSource, valueAt } from './check.ts';
import { profileFaults, ProfileRefused, type ProfileFault } from './faults.ts';
import { leaves, type Profile } from './sections.ts';
import { isRecord, readSource, type ProfileSource } from './source.ts';

/** How long the share's directory may take to answer; a share that hangs must not hang the check. */
const SHARE_PATIENCE_MS = 5_000;

/** The directory that holds `profiles/`, `scripts/` and, unless `LOCKSTEP_HOME` says otherwise, `run/`. */
export const projectDirectory = fileURLToPath(new URL('../../', import.meta.url));

/** Where relative paths of a profile begin. */
export const homeDirectory = (environment: Readonly<Record<string, string | undefined>>): string =>
  resolve(environment['LOCKSTEP_HOME'] ?? join(projectDirectory, 'run'));

export type ProfileRequest = Readonly<{
  file: string;
  /** The server that the file is for, as its directory or the command says. */
  server: 'primary' | 'secondary';
  home: string;
  /** `key=value`, each overriding one key for this run. */
  sets: readonly string[];
  /** `run`: the server will start, so the lock file's directory must be there. `look`: it is only read or asked. */
  purpose: 'run' | 'look';
}>;

/** Rejects with `ProfileRefused`, which lists all faults. */
export async function loadProfile({ file, server, home, sets, purpose }: ProfileRequest): Promise<Profile> {
  const source = readSource(file, await textOf(file), sets);
  const { values, faults } = checkSource(source);
  const all = [
    ...faults,
    ...serverFaults(source, server),
    ...(purpose === 'run' ? await lockFaults(source, home) : []),
  ];
  if (all.length > 0) throw new ProfileRefused(all.sort((a, b) => placeOf(a) - placeOf(b)));
  resolvePaths(values, home);
  // The schema that let the values through is made from the options that the type is made from.
  return frozen(values) as Profile;
}

/** By line and column; what `--set` gave comes last. */
function placeOf({ where }: ProfileFault): number {
  const [, line, column] = /:(\d+):(\d+)$/.exec(where) ?? [];
  return line === undefined ? Number.MAX_SAFE_INTEGER : Number(line) * 10_000 + Number(column);
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const why = isMissing(error) ? 'there is no such file' : String(error);
    const text = profileFaults.LS_PROFILE_FILE(file, why);
    throw new ProfileRefused([{ where: file, code: 'LS_PROFILE_FILE', text }]);
  }
}

function serverFaults(source: ProfileSource, server: Profile['server']): ProfileFault[] {
  const found = valueAt(source.values, ['server']);
  if ((found !== 'primary' && found !== 'secondary') || found === server) return [];
  const text = profileFaults.LS_PROFILE_VALUE('server', `"${found}"`, `${server}, for whom this profile is`);
  return [{ where: source.where(['server'], 'value'), code: 'LS_PROFILE_VALUE', text }];
}

async function lockFaults(source: ProfileSource, home: string): Promise<ProfileFault[]> {
  const file = valueAt(source.values, ['lock', 'file']);
  if (typeof file !== 'string' || file === '') return [];
  const path = resolve(home, file);
  const why = await whyNoDirectory(dirname(path));
  if (why === null) return [];
  const where = source.where(['lock', 'file'], 'value');
  return [
    { where, code: 'LS_PROFILE_LOCK_DIRECTORY', text: profileFaults.LS_PROFILE_LOCK_DIRECTORY(path, why) },
  ];
}

async function whyNoDirectory(directory: string): Promise<string | null> {
  const look = stat(directory).then(
    (found) => (found.isDirectory() ? null : 'is not a directory'),
    (error: unknown) => (isMissing(error) ? 'is missing' : `can't be reached (${String(error)})`),
  );
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<string>((settle) => {
    timer = setTimeout(() => settle(`has not answered for ${SHARE_PATIENCE_MS / 1000} s`), SHARE_PATIENCE_MS);
  });
  const answer = await Promise.race([look, silence]);
  clearTimeout(timer);
  return answer;
}

const isMissing = (error: unknown): boolean => isRecord(error) && error['code'] === 'ENOENT';

function resolvePaths(values: unknown, home: string): void {
  for (const { path, option } of leaves()) {
    if (option.kind !== 'text' || option.form !== 'path') continue;
    const section = valueAt(values, path.slice(0, -1));
    const name = present(path.at(-1), 'the name of an option');
    if (!isRecord(section)) continue;
    const value = section[name];
    if (typeof value === 'string' && value !== '') section[name] = resolve(home, value);
  }
}

function frozen(value: unknown): unknown {
  if (isRecord(value)) for (const below of Object.values(value)) frozen(below);
  return Object.freeze(value);
}
