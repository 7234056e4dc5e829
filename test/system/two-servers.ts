/** The addresses of a pair as its clients have them: one port at two hosts, as on two machines, and one name for both. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { IClientOptions } from 'mqtt';
import { onTestFinished } from 'vitest';
import type { ServerName } from '../../src/core/pair/index.ts';
import type { LISTENERS, PairUnderTest } from './pair.ts';
import { Program } from './program.ts';
import { nssWrapper, pythonWithPaho } from './tools.ts';

export type Version = '3.1.1' | '5';
export type Listener = (typeof LISTENERS)[number];

const BOTH = ['primary', 'secondary'] as const satisfies readonly ServerName[];
const PAHO = new URL('paho-client.py', import.meta.url).pathname;
/** What both hosts are called. */
const NAME = 'lockstep.test';

export class TwoServers {
  readonly pair: PairUnderTest;
  readonly #hostsFile: string;

  /** The pair must not run yet. */
  constructor(pair: PairUnderTest) {
    this.pair = pair;
    pair.places.secondary = { ...pair.places.secondary, host: '127.0.0.2' };
    pair.own.secondary.push(`listeners.mqtt.port=${this.#port}`);
    pair.own.primary.push(`peer.clientPort=${this.#port}`);
    const directory = mkdtempSync(join(tmpdir(), 'lockstep-hosts-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    this.#hostsFile = join(directory, 'hosts');
    writeFileSync(this.#hostsFile, BOTH.map((name) => `${pair.places[name].host} ${NAME}\n`).join(''));
  }

  get #port(): number {
    return this.pair.ports.primary.mqtt;
  }

  /** As `host:port`. */
  address(name: ServerName, listener: Listener): string {
    const port = listener === 'mqtt' ? this.#port : this.pair.ports[name][listener];
    return `${this.pair.places[name].host}:${port}`;
  }

  /** For MQTT.js, with a durable session. */
  options(listener: Listener, version: Version, certificate: Buffer): IClientOptions {
    const servers = BOTH.map((name) => {
      const [host = '', port] = this.address(name, listener).split(':');
      return { host, port: Number(port), protocol: listener };
    });
    return {
      servers,
      // MQTT.js wants it here too, where there are certificates.
      protocol: listener,
      ca: certificate,
      path: '/mqtt',
      clean: false,
      resubscribe: false,
      ...(version === '5'
        ? { protocolVersion: 5, properties: { sessionExpiryInterval: 3_600 } }
        : { protocolVersion: 4 }),
    };
  }

  paho(role: 'publish' | 'subscribe', version: Version, id: string): Program {
    return new Program([
      pythonWithPaho(),
      PAHO,
      role,
      version,
      id,
      ...BOTH.map((name) => this.address(name, 'mqtt')),
    ]);
  }

  /** A command line of the shell in which `$AT` stands for one of the two addresses, and `$BOTH` for the name that has both. */
  shell(line: string, version: Version): Program {
    const at = (host: string): string => `-h ${host} -p ${this.#port} -V mqttv${version.replaceAll('.', '')}`;
    return new Program(['sh', '-c', line], {
      PRIMARY: at(this.pair.places.primary.host),
      SECONDARY: at(this.pair.places.secondary.host),
      BOTH: at(NAME),
      LD_PRELOAD: nssWrapper(),
      NSS_WRAPPER_HOSTS: this.#hostsFile,
    });
  }
}
