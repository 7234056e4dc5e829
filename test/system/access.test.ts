/** Users and rules as an operator sets them and as Debian's clients meet them, before and after a takeover. Source: MQTT 3.1.1 §5.4; docs/OPERATING.md. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import type { ServerName } from '../../src/core/pair/index.ts';
import type { PairUnderTest } from './pair.ts';
import { freshPair, protectedPair } from './traffic.ts';

const isThere = (program: string): boolean => spawnSync(program, ['--help']).error === undefined;
const isInstalled = isThere('mosquitto_pub') && isThere('mosquitto_sub');
const REASON = isInstalled ? '' : ' (skipped: apt-get install mosquitto-clients)';

const PASSWORD = 'a-password-Ünlike-any-other';
const GUESS = 'a-guess-that-nobody-made-before';

type Client = Readonly<{
  lines: string[];
  says: (text: string) => Promise<void>;
  ended: Promise<number | null>;
}>;

function client(pair: PairUnderTest, name: ServerName, program: string, words: readonly string[]): Client {
  const address = ['-h', '127.0.0.1', '-p', String(pair.ports[name].mqtt)];
  const child = spawn('stdbuf', ['-oL', program, ...address, ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines: string[] = [];
  const printed = createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  createInterface({ input: child.stderr }).on('line', (line) => lines.push(line));
  const says = async (text: string): Promise<void> => {
    while (!lines.some((line) => line.includes(text))) await once(printed, 'line');
  };
  return { lines, says, ended: once(child, 'close').then(() => child.exitCode) };
}

/** The exit code of one message with QoS 1: 0, or the code of the CONNACK. */
const publishes = (
  pair: PairUnderTest,
  name: ServerName,
  login: readonly string[],
  topic: string,
): Promise<number | null> =>
  client(pair, name, 'mosquitto_pub', ['-q', '1', '-t', topic, '-m', 'm', ...login]).ended;

/** Every file below, as bytes. */
async function filesBelow(directory: string): Promise<[string, Buffer][]> {
  const found: [string, Buffer][] = [];
  for (const entry of await readdir(directory, { withFileTypes: true, recursive: true }))
    if (entry.isFile()) {
      const path = join(entry.parentPath, entry.name);
      found.push([path, await readFile(path)]);
    }
  return found;
}

test.skipIf(!isInstalled)(
  `users and rules hold on whichever server serves, through kill -9, and no password is in any line or file${REASON}`,
  async () => {
    const { pair, active, passive } = await protectedPair(['access.anonymous=deny', 'log.level=debug']);
    const told: string[] = [];
    const run = async (
      name: ServerName,
      command: string,
      words: readonly string[],
      typed = '',
    ): Promise<string> => {
      const { code, output } = await pair.run(command, name, words, typed);
      expect(code, `${command} ${words.join(' ')}: ${output}`).toBe(0);
      told.push(output);
      return output;
    };
    // Asked of the one that does not serve: the other obeys.
    await run(passive, 'user add', ['ann', '--password-stdin'], `${PASSWORD}\n`);
    const made = (await run(active, 'user add', ['device', '--generate'])).split('\n').at(-1) ?? '';
    expect(made).toMatch(/^[a-z2-9]{32}$/);
    expect(await run(passive, 'rule add', ['allow', 'ann', 'both', 'plant/#'])).toContain(
      'It is the only rule',
    );
    await run(active, 'rule add', ['allow', '*', 'publish', 'up/%u/%c', '--client-id', '%u-*']);
    await run(passive, 'rule add', ['deny', '*', 'subscribe', 'plant/secret/#']);

    const ann = ['-u', 'ann', '-P', PASSWORD];
    const device = ['-u', 'device', '-P', made];
    const look = async (name: ServerName): Promise<void> => {
      const watcher = client(pair, name, 'mosquitto_sub', [
        ...ann,
        '-i',
        'watcher',
        '-q',
        '1',
        '-d',
        '-t',
        'plant/a',
        '-t',
        'plant/#',
        '-F',
        'heard %t',
        '-W',
        '60',
      ]);
      await watcher.says('Subscribed (');
      expect(watcher.lines.find((line) => line.includes('Subscribed ('))).toMatch(/1, 128$/);
      expect({
        ann: await publishes(pair, name, ann, 'plant/a'),
        // Acknowledged, and dropped (MQTT-3.3.5-2).
        denied: await publishes(pair, name, ann, 'other'),
        device: await publishes(pair, name, [...device, '-i', 'device-7'], 'up/device/device-7'),
        wrong: await publishes(pair, name, ['-u', 'ann', '-P', GUESS], 'plant/a'),
        unknown: await publishes(pair, name, ['-u', GUESS, '-P', GUESS], 'plant/a'),
        anonymous: await publishes(pair, name, [], 'plant/a'),
      }).toEqual({ ann: 0, denied: 0, device: 0, wrong: 4, unknown: 4, anonymous: 5 });
      await watcher.says('heard plant/a');
      await pair.server(name).line(/LS_ACCESS_PUBLISH/);
    };
    await look(active);
    pair.server(active).kill('SIGKILL');
    await pair.reaches(passive, 'STANDALONE');
    await look(passive);

    // Asked of the one that is gone: the other obeys. A client of a user who is removed is disconnected at once.
    const waiting = client(pair, passive, 'mosquitto_sub', [
      ...ann,
      '-i',
      'waiting',
      '-t',
      'plant/b',
      '-d',
      '-W',
      '60',
    ]);
    await waiting.says('SUBACK');
    expect(await run(active, 'user list', [])).toBe('ann  (password, SCRAM)\ndevice  (password, SCRAM)');
    await run(active, 'user remove', ['ann']);
    await pair.server(passive).line(/LS_ACCESS_REVOKED/);
    expect(await publishes(pair, passive, ann, 'plant/a')).toBe(4);
    await pair.end();

    for (const secret of [PASSWORD, GUESS, made]) {
      const output = told.filter((it) => !it.includes(made)).join('\n');
      expect(
        `${pair.transcript().replaceAll(told.find((it) => it.includes(made)) ?? '', '')}${output}`,
      ).not.toContain(secret);
      for (const [path, bytes] of await filesBelow(pair.home))
        expect(bytes.includes(secret), path).toBe(false);
    }
  },
);

test('lockstep user and rule: what is wrong is said in a sentence with its code, and nothing is changed', async () => {
  const { pair, active, passive } = await protectedPair();
  const refused = async (
    command: string,
    words: readonly string[],
    typed = '',
  ): Promise<[number | string, string]> => {
    const { code, output } = await pair.run(command, passive, words, typed);
    return [code, /\[(LS_\w+)\]/.exec(output)?.[1] ?? output];
  };
  expect((await pair.run('user add', active, ['ann', '--password-stdin'], 'first')).code).toBe(0);
  const rule = ['allow', 'ann', 'both', "it's/%u/+"];
  expect((await pair.run('rule add', active, [...rule, '--client-id', 'c-*'])).code).toBe(0);
  const before = await pair.run('rule list', passive);
  expect(before.output).toBe("allow ann both 'it'\\''s/%u/+' --client-id 'c-*'");
  expect(await refused('user add', ['ann', '--password-stdin'], 'second')).toEqual([
    5,
    'LS_ACCESS_USER_THERE',
  ]);
  expect(await refused('user add', ['*', '--no-password'])).toEqual([5, 'LS_ACCESS_CHANGE']);
  expect(await refused('user add', ['bob', '--password-stdin', '--scram-iterations', '5'], 'x')).toEqual([
    5,
    'LS_ACCESS_CHANGE',
  ]);
  expect(await refused('user passwd', ['bob', '--password-stdin'], 'x')).toEqual([5, 'LS_ACCESS_NO_USER']);
  expect(await refused('user remove', ['bob'])).toEqual([5, 'LS_ACCESS_NO_USER']);
  expect(await refused('user add', ['bob'])).toEqual([2, 'LS_CLI_PASSWORD']);
  expect(await refused('user add', ['bob', '--password-stdin'], '\n')).toEqual([2, 'LS_CLI_PASSWORD']);
  expect(await refused('user add', ['bob', '--password-stdin'], 'two\nlines\n')).toEqual([
    2,
    'LS_CLI_PASSWORD',
  ]);
  expect(await refused('rule remove', rule)).toEqual([5, 'LS_ACCESS_NO_RULE']);
  expect(await refused('rule add', ['allow', 'ann', 'both', 'a/#/b'])).toEqual([5, 'LS_ACCESS_CHANGE']);
  expect((await refused('rule add', ['perhaps', 'ann', 'both', 'a']))[0]).toBe(2);
  expect((await pair.run('user list', passive)).output).toBe('ann  (password, SCRAM)');
  expect(await pair.run('rule list', passive)).toEqual(before);
  const last = await pair.run('rule remove', passive, [...rule, '--client-id', 'c-*']);
  expect(last).toMatchObject({ code: 0, output: expect.stringContaining('There is no rule left') as string });
});

test.skipIf(!isThere('script'))('a password that is typed is asked for twice and not shown', async () => {
  const pair = await freshPair();
  pair.start('primary', ['--new-pair']);
  await pair.reaches('primary', 'STANDALONE');
  const typedInto = async (...typed: readonly string[]): Promise<{ code: number | null; output: string }> => {
    const words = [process.execPath, ...pair.arguments('user add', 'primary', ['ann'])];
    const command = words.map((word) => `'${word}'`).join(' ');
    // A terminal of its own, as `script` makes one.
    const child = spawn('script', ['-qec', command, '/dev/null'], { env: pair.environment });
    onTestFinished(() => void child.kill('SIGKILL'));
    let output = '';
    const asked = [...typed];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (/(Password for ann|Again): $/.test(output)) child.stdin.write(`${asked.shift() ?? ''}\n`);
    });
    await once(child, 'close');
    return { code: child.exitCode, output };
  };
  const different = await typedInto('one-word', 'another');
  expect(different).toMatchObject({
    code: 2,
    output: expect.stringContaining('[LS_CLI_PASSWORD]') as string,
  });
  const done = await typedInto('one-word', 'one-word');
  expect(done).toMatchObject({ code: 0, output: expect.stringContaining('added user ann') as string });
  for (const { output } of [different, done]) expect(output).not.toMatch(/one-word|another$/m);
  expect((await pair.run('user list', 'primary')).output).toBe('ann  (password, SCRAM)');
});
