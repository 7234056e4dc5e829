/** A password from whoever types it, or from a pipe; never from the command line, where everybody on the machine can read it. */
import { createInterface, type Interface } from 'node:readline';
import { Writable } from 'node:stream';
import { CliFault, cliFaults } from './faults.ts';
import { exitCode } from './exit-codes.ts';

const BYTES_MAX = 1024;

/** `isPiped`: all of standard input, without the end of its line. Else it is asked for twice, and not shown. */
export async function typedPassword(name: string, isPiped: boolean): Promise<string> {
  if (isPiped) return checked((await wholeInput()).replace(/\r?\n$/, ''));
  if (!process.stdin.isTTY)
    throw fault(
      'there is no terminal to ask on; give it with --password-stdin, or let one be made with --generate',
    );
  const [password = '', again = ''] = await hidden([`Password for ${name}: `, 'Again: ']);
  if (again !== password) throw fault('the two are not the same');
  return checked(password);
}

function checked(password: string): string {
  if (password === '') throw fault('an empty password is none');
  if (/[\r\n\0]/.test(password)) throw fault('a password is one line');
  if (Buffer.byteLength(password) > BYTES_MAX) throw fault(`a password has at most ${BYTES_MAX} bytes`);
  return password;
}

const fault = (why: string): CliFault =>
  new CliFault('LS_CLI_PASSWORD', cliFaults.LS_CLI_PASSWORD(why), exitCode('usage'));

async function wholeInput(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

/** A line for each prompt. readline edits it and shows it on its output, which is nowhere. */
async function hidden(prompts: readonly string[]): Promise<string[]> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  // From here to its end the terminal shows nothing of itself, also of what is typed before a prompt is there.
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true, historySize: 0 });
  try {
    const typed: string[] = [];
    for (const prompt of prompts) {
      process.stderr.write(prompt);
      typed.push(await nextLine(lines));
      process.stderr.write('\n');
    }
    return typed;
  } finally {
    lines.close();
  }
}

const nextLine = (lines: Interface): Promise<string> =>
  new Promise((resolve, reject) => {
    lines.once('line', resolve);
    lines.once('SIGINT', () => reject(fault('interrupted; nothing was done')));
    lines.once('close', () => reject(fault('the input has ended; nothing was done')));
  });
