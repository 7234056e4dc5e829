/** `lockstep serve`: one server in the foreground. What runs it is loaded only here, so that the other commands start at once. */
import type { Command } from 'commander';
import { onServer, profileOf, type ServerName, type TargetOptions } from './target.ts';

type ServeOptions = TargetOptions & Readonly<{ newPair: boolean }>;

export function addServe(program: Command): void {
  onServer(program, 'serve', 'runs one server in the foreground')
    .option(
      '--new-pair',
      'lets a server that never had a peer found a pair of its own and serve alone',
      false,
    )
    .action(async (server: ServerName, options: ServeOptions) => {
      const profile = await profileOf(server, options, 'run');
      const { serve } = await import('./serving.ts');
      const code = await serve(profile, options.newPair);
      // A call that hangs in the share must not keep a process that has stopped.
      process.exit(code);
    });
}
