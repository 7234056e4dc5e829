/** Profiles as operators write them: what is taken, what is refused, and where each fault is said to be. Source: the operator's guide. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { loadProfile, ProfileRefused, projectDirectory, type Profile } from '../../src/profile/index.ts';

const GOOD = `
server: primary
pair: { name: test, secret: not-for-anybody-else }
peer: { host: 127.0.0.1, port: 7302 }
backchannel: { port: 7301 }
lock: { file: share/lock.lck }
gateway: { host: 127.0.0.1 }
store: { path: store }
`;

type Asked = Readonly<{ text: string; sets?: readonly string[]; purpose?: 'run' | 'look' }>;

async function load({
  text,
  sets = [],
  purpose = 'look',
}: Asked): Promise<{ profile: Profile; home: string }> {
  const home = await mkdtemp(join(tmpdir(), 'lockstep-profile-'));
  onTestFinished(() => rm(home, { recursive: true }));
  await mkdir(join(home, 'share'));
  const file = join(home, 'peer.yaml');
  await writeFile(file, text);
  return { profile: await loadProfile({ file, server: 'primary', home, sets, purpose }), home };
}

/** Each fault as `line:column text`, or `--set text`. */
async function faultsOf(asked: Asked): Promise<string[]> {
  const error: unknown = await load(asked).then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ProfileRefused)) throw new Error(`not refused: ${String(error)}`);
  return error.faults.map(({ where, text }) => `${where.replace(/^.*peer\.yaml:/, '')} ${text}`);
}

test.each(['haprofile1', 'haprofile2'])(
  '%s, as shipped, loads for both servers, and they find each other',
  async (name) => {
    const [primary, secondary] = await Promise.all(
      (['primary', 'secondary'] as const).map((server) =>
        loadProfile({
          file: join(projectDirectory, 'profiles', name, server, 'peer.yaml'),
          server,
          home: '/home',
          sets: [],
          purpose: 'look',
        }),
      ),
    );
    expect(primary?.pair).toEqual(secondary?.pair);
    expect(primary?.lock).toEqual(secondary?.lock);
    expect(primary?.store.path).not.toBe(secondary?.store.path);
    expect([primary?.peer.port, primary?.peer.clientPort, primary?.peer.adminPort]).toEqual([
      secondary?.backchannel.port,
      secondary?.listeners.mqtt.port,
      secondary?.admin.port,
    ]);
    for (const [one, other] of [
      [primary, secondary],
      [secondary, primary],
    ] as const)
      expect([one?.peer.clientMqttsPort, one?.peer.clientWsPort, one?.peer.clientWssPort]).toEqual([
        other?.listeners.mqtts.port,
        other?.listeners.ws.port,
        other?.listeners.wss.port,
      ]);
    expect([secondary?.peer.port, secondary?.peer.clientPort, secondary?.peer.adminPort]).toEqual([
      primary?.backchannel.port,
      primary?.listeners.mqtt.port,
      primary?.admin.port,
    ]);
  },
);

test('haprofile1 has the ports and the lock file that the quick start names', async () => {
  const load = (server: 'primary' | 'secondary') =>
    loadProfile({
      file: join(projectDirectory, 'profiles/haprofile1', server, 'peer.yaml'),
      server,
      home: '/home',
      sets: [],
      purpose: 'look',
    });
  const ports = ({ listeners, backchannel, admin }: Profile) => [
    listeners.mqtt.port,
    backchannel.port,
    admin.port,
  ];
  expect(ports(await load('primary'))).toEqual([1883, 7301, 8301]);
  expect(ports(await load('secondary'))).toEqual([1884, 7302, 8302]);
  expect((await load('primary')).lock.file).toBe('/home/share/lock.lck');
});

test('relative paths are below LOCKSTEP_HOME, and what is not given has its default', async () => {
  const { profile, home } = await load({ text: GOOD, purpose: 'run' });
  expect(profile.lock.file).toBe(join(home, 'share/lock.lck'));
  expect(profile.store.path).toBe(join(home, 'store'));
  expect(profile.timing.pingInterval).toBe(500);
  expect(profile.log.file).toBe('');
});

test('a profile is frozen through and through', async () => {
  const { profile } = await load({ text: GOOD });
  expect(Object.isFrozen(profile) && Object.isFrozen(profile.listeners.mqtt)).toBe(true);
});

test('all faults come at once, in order, each with line, column, key, what was found and what is wanted', async () => {
  const text = `
server: primary
pair: { name: test, secret: s }
peer: { host: 127.0.0.1, prot: 7302 }
backchannel: { port: "7301" }
lock: { file: gone/lock.lck }
gateway: { host: 127.0.0.1 }
timing:
  pingInterval: 7
  passiveLockAcquisitionInterval: 2000.5
log:
  level: loud
`;
  expect(
    (await faultsOf({ text, purpose: 'run' })).map((line) => line.replace(/\/\S*\/gone/, '…/gone')),
  ).toEqual([
    '1:1 store.path: missing, wanted a path',
    '4:26 peer.prot: unknown key; did you mean peer.port?',
    '5:22 backchannel.port: found "7301", wanted a port from 1 to 65535',
    '6:15 lock.file: found …/gone/lock.lck, whose directory is missing, wanted a file on a share that is mounted',
    '9:17 timing.pingInterval: found 7, wanted a number of milliseconds from 20 to 60000',
    '10:35 timing.passiveLockAcquisitionInterval: found 2000.5, wanted a number of milliseconds from 21 to 1800000',
    '12:10 log.level: found "loud", wanted one of error, warn, info, debug',
  ]);
});

test('the passive must wait more than twice as long as the active (PROTOCOL.md §4.3), and the active by halves of a ping', async () => {
  const text = `${GOOD}timing:\n  activeLockReacquisitionInterval: 900\n  passiveLockAcquisitionInterval: 1800\n  unknown: 1\n`;
  expect(await faultsOf({ text })).toEqual([
    '10:36 timing.activeLockReacquisitionInterval: found 900, wanted a multiple of pingInterval/2 (250 ms)',
    '11:35 timing.passiveLockAcquisitionInterval: found 1800, wanted more than twice activeLockReacquisitionInterval (more than 1800 ms)',
    '12:3 timing.unknown: unknown key; `lockstep options` lists all',
  ]);
});

test('--set overrides a key for one run, and is judged like the file', async () => {
  const sets = ['timing.pingInterval=250', 'journal.retain=1 GiB', 'lock.file=share/a b=c.lck', 'mqtt={}'];
  const { profile, home } = await load({ text: GOOD, sets, purpose: 'run' });
  expect(profile.timing.pingInterval).toBe(250);
  expect(profile.journal.retain).toBe(1024 ** 3);
  expect(profile.lock.file).toBe(join(home, 'share/a b=c.lck'));
  const wrong = [
    'timing.pingIntervall=1',
    'admin.port=no',
    'log=5',
    'pair.name=',
    'nonsense',
    '__proto__.port=1',
  ];
  expect(await faultsOf({ text: GOOD, sets: wrong })).toEqual([
    '--set found "nonsense", wanted key=value, as timing.pingInterval=250',
    '--set pair.name: found "", wanted text',
    '--set admin.port: found "no", wanted a port from 1 to 65535',
    '--set log: found 5, wanted keys of its own below it',
    '--set timing.pingIntervall: unknown key; did you mean timing.pingInterval?',
    '--set __proto__: unknown key; `lockstep options` lists all',
  ]);
});

test('what is not yet available is refused with that sentence, not ignored', async () => {
  const text = `${GOOD}kind: enterprise\nenterprise:\n  primaryUrl: x\nrepositories:\n  components: { sync: full }\n`;
  expect(await faultsOf({ text })).toEqual([
    '9:7 kind: enterprise: not yet available (a later version); take it out',
    '11:3 enterprise.primaryUrl: not yet available (the primary of the enterprise pair that keeps the configuration of this peer server); take it out',
    '13:17 repositories.components.sync: not yet available (how components are copied to the other server: full, partial or none); take it out',
  ]);
});

test('a key given twice and bad YAML are refused with their place', async () => {
  expect(await faultsOf({ text: `${GOOD}store: { path: other }\n` })).toEqual([
    '9:1 not YAML: Map keys must be unique',
  ]);
  expect((await faultsOf({ text: 'server: [primary\n' }))[0]).toMatch(/^\d+:\d+ not YAML: /);
  expect((await faultsOf({ text: '- a list\n' }))[0]).toBe('1:1 not YAML: a profile is keys and values');
});

test("the other server's profile is refused", async () => {
  const text = GOOD.replace('server: primary', 'server: secondary');
  expect(await faultsOf({ text })).toEqual([
    '2:9 server: found "secondary", wanted primary, for whom this profile is',
  ]);
});

test('two listeners of one server want two ports', async () => {
  const text = GOOD.replace('port: 7301', 'port: 1883');
  expect(await faultsOf({ text })).toEqual([
    '5:22 backchannel.port: found 1883, wanted a port of its own: listeners.mqtt.port has that one',
  ]);
});

test('a listener that is switched off takes no port; one that is switched on wants one of its own', async () => {
  const sets = ['listeners.ws.port=1883'];
  await load({ text: GOOD, sets });
  expect(await faultsOf({ text: GOOD, sets: [...sets, 'listeners.ws.enabled=true'] })).toEqual([
    '--set listeners.ws.port: found 1883, wanted a port of its own: listeners.mqtt.port has that one',
  ]);
  await load({ text: GOOD, sets: [...sets, 'listeners.ws.enabled=true', 'listeners.mqtt.enabled=false'] });
});

test('listeners and certificates fit together, or each key that is wanted is named', async () => {
  const faults = (...sets: string[]) => faultsOf({ text: GOOD, sets });
  expect(await faults('listeners.mqtt.enabled=false')).toEqual([
    '--set listeners.mqtt.enabled: found false, wanted true, or another listener enabled',
  ]);
  expect(await faults('listeners.ws.path=mqtt')).toEqual([
    '--set listeners.ws.path: found "mqtt", wanted a path that begins with /',
  ]);
  expect(
    (await faults('listeners.wss.enabled=true', 'tls.clientCertificates=required')).map(wantedIn),
  ).toEqual([
    'tls.certificateFile: found "", wanted a file: listeners.wss is enabled',
    'tls.keyFile: found "", wanted a file: listeners.wss is enabled',
    'tls.clientCaFile: found "", wanted a file: tls.clientCertificates is required',
  ]);
  const files = ['tls.certificateFile=a.crt', 'tls.keyFile=a.key'];
  const { profile, home } = await load({ text: GOOD, sets: ['listeners.mqtts.enabled=true', ...files] });
  expect(profile.tls.certificateFile).toBe(join(home, 'a.crt'));
  expect(profile.tls.clientCaFile).toBe('');
});

/** Without the place. */
const wantedIn = (fault: string): string => fault.replace(/^\S+ /, '');

test('the shipped secret is refused for a pair that others can reach, and no secret is ever shown', async () => {
  const shipped = await readFile(join(projectDirectory, 'profiles/haprofile1/primary/peer.yaml'), 'utf8');
  const faults = await faultsOf({
    text: shipped,
    sets: ['peer.host=10.0.0.2', 'pair.secret=shipped-with-lockstep-change-me'],
  });
  expect(faults).toHaveLength(1);
  expect(faults[0]).toContain('--set pair.secret: found the secret of the shipped profiles');
  expect((await faultsOf({ text: GOOD.replace('not-for-anybody-else', '12345') })).join()).not.toContain(
    '12345',
  );
});

test('a profile that is not there is named', async () => {
  await expect(
    loadProfile({ file: '/nowhere/peer.yaml', server: 'primary', home: '/', sets: [], purpose: 'look' }),
  ).rejects.toThrow("/nowhere/peer.yaml can't be read (there is no such file)");
});
