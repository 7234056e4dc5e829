/**
 * The built pair on real shares: small guests with real NFSv4 and SMB mounts, one server in each of two, a publisher and a durable subscriber
 * beside them, and a fault: kill -9, the cable cut, the machine frozen and woken, the share's server rebooted. Says how long clients waited and
 * whether anything acknowledged was lost. Needs root, the guest lab (a folder with lab.mjs and a built cache) and the load generator.
 *
 *     npm run build && LAB=…/nfs-lab MQLOAD=…/mqload NFS_LAB_CACHE=… npx tsx scripts/lab/shares.ts [--share nfs|smb] [--lease 10] [fault …]
 */
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

/** What is used of the lab's library. */
type Guest = {
  name: string;
  bootMs: number;
  sh(command: string, ms?: number): Promise<{ rc: number; out: string }>;
  ok(command: string, ms?: number): Promise<string>;
  cut(): void;
  heal(): void;
  pause(): Promise<unknown>;
  resume(): Promise<unknown>;
  kill(): Promise<void>;
  boot(): Promise<unknown>;
};
type Lab = { ns: string; guest(name: 'srv' | 'a' | 'b'): Promise<Guest>; close(): Promise<void> };

const FAULTS = ['kill9', 'cut', 'freeze', 'reboot'] as const;
type Fault = (typeof FAULTS)[number];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { share: { type: 'string', default: 'nfs' }, lease: { type: 'string', default: '10' } },
});
const lease = Number(values.lease);
const faults = FAULTS.filter((fault) => positionals.length === 0 || positionals.includes(fault));
const project = resolve(import.meta.dirname, '../..');
const mqload = process.env['MQLOAD'] ?? 'mqload';
const { Lab } = (await import(
  pathToFileURL(join(resolve(process.env['LAB'] ?? 'nfs-lab'), 'lab.mjs')).href
)) as {
  Lab: { create(options: { payload: string }): Promise<Lab> };
};

const sleep = (ms: number): Promise<void> => new Promise((r) => setTimeout(r, ms));
const began = Date.now();
const say = (text: string): void =>
  console.log(`[${((Date.now() - began) / 1000).toFixed(1).padStart(6)} s] ${text}`);

/** The built program with what it needs to run, for the guests. */
function payload(): string {
  const directory = mkdtempSync(join(tmpdir(), 'lockstep-lab-'));
  for (const part of ['dist', 'profiles', 'package.json', 'package-lock.json', 'node_modules'])
    cpSync(join(project, part), join(directory, part), { recursive: true, verbatimSymlinks: true });
  execFileSync('npm', ['prune', '--omit=dev', '--ignore-scripts'], { cwd: directory, stdio: 'ignore' });
  return directory;
}

const NFS_SERVER = `mkdir -p /run/nfsd-state; modprobe nfsd; mount -t nfsd nfsd /proc/fs/nfsd 2>/dev/null; mkdir -p /data/v4recovery; echo /data/v4recovery > /proc/fs/nfsd/nfsv4recoverydir 2>/dev/null; echo ${lease} > /proc/fs/nfsd/nfsv4leasetime; echo ${lease} > /proc/fs/nfsd/nfsv4gracetime; echo '/data/share 10.77.0.0/24(rw,sync,no_root_squash,no_subtree_check,fsid=0)' > /etc/exports; exportfs -ra; (pgrep rpcbind || rpcbind) >/dev/null; mkdir -p /data/cltrack /var/lib/nfs/nfsdcltrack; mountpoint -q /var/lib/nfs/nfsdcltrack || mount --bind /data/cltrack /var/lib/nfs/nfsdcltrack; nfsdcltrack init; (pgrep rpc.mountd || rpc.mountd -N 2 -N 3) >/dev/null; rpc.nfsd -N 3 4`;
const SMB_SERVER = `mkdir -p /run/samba /var/lib/samba/private; printf '[global]\\nserver role = standalone server\\nmap to guest = bad user\\nguest account = root\\nsocket options = TCP_NODELAY SO_KEEPALIVE TCP_KEEPIDLE=4 TCP_KEEPINTVL=2 TCP_KEEPCNT=3\\nstrict sync = yes\\n[share]\\npath = /data/share\\nread only = no\\nguest ok = yes\\nforce user = root\\n' > /tmp/smb.conf; smbd -D -s /tmp/smb.conf`;
const MOUNT = {
  nfs: 'mkdir -p /mnt/share; modprobe nfsv4; mount -t nfs4 -o vers=4.2,proto=tcp 10.77.0.1:/ /mnt/share',
  smb: 'mkdir -p /mnt/share; modprobe cifs; mount -t cifs -o vers=3.1.1,guest,cache=none,uid=0 //10.77.0.1/share /mnt/share',
};
const share = values.share === 'smb' ? 'smb' : 'nfs';
const serveShare = share === 'nfs' ? NFS_SERVER : SMB_SERVER;

const IPS = { a: '10.77.0.2', b: '10.77.0.3' } as const;
type Name = keyof typeof IPS;
const ROLE = { a: 'primary', b: 'secondary' } as const;
const other = (name: Name): Name => (name === 'a' ? 'b' : 'a');

function command(name: Name, verb: string): string {
  const sets = {
    'pair.secret': 'a-secret-of-the-lab-only-0123456789',
    'lock.file': '/mnt/share/lock.lck',
    'store.path': '/tmp/store',
    'gateway.host': '10.77.0.1',
    'gateway.port': share === 'nfs' ? 2049 : 445,
    'backchannel.host': IPS[name],
    'backchannel.port': 7301,
    'peer.host': IPS[other(name)],
    'peer.port': 7301,
    'peer.adminPort': 8301,
    'admin.host': IPS[name],
    'admin.port': 8301,
    'listeners.mqtt.host': IPS[name],
    'listeners.mqtt.port': 1883,
    'log.file': '/tmp/lockstep.log',
  };
  const list = Object.entries(sets).map(([key, value]) => `--set ${key}=${value}`);
  return `node /payload/dist/cli/main.js ${verb} ${ROLE[name]} ${list.join(' ')}`;
}

const start = (guest: Guest): Promise<string> =>
  guest.ok(
    `LOCKSTEP_HOME=/tmp ${command(guest.name as Name, 'serve')} > /tmp/console 2>&1 & echo $! > /tmp/pid`,
  );

/** The last state that the console names. */
async function state(guest: Guest): Promise<string> {
  const called = guest.name === 'a' ? 'Primary' : 'Secondary';
  return (
    await guest.sh(`grep -o '${called} Server switched to [A-Z_]*' /tmp/console | tail -n 1 | sed 's/.* //'`)
  ).out.trim();
}

async function until(what: string, isSo: () => Promise<boolean>, ms = 180_000): Promise<void> {
  const end = Date.now() + ms;
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
    await sleep(500);
  }
}

type Report = {
  gapAckMs: number;
  gapDelivMs: number;
  lost: number;
  dups: number;
  order: number;
  acked: number;
  error: string;
};

/** The publisher and the subscriber, on the guests' network. */
function load(lab: Lab, active: Name, seconds: number): Promise<Report> {
  const endpoints = [active, other(active)].map((name) => `${IPS[name]}:1883`).join(',');
  const child = spawn('ip', ['netns', 'exec', lab.ns, mqload, 'failover', '-e', endpoints, '-r', '50', '-B', '256', '-W', '16',
    '-d', String(seconds), '--drain', '30', '--drain-max', '120', '--connect-ms', '3000', '-j']); // prettier-ignore
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  return new Promise((resolveReport, reject) => {
    child.on('close', () => {
      const line = text.split('\n').find((l) => l.startsWith('{'));
      if (line === undefined) reject(new Error(`no report of the load: ${text}`));
      else resolveReport(JSON.parse(line) as Report);
    });
  });
}

async function round(lab: Lab, guests: Record<Name | 'srv', Guest>, fault: Fault): Promise<void> {
  const both = [guests.a, guests.b];
  await until('one ACTIVE, one PASSIVE', async () => {
    const states = await Promise.all(both.map(state));
    return states.includes('ACTIVE') && states.includes('PASSIVE');
  });
  const active: Name = (await state(guests.a)) === 'ACTIVE' ? 'a' : 'b';
  const victim = guests[active];
  const report = load(lab, active, fault === 'kill9' ? 40 : 60 + lease * 3);
  await sleep(8_000);
  if (fault === 'kill9') await victim.ok('kill -9 $(cat /tmp/pid)');
  if (fault === 'cut') victim.cut();
  if (fault === 'freeze') await victim.pause();
  if (fault === 'reboot') {
    await guests.srv.kill();
    await guests.srv.boot();
    await guests.srv.ok(serveShare);
  } else
    await until('the other serves', async () =>
      ['STANDALONE', 'ACTIVE'].includes(await state(guests[other(active)])),
    );
  if (fault === 'kill9') await start(victim);
  if (fault === 'cut') victim.heal();
  if (fault === 'freeze') await victim.resume();
  const { gapAckMs, gapDelivMs, lost, dups, order, acked, error } = await report;
  console.log(
    `| ${share} | ${fault} | ${lease} | ${gapAckMs} | ${gapDelivMs} | ${acked} | ${lost} | ${dups} | ${order} | ${error} |`,
  );
}

const directory = payload();
const lab = await Lab.create({ payload: directory });
let failed = false;
try {
  execFileSync('ip', ['netns', 'exec', lab.ns, 'ip', 'addr', 'add', '10.77.0.254/24', 'dev', 'br0']);
  const guests = { srv: await lab.guest('srv'), a: await lab.guest('a'), b: await lab.guest('b') };
  await guests.srv.ok(serveShare, 120_000);
  for (const guest of [guests.a, guests.b]) {
    await guest.ok(`date -s @${(Date.now() / 1000).toFixed(3)} >/dev/null`);
    await guest.ok(MOUNT[share], 120_000);
    await start(guest);
  }
  say('guests are up, servers started');
  console.log(
    '| share | fault | lease s | gap ack ms | gap delivery ms | acknowledged | lost | dup | order | error |',
  );
  console.log('|---|---|--:|--:|--:|--:|--:|--:|--:|---|');
  try {
    for (const fault of faults) await round(lab, guests, fault);
  } catch (failure) {
    failed = true;
    console.error(failure);
    for (const guest of [guests.a, guests.b])
      console.error(
        `--- ${guest.name}\n${(await guest.sh('tail -n 40 /tmp/console').catch(() => ({ out: 'does not answer' }))).out}`,
      );
  }
} finally {
  await lab.close();
  rmSync(directory, { recursive: true, force: true });
}
process.exitCode = failed ? 1 : 0;
