/** `lockstep switchover`: the server that serves drains and hands over to the other; either may be asked. */
import type { Command } from 'commander';
import { exitCode } from './exit-codes.ts';
import { clientsOf, onServer, profileOf, type ServerName, type TargetOptions } from './target.ts';

export function addSwitchover(program: Command): void {
  onServer(program, 'switchover', 'hands service over to the other server; ask either')
    .option('--why <text>', 'the reason, for both consoles', 'asked for by an operator')
    .action(async (server: ServerName, options: TargetOptions & { why: string }) => {
      const { own } = clientsOf(await profileOf(server, options, 'look'));
      const report = await own.switchover(options.why);
      if (report.kind === 'done') {
        console.log(`${report.nowServing} serves now; clients waited ${report.clientsWaitedMs} ms`);
      } else {
        console.error(
          `the switchover ${report.kind === 'refused' ? 'is refused' : 'failed'}: ${report.why} [${report.code}]`,
        );
        process.exitCode = exitCode('refused');
      }
    });
}
