/** `lockstep reload`: a server reads its certificates anew; connections that stand go on as they are. */
import type { Command } from 'commander';
import { exitCode } from './exit-codes.ts';
import { clientsOf, onServer, profileOf, type ServerName, type TargetOptions } from './target.ts';

export function addReload(program: Command): void {
  onServer(program, 'reload', 'reads the certificates anew, without a restart; ask both servers')
    .option('--why <text>', 'the reason, for the console', 'asked for by an operator')
    .action(async (server: ServerName, options: TargetOptions & { why: string }) => {
      const { own } = clientsOf(await profileOf(server, options, 'look'));
      const report = await own.reload(options.why);
      if (report.kind === 'done') {
        console.log(`${server} has read its certificates anew; new connections get them`);
      } else {
        console.error(`${server} goes on as before: ${report.why} [${report.code}]`);
        process.exitCode = exitCode('refused');
      }
    });
}
