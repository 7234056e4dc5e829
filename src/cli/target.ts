/** Which server a command means, and with which profile: the arguments that nearly every command takes. */
import { join, resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { AdminClient } from '../admin/index.ts';
import {
  homeDirectory,
  loadProfile,
  projectDirectory,
  type Profile,
  type ProfileRequest,
} from '../profile/index.ts';
import { cliFaults } from './faults.ts';

export type ServerName = Profile['server'];
export const otherServer = (server: ServerName): ServerName =>
  server === 'primary' ? 'secondary' : 'primary';

export type TargetOptions = Readonly<{ profile: string; kind: string; set: readonly string[] }>;

/** A command for one server: `<command> <primary|secondary> [--profile …] [--kind …] [--set …]`. */
export const onServer = (program: Command, name: string, description: string): Command =>
  program
    .command(name)
    .description(description)
    .argument('<server>', 'primary or secondary', serverNamed)
    .option('--profile <name>', 'a directory of profiles/, or a path with a slash', 'haprofile1')
    .option('--kind <kind>', 'the kind of server: peer', 'peer')
    .option('--set <key=value>', 'gives one key another value for this run; may be repeated', gathered, []);

export function serverNamed(word: string): ServerName {
  if (word === 'primary' || word === 'secondary') return word;
  throw new InvalidArgumentError(cliFaults.LS_CLI_SERVER(word));
}

const gathered = (value: string, before: readonly string[]): readonly string[] => [...before, value];

/** `profiles/<name>/<server>/<kind>.yaml`; a name with a slash is a directory of one's own. */
export function profileFile(
  server: ServerName,
  { profile, kind }: Pick<TargetOptions, 'profile' | 'kind'>,
): string {
  const directory = profile.includes('/') ? resolve(profile) : join(projectDirectory, 'profiles', profile);
  return join(directory, server, `${kind}.yaml`);
}

export const profileOf = (
  server: ServerName,
  options: TargetOptions,
  purpose: ProfileRequest['purpose'],
): Promise<Profile> =>
  loadProfile({
    file: profileFile(server, options),
    server,
    home: homeDirectory(process.env),
    sets: options.set,
    purpose,
  });

/** The admin APIs of both servers, as the one profile names them. */
export function clientsOf(profile: Profile): { own: AdminClient; peer: AdminClient } {
  const { secret } = profile.pair;
  return {
    own: new AdminClient({ host: reachable(profile.admin.host), port: profile.admin.port, secret }),
    peer: new AdminClient({ host: profile.peer.host, port: profile.peer.adminPort, secret }),
  };
}

/** A server that listens on every address is asked on loopback. */
const reachable = (host: string): string => (host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host);
