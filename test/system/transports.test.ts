/** Clients by TLS and WebSocket, with certificates of their own, through a failover; certificates read anew. Source: MQTT-6.0.0-1 to 6.0.0-4; PROTOCOL.md §3. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, writeFileSync } from 'node:fs';
import { connect as dial } from 'node:net';
import { connect as dialTls, type TLSSocket } from 'node:tls';
import mqtt, { type MqttClient } from 'mqtt';
import { expect, onTestFinished, test } from 'vitest';
import type { ServerName } from '../../src/core/pair/index.ts';
import { TestAuthority, type Issued } from '../contract/test-authority.ts';
import { connected } from './clients.ts';
import { LISTENERS, type PairUnderTest } from './pair.ts';
import { freshPair, protectedPair } from './traffic.ts';

const isInstalled = spawnSync('mosquitto_pub', ['--help']).error === undefined;
const REASON = isInstalled ? '' : ' (skipped: apt-get install mosquitto-clients)';

type Papers = Readonly<{ authority: TestAuthority; server: Issued; client: Issued; sets: readonly string[] }>;

/** A certificate for both servers, one for a client, and the settings that switch every listener on. */
function papers(): Papers {
  const authority = TestAuthority.create();
  const server = authority.issueLocal();
  return {
    authority,
    server,
    client: authority.issue('pump-7'),
    sets: [
      ...LISTENERS.map((name) => `listeners.${name}.enabled=true`),
      `tls.certificateFile=${server.certificateFile}`,
      `tls.keyFile=${server.keyFile}`,
      'tls.clientCertificates=required',
      `tls.clientCaFile=${authority.certificateFile}`,
    ],
  };
}

const isOpen = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = dial(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });

const openPorts = (pair: PairUnderTest, name: ServerName): Promise<boolean[]> =>
  Promise.all(LISTENERS.map((listener) => isOpen(pair.ports[name][listener])));

/** A client of MQTT.js with both servers in its list. */
function client(
  pair: PairUnderTest,
  protocol: 'mqtts' | 'ws' | 'wss',
  clientId: string,
  { authority, client: own }: Papers,
): MqttClient {
  const servers = (['primary', 'secondary'] as const).map((name) => ({
    host: '127.0.0.1',
    port: pair.ports[name][protocol],
    protocol,
  }));
  const tls = protocol === 'ws' ? {} : { ca: authority.certificate, cert: own.cert, key: own.key };
  const made = mqtt.connect({
    servers,
    // MQTT.js wants it here too, where there are certificates.
    protocol,
    path: '/mqtt',
    clientId,
    clean: false,
    resubscribe: false,
    reconnectPeriod: 50,
    connectTimeout: 5_000,
    protocolVersion: 4,
    ...tls,
  });
  onTestFinished(() => made.endAsync(true));
  return made;
}

/** Payloads in the order in which they came. */
function heard(of: MqttClient): string[] {
  const payloads: string[] = [];
  of.on('message', (_topic, payload) => payloads.push(payload.toString()));
  return payloads;
}

async function mosquitto(
  program: 'mosquitto_pub' | 'mosquitto_sub',
  words: readonly string[],
): Promise<{ lines: string[]; code: number | null }> {
  const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const chunks: Buffer[] = [];
  child.stdout.on('data', (bytes: Buffer) => chunks.push(bytes));
  const [code] = (await once(child, 'close')) as [number | null];
  return {
    lines: Buffer.concat(chunks)
      .toString()
      .split('\n')
      .filter((line) => line !== ''),
    code,
  };
}

test.skipIf(!isInstalled)(
  `four listeners: the passive has none of them open, clients of TLS, WebSocket and secure WebSocket share their messages, and all of them survive kill -9 of the active${REASON}`,
  async () => {
    const own = papers();
    const { pair, active, passive } = await protectedPair(own.sets);
    expect(await openPorts(pair, passive)).toEqual([false, false, false, false]);
    expect(await openPorts(pair, active)).toEqual([true, true, true, true]);

    const clients = (['mqtts', 'ws', 'wss'] as const).map((protocol) =>
      client(pair, protocol, `js-${protocol}`, own),
    );
    const got = clients.map(heard);
    for (const each of clients) {
      await connected(each);
      await each.subscribeAsync('plant/#', { qos: 1 });
    }
    const { authority, client: pump } = own;
    const tls = [
      '--cafile',
      authority.certificateFile,
      '--cert',
      pump.certificateFile,
      '--key',
      pump.keyFile,
    ];
    const at = (name: ServerName): string[] => [
      '-h',
      'localhost',
      '-p',
      String(pair.ports[name].mqtts),
      ...tls,
    ];
    const durable = ['-i', 'durable', '-c', '-q', '1', '-t', 'plant/#'];
    expect((await mosquitto('mosquitto_sub', [...at(active), ...durable, '-E'])).code).toBe(0);
    const publish = async (name: ServerName, message: string): Promise<void> => {
      const words = [...at(name), '-q', '1', '-t', 'plant/heat', '-m', message];
      expect((await mosquitto('mosquitto_pub', words)).code, pair.transcript()).toBe(0);
    };
    await publish(active, 'by TLS');
    await clients[1]?.publishAsync('plant/heat', 'by WebSocket', { qos: 1 });

    pair.server(active).kill('SIGKILL');
    await pair.reaches(passive, 'STANDALONE');
    expect(await openPorts(pair, passive)).toEqual([true, true, true, true]);
    await publish(passive, 'by TLS again');
    await clients[2]?.publishAsync('plant/heat', 'by secure WebSocket', { qos: 1 });

    const wanted = ['by TLS', 'by WebSocket', 'by TLS again', 'by secure WebSocket'];
    await pair.until('all messages', async () =>
      got.every((payloads) => wanted.every((one) => payloads.includes(one))) ? true : null,
    );
    const late = await mosquitto('mosquitto_sub', [...at(passive), ...durable, '-C', '4', '-W', '20']);
    expect(late, pair.transcript()).toEqual({ lines: wanted, code: 0 });

    // Who has no certificate gets nowhere, and costs nobody else anything.
    const stranger = [
      '-h',
      'localhost',
      '-p',
      String(pair.ports[passive].mqtts),
      '--cafile',
      authority.certificateFile,
    ];
    expect((await mosquitto('mosquitto_pub', [...stranger, '-t', 'plant/heat', '-m', 'x'])).code).not.toBe(0);
    await pair.server(passive).line(/showed no certificate.*\[LS_TLS_CLIENT_CERTIFICATE\]/);
    await clients[0]?.publishAsync('plant/heat', 'still here', { qos: 1 });
  },
);

/** The common name of the certificate that a server shows; the connection stays. */
async function shown(
  pair: PairUnderTest,
  name: ServerName,
  { authority, client: own }: Papers,
): Promise<{ name: string; socket: TLSSocket }> {
  const socket = dialTls({
    host: '127.0.0.1',
    port: pair.ports[name].mqtts,
    ca: authority.certificate,
    cert: own.cert,
    key: own.key,
    checkServerIdentity: () => undefined,
  });
  onTestFinished(() => void socket.destroy());
  await once(socket, 'secureConnect');
  socket.on('error', () => undefined);
  return { name: String(socket.getPeerCertificate().subject.CN), socket };
}

test('new certificates are read by `lockstep reload` and by SIGHUP, on either server, without a client noticing; a bad file changes nothing', async () => {
  const own = papers();
  const { pair, active, passive } = await protectedPair(own.sets);
  const clients = (['mqtts', 'wss'] as const).map((protocol) =>
    client(pair, protocol, `js-${protocol}`, own),
  );
  let closes = 0;
  for (const each of clients) {
    await connected(each);
    each.on('close', () => (closes += 1));
  }
  expect((await shown(pair, active, own)).name).toBe('localhost');

  const renew = (name: string): void => {
    const made = own.authority.issueLocal(name);
    copyFileSync(made.certificateFile, own.server.certificateFile);
    copyFileSync(made.keyFile, own.server.keyFile);
  };
  renew('second');
  for (const name of [active, passive]) {
    const { code, output } = await pair.run('reload', name);
    expect(code, output).toBe(0);
    expect(output).toContain(`${name} has read its certificates anew`);
  }
  expect((await shown(pair, active, own)).name).toBe('second');

  renew('third');
  pair.server(active).kill('SIGHUP');
  await pair.server(active).line(/TLS certificate in use: CN=third/);
  expect((await shown(pair, active, own)).name).toBe('third');

  writeFileSync(own.server.keyFile, 'spoilt');
  const { code, output } = await pair.run('reload', active);
  expect(code, output).toBe(5);
  expect(output).toMatch(/goes on as before: tls\.keyFile: .*no private key.*\[LS_TLS_FILE\]/);
  const from = pair.server(passive).lines.length;
  pair.server(passive).kill('SIGHUP');
  await pair.server(passive).line(/Nothing has changed: tls\.keyFile.*\[LS_TLS_FILE\]/, from);
  expect((await shown(pair, active, own)).name).toBe('third');
  for (const each of clients) await each.publishAsync('plant/heat', 'still here', { qos: 1 });
  expect(closes).toBe(0);

  // The passive has the second one, read while it had no port open.
  pair.server(active).kill('SIGKILL');
  await pair.reaches(passive, 'STANDALONE');
  expect((await shown(pair, passive, own)).name).toBe('second');
});

test('a start with a bad certificate is refused (exit code 3), and one with a port taken names its listener (4)', async () => {
  const own = papers();
  const pair = await freshPair(own.sets);
  const settings = (set: string): string[] => ['--set', set];
  const spoilt = await pair.run('serve', 'primary', settings(`tls.keyFile=${own.client.keyFile}`));
  expect(spoilt.code, spoilt.output).toBe(3);
  expect(spoilt.output).toMatch(/tls\.keyFile: .*not that of the certificate.*\[LS_TLS_FILE\]/);
  const missing = await pair.run('serve', 'primary', settings('tls.clientCaFile='));
  expect(missing.code, missing.output).toBe(3);
  expect(missing.output).toContain('tls.clientCaFile');

  pair.start('primary', ['--new-pair']);
  await pair.reaches('primary', 'STANDALONE');
  for (const listener of LISTENERS) {
    const taken = await pair.run(
      'serve',
      'secondary',
      settings(`listeners.${listener}.port=${pair.ports.primary[listener]}`),
    );
    expect(taken.code, taken.output).toBe(4);
    expect(taken.output).toMatch(new RegExp(`listeners\\.${listener}\\.port.*\\[LS_PORT_BUSY\\]`));
  }
});

test('a server without TLS refuses a reload with a sentence', async () => {
  const { pair, active } = await protectedPair();
  const { code, output } = await pair.run('reload', active);
  expect(code, output).toBe(5);
  expect(output).toContain('[LS_TLS_NOT_USED]');
});
