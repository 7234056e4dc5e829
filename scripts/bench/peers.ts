/** Other brokers, started from the packages of the distribution by peers/run-peer.sh, each with the settings beside that script. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { projectDirectory } from '../../src/profile/index.ts';
import type { Subject } from './brokers.ts';
import { native } from './native.ts';
import { freePorts } from './ports.ts';
import type { Session } from './session.ts';

/** Of `--against`; the names of the script. */
export const PEERS = [
  'activemq',
  'mosquitto',
  'nats',
  'nats-r3',
  'rabbitmq',
  'rabbitmq-qq',
  'rabbitmq-cluster',
] as const;
/** A peer takes so many ports, from its first on. */
const PORTS = 24;
const SCRIPT = join(projectDirectory, 'scripts/bench/peers/run-peer.sh');

/** Null, with a note for each point, where its packages are missing. */
export async function startedPeer(session: Session, name: string): Promise<Subject> {
  const environment = {
    ...process.env,
    PEER_STATE: join(session.directory, 'peers'),
    PEER_PORT: String(await freePorts(PORTS)),
    MQLOAD: native('mqload'),
  };
  const run = async (action: string): Promise<string> => {
    // A broker that runs on would keep a pipe open.
    const options = { env: environment, encoding: 'utf8', timeout: 300_000 } as const;
    const { stdout } = await promisify(execFile)(SCRIPT, [name, action], options);
    return stdout.trim();
  };
  session.closeLater(async () => {
    await run('reset');
  });
  session.tell(`starting ${name}`);
  await run('start').catch((failure: unknown) => {
    const said = failure instanceof Error && 'stderr' in failure ? String(failure.stderr).trim() : '';
    throw new Error(said.split('\n').at(-1) || String(failure));
  });
  const endpoints = (await run('endpoints')).split(',');
  const pids = (await run('pids')).split('\n').map(Number);
  return { name, endpoints, roles: () => Promise.resolve({ broker: pids }) };
}
