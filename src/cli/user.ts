/** `lockstep user`: who may connect. What the servers keep of a password is made here; the password itself goes no further. */
import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { credentialFrom, generatedPassword } from '../io/passwords/index.ts';
import { changed, listed } from './access.ts';
import { typedPassword } from './password.ts';
import { onServer, type ServerName, type TargetOptions } from './target.ts';

type PasswordOptions = TargetOptions &
  Readonly<{ password?: boolean; passwordStdin: boolean; generate: boolean; scramIterations?: number }>;

export function addUser(program: Command): void {
  const user = program.command('user').description('users: who may connect; ask either server');
  withPassword(
    onServer(user, 'add', 'adds a user; its password is asked for').argument('<name>', "the user's name"),
  )
    .option('--no-password', 'a user that is known by its certificate alone')
    .action(async (server: ServerName, name: string, options: PasswordOptions) => {
      const { credential, made } = await newCredential(name, options);
      const done = await changed(
        server,
        options,
        { type: 'addUser', name, credential },
        `added user ${name}`,
      );
      if (done) tell(made);
    });
  withPassword(
    onServer(
      user,
      'passwd',
      'gives a user another password; clients that came with the old one are disconnected',
    ).argument('<name>', "the user's name"),
  ).action(async (server: ServerName, name: string, options: PasswordOptions) => {
    const { credential, made } = await newCredential(name, options);
    const change = { type: 'setPassword', name, credential } as const;
    if (await changed(server, options, change, `user ${name} has another password`)) tell(made);
  });
  onServer(user, 'remove', 'removes a user, and disconnects its clients')
    .argument('<name>', "the user's name")
    .action(async (server: ServerName, name: string, options: TargetOptions) => {
      await changed(server, options, { type: 'removeUser', name }, `removed user ${name}`);
    });
  onServer(user, 'list', 'lists the users and how each proves who it is').action(
    async (server: ServerName, options: TargetOptions) => {
      const { users } = await listed(server, options);
      if (users.length === 0) console.log('there are no users');
      for (const { name, hasPassword, hasScram } of users)
        console.log(
          `${name}  (${hasPassword ? `password${hasScram ? ', SCRAM' : ''}` : 'certificate only'})`,
        );
    },
  );
}

const withPassword = (command: Command): Command =>
  command
    .option('--password-stdin', 'takes the password from standard input', false)
    .option(
      '--generate',
      'makes a password that nobody guesses and servers check at once, and prints it',
      false,
    )
    .option('--scram-iterations <n>', 'for clients too slow for the usual number; at least 4096', iterations);

function iterations(word: string): number {
  if (/^\d+$/.test(word)) return Number(word);
  throw new InvalidArgumentError('it is a number.');
}

/** `made`: the password, where it was made here and has to be told. */
async function newCredential(
  name: string,
  { password: hasPassword = true, passwordStdin, generate, scramIterations }: PasswordOptions,
): Promise<{ credential: Awaited<ReturnType<typeof credentialFrom>>; made: string | null }> {
  if (!hasPassword) return { credential: { password: null, scram: null }, made: null };
  const made = generate ? generatedPassword() : null;
  const password = made ?? (await typedPassword(name, passwordStdin));
  const request = { password, isGenerated: generate, scramIterations: scramIterations ?? null };
  return { credential: await credentialFrom(request), made };
}

/** Alone on its line of standard output: for whoever sets up a device with it. */
const tell = (made: string | null): void => {
  if (made !== null) console.log(made);
};
