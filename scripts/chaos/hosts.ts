/**
 * Two hosts as network namespaces, each on a cable to the namespace of this process, where the gateway, the clients and the backchannel's line
 * are. A second cable of each host, which is never cut, is for asking its server. All of it lives in namespaces that end with this process
 * (isolate.ts), so nothing is taken down here.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import type { ServerName } from '../../src/core/pair/index.ts';
import type { Place } from '../../test/system/pair.ts';

/** Where the servers find the gateway and each other's line: this process. */
export const GATEWAY = '10.99.0.254';
const ADDRESS = { primary: '10.99.0.1', secondary: '10.99.0.2' } as const satisfies Record<
  ServerName,
  string
>;
const ADMIN = { primary: '10.98.0.1', secondary: '10.98.0.2' } as const satisfies Record<ServerName, string>;
/** No card has this address: what is sent to it is lost without a word. */
const NOBODY = '02:00:00:00:00:99';
/** Namespaces are named below /run; one of our own leaves no names behind. */
const NAMES = '/run/netns';

export class Hosts {
  /** Needs to be root in namespaces of its own. */
  static build(): Hosts {
    run('mount', '-t', 'tmpfs', 'chaos', '/run');
    mkdirSync(NAMES);
    run('ip', 'link', 'set', 'lo', 'up');
    bridge('net', `${GATEWAY}/24`);
    bridge('admin', '10.98.0.254/24');
    for (const name of ['primary', 'secondary'] as const) {
      run('ip', 'netns', 'add', name);
      within(name, 'ip', 'link', 'set', 'lo', 'up');
      cable(name, 'net', `${ADDRESS[name]}/24`);
      cable(name, 'admin', `${ADMIN[name]}/24`);
    }
    return new Hosts();
  }

  place(name: ServerName): Pick<Place, 'host' | 'adminHost' | 'command'> {
    return { host: ADDRESS[name], adminHost: ADMIN[name], command: into(name) };
  }

  /** The cable is out: the card knows at once. */
  unplug(name: ServerName): void {
    run('ip', 'link', 'set', end('net', name), 'down');
  }

  /** What the host sends is lost, and nobody is told. */
  mute(name: ServerName): void {
    within(name, 'ip', 'neigh', 'replace', GATEWAY, 'lladdr', NOBODY, 'dev', 'net', 'nud', 'permanent');
  }

  /** What is sent to the host is lost, and nobody is told. */
  deafen(name: ServerName): void {
    run('ip', 'neigh', 'replace', ADDRESS[name], 'lladdr', NOBODY, 'dev', 'net', 'nud', 'permanent');
  }

  /** Everything arrives again. Safe to repeat. */
  heal(name: ServerName): void {
    run('ip', 'link', 'set', end('net', name), 'up');
    within(name, 'ip', 'neigh', 'flush', 'dev', 'net', 'nud', 'permanent');
    run('ip', 'neigh', 'flush', 'dev', 'net', 'to', ADDRESS[name], 'nud', 'permanent');
  }
}

const end = (network: string, name: ServerName): string => `${network}-${name}`;
const into = (name: ServerName): string[] => ['nsenter', `--net=${NAMES}/${name}`];

function bridge(network: string, address: string): void {
  run('ip', 'link', 'add', 'name', network, 'type', 'bridge');
  run('ip', 'addr', 'add', address, 'dev', network);
  run('ip', 'link', 'set', network, 'up');
}

function cable(name: ServerName, network: string, address: string): void {
  const near = end(network, name);
  run('ip', 'link', 'add', 'name', near, 'type', 'veth', 'peer', 'name', network, 'netns', name);
  run('ip', 'link', 'set', near, 'master', network, 'up');
  within(name, 'ip', 'addr', 'add', address, 'dev', network);
  within(name, 'ip', 'link', 'set', network, 'up');
}

function within(name: ServerName, ...command: readonly string[]): void {
  run(...into(name), ...command);
}

function run(...[program = '', ...words]: readonly string[]): void {
  execFileSync(program, words, { stdio: ['ignore', 'ignore', 'pipe'] });
}
