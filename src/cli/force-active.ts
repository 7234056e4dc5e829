/**
 * `lockstep force-active`: an operator's word in place of the record's. Shows what is known, asks whether the other server is switched
 * off, and wants it typed. Source: PROTOCOL.md §2 Force, §6.
 */
import { hostname, userInfo } from 'node:os';
import { createInterface } from 'node:readline';
import type { Command } from 'commander';
import { CliFault, cliFaults } from './faults.ts';
import { exitCode } from './exit-codes.ts';
import { pairStatus } from './status.ts';
import { statusScreen } from './status-screen.ts';
import {
  clientsOf,
  onServer,
  otherServer,
  profileOf,
  type ServerName,
  type TargetOptions,
} from './target.ts';

type ForceOptions = TargetOptions & Readonly<{ why: string; confirm?: string }>;

export function addForceActive(program: Command): void {
  onServer(program, 'force-active', 'makes a server serve though the record does not allow it: a last resort')
    .requiredOption('--why <text>', 'the reason; it stays in the record for good')
    .option('--confirm <words>', 'the confirmation, for scripts: what would be typed')
    .action(async (server: ServerName, options: ForceOptions) => {
      const { own, peer } = clientsOf(await profileOf(server, options, 'look'));
      console.log(statusScreen(await pairStatus(server, own, peer)));
      const words = `${otherServer(server)} is off`;
      if ((options.confirm ?? (await typed(question(server, words)))) !== words)
        throw new CliFault('LS_CLI_CONFIRM', cliFaults.LS_CLI_CONFIRM(words), exitCode('refused'));
      const report = await own.forceActive({ by: `${userInfo().username}@${hostname()}`, why: options.why });
      if (report.kind === 'done') {
        console.log(`${report.nowServing} serves now, by force, in epoch ${report.epoch}`);
      } else {
        console.error(
          `force-active ${report.kind === 'refused' ? 'is refused' : 'failed'}: ${report.why} [${report.code}]`,
        );
        process.exitCode = exitCode('refused');
      }
    });
}

const question = (server: ServerName, words: string): string => {
  const other = otherServer(server);
  return [
    '',
    `You are about to make ${server} serve although the record does not allow it.`,
    `Whatever only ${other} has stored is then lost; if ${other} still runs, two servers may serve at once.`,
    `Is ${other} switched off, and will it stay off until you have looked at its store?`,
    `If so, type: ${words}`,
    '> ',
  ].join('\n');
};

/** One line from the terminal or from a pipe; empty when there is none. */
async function typed(prompt: string): Promise<string> {
  process.stdout.write(prompt);
  const lines = createInterface({ input: process.stdin });
  try {
    for await (const line of lines) return line.trim();
    return '';
  } finally {
    lines.close();
    process.stdin.unref();
  }
}
