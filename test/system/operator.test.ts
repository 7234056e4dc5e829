/** What an operator types, and what comes back: sentences, exit codes, files. Source: house §9 (options), docs/OPERATING.md (exit codes); PROTOCOL.md §2 None. */
import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, watch, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { ServerStatus, Verdict } from '../../src/admin/index.ts';
import type { ServerName } from '../../src/core/pair/index.ts';
import { projectDirectory } from '../../src/profile/index.ts';
import { SECRET, ServerUnderTest, type PairUnderTest } from './pair.ts';
import { freshPair, protectedPair, standalone, Traffic } from './traffic.ts';

type Report = Record<ServerName, { verdict: Verdict; status: ServerStatus | null }>;

/** `lockstep status --json`, parsed. The shape is what `status` prints. */
async function report(
  pair: PairUnderTest,
  name: ServerName,
): Promise<{ code: number | string; report: Report }> {
  const { code, output } = await pair.run('status', name, ['--json']);
  return { code, report: JSON.parse(output) as Report };
}

/** Fulfils when something called `name` comes into `directory`, which is watched from now on. */
async function beginning(directory: string, name: string): Promise<void> {
  for await (const { filename } of watch(directory, { signal: AbortSignal.timeout(15_000) }))
    if (filename === name) return;
}

describe('lockstep status', () => {
  test('of a protected pair: exit code 0, both columns, and JSON that says the same', async () => {
    const { pair, active, passive } = await protectedPair();
    const { code, output } = await pair.run('status', passive);
    expect(code, output).toBe(0);
    expect(output).toMatch(/verdict +protected +protected/);
    expect(output).toMatch(/state +ACTIVE +PASSIVE/);
    expect(output).toMatch(/lock +held +not held/);
    expect(output).toMatch(/in sync +primary, secondary +primary, secondary/);
    const json = await report(pair, active);
    expect(json.code).toBe(0);
    expect(json.report[active]).toMatchObject({
      verdict: { kind: 'protected' },
      status: { state: 'ACTIVE' },
    });
    expect(json.report[passive].status).toMatchObject({ state: 'PASSIVE', isNamed: true });
  });

  test('of one that serves alone: exit code 10, with the silence of the other said', async () => {
    const { pair, alone, stopped } = await standalone();
    const { code, output } = await pair.run('status', stopped);
    expect(code, output).toBe(10);
    expect(output).toContain('running alone since');
    expect(output).toContain('does not answer');
    const json = await report(pair, alone);
    expect(json).toMatchObject({ code: 10, report: { [alone]: { verdict: { kind: 'alone' } } } });
    expect(json.report[stopped].status).toBeNull();
  });

  test('of one that waits for its peer: exit code 11 and the reason; of none that runs: exit code 6', async () => {
    const pair = await freshPair();
    expect((await pair.run('status', 'primary')).code).toBe(6);
    pair.start('secondary');
    await pair
      .server('secondary')
      .line(/does not serve: a new pair is founded by both servers together, or by one told --new-pair/);
    const { code, output } = await pair.run('status', 'secondary');
    expect(code, output).toBe(11);
    expect(output).toMatch(/not serving: a new pair is founded/);
  });
});

describe('lockstep stop', () => {
  test('of the active ends its process with 0, and says that the other serves now', async () => {
    const { pair, active, passive } = await protectedPair();
    const { code, output } = await pair.run('stop', active, ['--why', 'new memory']);
    expect({ code, output }).toEqual({
      code: 0,
      output: `${active} has stopped (process ${pair.server(active).pid}); ${passive} serves (STANDALONE)`,
    });
    expect(await pair.server(active).ended).toBe(0);
    const told = {
      [active]: 'switched to STOPPED (from ACTIVE: new memory)',
      [passive]: 'is DEAD: it has stopped: new memory',
    };
    for (const name of [active, passive]) expect(pair.server(name).lines.join('\n')).toContain(told[name]);
    expect((await pair.run('stop', active)).code).toBe(6);
  });

  test('of the only one that serves: it says so before it does it, and afterwards that nobody serves', async () => {
    const { pair, alone, stopped } = await standalone();
    const { code, output } = await pair.run('stop', alone);
    expect(code, output).toBe(0);
    expect(output).toMatch(
      new RegExp(
        `^nobody serves once ${alone} has stopped: ${stopped} does not answer.*\\n.*so nobody serves$`,
      ),
    );
  });

  test('by SIGTERM just after its start, in the midst of its rehearsal: it ends with 0 and leaves nothing of that in its store', async () => {
    const pair = await freshPair();
    const store = pair.storePath('primary');
    await mkdir(store, { recursive: true });
    const begins = beginning(store, 'rehearsal');
    const server = pair.start('primary');
    await begins;
    server.kill('SIGTERM');
    expect(await server.ended).toBe(0);
    expect(await readdir(store)).not.toContain('rehearsal');
  });
});

describe('a start is refused', () => {
  test('of a second server on the same store: exit code 4, with the process that has it', async () => {
    const pair = await freshPair();
    pair.start('primary');
    await pair.reaches('primary', 'WAITING');
    const elsewhere = (await freshPair()).ports.primary;
    const { code, output } = await pair.run('serve', 'primary', [
      ...['--set', `listeners.mqtt.port=${elsewhere.mqtt}`],
      ...['--set', `admin.port=${elsewhere.admin}`],
      ...['--set', `backchannel.port=${elsewhere.backchannel}`],
    ]);
    expect(code, output).toBe(4);
    expect(output).toMatch(
      new RegExp(`in use by process ${pair.server('primary').pid};.*\\[LS_STORE_BUSY\\]`),
    );
    expect(await pair.state('primary')).toBe('WAITING');
  });

  test('with a port taken: exit code 4, and the sentence names the key', async () => {
    const { pair, alone, stopped } = await standalone();
    for (const [key, port, fault] of [
      ['listeners.mqtt.port', 'mqtt', 'LS_PORT_BUSY'],
      ['backchannel.port', 'backchannel', 'LS_CHANNEL_PORT'],
      ['admin.port', 'admin', 'LS_ADMIN_PORT'],
    ] as const) {
      const { code, output } = await pair.run('serve', stopped, [
        '--set',
        `${key}=${pair.ports[alone][port]}`,
      ]);
      expect(code, output).toBe(4);
      expect(output).toContain(key);
      expect(output).toContain(`[${fault}]`);
    }
    expect(await pair.state(alone)).toBe('STANDALONE');
  });

  test('with a wrong profile: exit code 3, all faults at once, each with file, line and column', async () => {
    const pair = await freshPair();
    const directory = await mkdtemp(join(tmpdir(), 'lockstep-profile-'));
    onTestFinished(() => rm(directory, { recursive: true }));
    await cp(join(projectDirectory, 'profiles/haprofile1'), directory, { recursive: true });
    const file = join(directory, 'primary/peer.yaml');
    const lines = (await readFile(file, 'utf8')).split('\n');
    const place = (key: string, value: string): string => {
      const line = lines.findIndex((text) => text.trimStart().startsWith(`${key}:`));
      const column = (lines[line] ?? '').search(/\S/) + 1;
      lines[line] = `${' '.repeat(column - 1)}${value}`;
      return `${file}:${line + 1}:${column}`;
    };
    const valueAt = (key: string, value: string): string => {
      const [, at = '', column = ''] = /^(.*):(\d+)$/.exec(place(key, `${key}: ${value}`)) ?? [];
      return `${at}:${Number(column) + key.length + 2}`;
    };
    const faults = [
      [
        place('gatewayProbes', 'gatewayProbe: 3'),
        /timing\.gatewayProbe: unknown key; did you mean timing\.gatewayProbes\?/,
      ],
      [
        valueAt('connectTimeout', 'soon'),
        /mqtt\.connectTimeout: found "soon", wanted a number of milliseconds/,
      ],
      [valueAt('diskTimeout', '7'), /timing\.diskTimeout: found 7, wanted a number of milliseconds from 100/],
      [valueAt('segmentSize', '12 bananas'), /journal\.segmentSize: found "12 bananas", wanted a size/],
    ] as const;
    await writeFile(file, lines.join('\n'));
    const { code, output } = await pair.run('serve', 'primary', ['--profile', directory]);
    expect(code, output).toBe(3);
    const told = output.split('\n');
    for (const [where, what] of faults)
      expect(
        told.some((line) => line.startsWith(where) && what.test(line)),
        `${where} ${String(what)} in\n${output}`,
      ).toBe(true);
    expect(told.filter((line) => line.startsWith(file))).toHaveLength(faults.length);
  });

  test('with a wrong --set: exit code 3, and it is told as what it is, without the secret', async () => {
    const pair = await freshPair();
    const { code, output } = await pair.run('serve', 'primary', [
      ...['--set', 'timing.peerTimeout=never'],
      ...['--set', 'timing.pingIntervall=5'],
      ...['--set', 'nonsense'],
    ]);
    expect(code, output).toBe(3);
    expect(output).toMatch(/--set: timing\.peerTimeout: found "never", wanted/);
    expect(output).toMatch(/--set: timing\.pingIntervall: unknown key; did you mean timing\.pingInterval\?/);
    expect(output).toMatch(/--set: found "nonsense", wanted key=value/);
    expect(output).not.toContain(SECRET);
  });
});

test('a wrong secret on one side: each refuses the other, warns once, and nobody serves', async () => {
  const pair = await freshPair();
  pair.own.secondary.push('pair.secret=another-secret-of-thirty-letters');
  pair.start('primary');
  pair.start('secondary');
  for (const name of ['primary', 'secondary'] as const)
    await pair.server(name).line(/WARN .*doesn't know this pair's secret.*\[LS_CHANNEL_SECRET\]/);
  // Both have dialled every 50 ms since; the reason for which they wait comes after startupWait, more than ten dials later.
  for (const name of ['primary', 'secondary'] as const)
    await pair.server(name).line(/does not serve: a new pair is founded/);
  for (const name of ['primary', 'secondary'] as const) {
    const { lines } = pair.server(name);
    expect(
      lines.filter((line) => line.includes('LS_CHANNEL_SECRET')),
      lines.join('\n'),
    ).toHaveLength(1);
    for (const secret of ['another-secret', SECRET]) expect(lines.join('\n')).not.toContain(secret);
    expect(pair.server(name).states()).toEqual(['WAITING']);
  }
});

test('who offers itself to a serving server with a wrong secret, or as one of another pair, is refused with the cause, and clients notice nothing (Fence)', async () => {
  const { pair, alone, stopped } = await standalone();
  const traffic = await Traffic.start(pair, 300);
  const from = pair.server(alone).lines.length;
  for (const [set, fault] of [
    ['pair.secret=another-secret-of-thirty-letters', 'LS_CHANNEL_SECRET'],
    ['pair.name=another-pair', 'LS_CHANNEL_PAIR_NAME'],
  ] as const) {
    pair.start(stopped, ['--set', set]);
    await pair.server(alone).line(new RegExp(`WARN .*\\[${fault}\\]`), from);
    await pair.server(stopped).line(/does not serve/);
    expect(pair.server(stopped).states()).toEqual(['WAITING']);
    pair.server(stopped).kill('SIGTERM');
    await pair.server(stopped).ended;
  }
  expect(pair.server(alone).states(from)).toEqual([]);
  await traffic.judged();
  pair.start(stopped);
  expect(await pair.protected()).toEqual({ active: alone, passive: stopped });
});

test('--new-pair: a server that never had a peer founds a pair and serves alone, and the other joins it later (None)', async () => {
  const pair = await freshPair();
  pair.start('secondary', ['--new-pair']);
  await pair.reaches('secondary', 'STANDALONE');
  pair.start('primary');
  expect(await pair.protected()).toEqual({ active: 'secondary', passive: 'primary' });
});

test('scripts/server.sh: both in the background, status, switchover, stop, and no pid file is left', async () => {
  const pair = await freshPair();
  const script = async (
    name: ServerName,
    ...words: string[]
  ): Promise<{ code: number | string; output: string }> => {
    const sets = pair.settings(name).flatMap((set) => ['--set', set]);
    const child = spawn(join(projectDirectory, 'scripts/server.sh'), [name, ...words, ...sets], {
      env: pair.environment,
    });
    const run = new ServerUnderTest(name, child);
    return { code: await run.ended, output: run.lines.join('\n') };
  };
  const pidFile = (name: ServerName): Promise<string> =>
    readFile(join(pair.home, `haprofile1-${name}-peer.pid`), 'utf8');
  onTestFinished(async () => {
    for (const name of ['primary', 'secondary'] as const) {
      const pid = Number(await pidFile(name).catch(() => '0'));
      if (pid > 0) process.kill(pid, 'SIGKILL');
    }
  });
  for (const name of ['primary', 'secondary'] as const) {
    const { code, output } = await script(name, 'start', '--daemon');
    expect(code, output).toBe(0);
    expect(output).toContain(`${name} runs in the background as process ${(await pidFile(name)).trim()}`);
  }
  const { active, passive } = await pair.protected();
  expect(await script(active, 'start', '--daemon')).toMatchObject({
    code: 4,
    output: expect.stringContaining('runs already') as string,
  });
  expect(await script(active, 'status')).toMatchObject({
    code: 0,
    output: expect.stringContaining('protected') as string,
  });
  const switched = await script(active, 'switchover');
  expect(switched).toMatchObject({
    code: 0,
    output: expect.stringMatching(new RegExp(`${passive} serves now`)) as string,
  });
  expect(await pair.protected()).toEqual({ active: passive, passive: active });
  expect(await script(passive, 'stop')).toMatchObject({
    code: 0,
    output: expect.stringContaining(`${active} serves (STANDALONE)`) as string,
  });
  expect(await script(active, 'stop')).toMatchObject({
    code: 0,
    output: expect.stringContaining('nobody serves') as string,
  });
  for (const name of ['primary', 'secondary'] as const)
    await expect(pidFile(name)).rejects.toMatchObject({ code: 'ENOENT' });
});
