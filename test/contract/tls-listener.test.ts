/** TLS on ports for clients: certificates of both sides, host names, reading anew. Source: src/io/net/tls/. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { describe, expect, test } from 'vitest';
import type { LogLine } from '../../src/base/index.ts';
import { Certificates, type TlsOptions } from '../../src/io/net/index.ts';
import { SystemClock } from '../../src/io/system/index.ts';
import {
  bytesOf,
  closed,
  KINDS,
  NO_TLS,
  openPort,
  until,
  type Kind,
  type PortUnderTest,
} from './listener-fixture.ts';
import { TestAuthority } from './test-authority.ts';

const TLS: Kind = { name: 'mqtts', transport: 'tls', isProxied: false };

const codes = ({ lines }: Pick<PortUnderTest, 'lines'>): (string | undefined)[] =>
  lines.filter(({ level }) => level !== 'info').map(({ code }) => code);

const said = ({ lines }: Pick<PortUnderTest, 'lines'>, code: string): string =>
  lines.find((line) => line.code === code)?.text ?? '';

/** The common name that the server shows to who asks for `servername`. */
async function shownTo(port: PortUnderTest, servername: string): Promise<string> {
  const carrier = await port.secured({ servername, checkServerIdentity: () => undefined });
  const { CN } = carrier.getPeerCertificate().subject;
  carrier.destroy();
  return String(CN);
}

/** Nobody is there for this client any more; what it had sent was not taken. */
async function isCutOff(port: PortUnderTest, tls: Parameters<PortUnderTest['carrier']>[0]): Promise<void> {
  const had = port.heard.length;
  // With TLS 1.3 a client is through before its certificate is judged; with 1.2 it may be cut off on the way.
  const carrier = await port.carrier(tls).catch(() => null);
  if (carrier !== null) await closed(carrier);
  expect(port.heard.length).toBe(had);
}

describe('the certificate of the server', () => {
  test('a client that does not trust it goes, with a warning that says why, and others are served', async () => {
    const port = await openPort(TLS);
    const stranger = TestAuthority.create('somebody else');
    // Node's own client goes without saying why; this one says it.
    const words = [
      's_client',
      '-connect',
      `127.0.0.1:${port.port}`,
      '-verify_return_error',
      '-CAfile',
      stranger.certificateFile,
    ];
    const client = spawn('openssl', words, { stdio: ['ignore', 'ignore', 'ignore'] });
    expect(await once(client, 'close')).not.toEqual([0, null]);
    await until(() => codes(port).length > 0);
    expect(said(port, 'LS_TLS_HANDSHAKE')).toContain('does not trust the certificate of this server');
    const { one } = await port.met();
    expect(one.stream.remote).toMatch(/^127\.0\.0\.1:\d+$/);
  });

  test('one that has expired is shown, with a warning, and clients refuse it', async () => {
    const authority = TestAuthority.create();
    const port = await openPort(TLS, { authority, tls: authority.issueLocal('localhost', { days: -1 }) });
    expect(codes(port)).toEqual(['LS_TLS_TIME']);
    expect(said(port, 'LS_TLS_TIME')).toContain(join(authority.directory, 'localhost.crt'));
    await expect(port.carrier()).rejects.toMatchObject({ code: 'CERT_HAS_EXPIRED' });
  });

  test('which one is in use, and how long it is good, is said', async () => {
    const port = await openPort(TLS);
    expect(port.lines[0]?.text).toMatch(
      /^TLS certificate in use: CN=localhost, valid until \d{4}-\d\d-\d\d \(.*\.crt\)$/,
    );
  });

  test('a client gets the one of the host that it names: exact, by wildcard, or else the usual one (RFC 6066 §3, RFC 6125 §6.4.3)', async () => {
    const authority = TestAuthority.create();
    const sniDirectory = join(authority.directory, 'sni');
    mkdirSync(sniDirectory);
    for (const [file, name] of [
      ['one.example.org', 'one'],
      ['*.example.org', 'wild'],
    ] as const) {
      const { certificateFile, keyFile } = authority.issue(name);
      copyFileSync(certificateFile, join(sniDirectory, `${file}.crt`));
      copyFileSync(keyFile, join(sniDirectory, `${file}.key`));
    }
    const port = await openPort(TLS, { authority, tls: { ...authority.issueLocal('usual'), sniDirectory } });
    expect(await shownTo(port, 'one.example.org')).toBe('one');
    expect(await shownTo(port, 'ONE.Example.ORG')).toBe('one');
    expect(await shownTo(port, 'two.example.org')).toBe('wild');
    expect(await shownTo(port, 'a.two.example.org')).toBe('usual');
    expect(await shownTo(port, 'example.org')).toBe('usual');
    expect(await shownTo(port, '')).toBe('usual');
  });

  test('its key may have a passphrase, which is never said', async () => {
    const authority = TestAuthority.create();
    const passphrase = 'swordfish-42';
    const own = authority.issueLocal('localhost', { passphrase });
    const port = await openPort(TLS, { authority, tls: { ...own, keyPassphrase: passphrase } });
    await port.met();
    const lines: LogLine[] = [];
    for (const keyPassphrase of ['', `${passphrase}-not`]) {
      const options = { ...NO_TLS, ...own, keyPassphrase };
      const log = { say: (line: LogLine) => void lines.push(line) };
      await expect(Certificates.read({ options, clock: new SystemClock(), log })).rejects.toMatchObject({
        code: 'LS_TLS_FILE',
        message: expect.stringContaining('tls.keyPassphrase') as string,
      });
    }
    expect(JSON.stringify([...port.lines, ...lines])).not.toContain(passphrase);
  });

  test.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'a client that knows nothing from %s on is refused with a warning',
    async (minVersion) => {
      const authority = TestAuthority.create();
      const port = await openPort(TLS, { authority, tls: { ...authority.issueLocal(), minVersion } });
      const older = minVersion === 'TLSv1.3' ? 'TLSv1.2' : 'TLSv1.1';
      const client = { minVersion: older, maxVersion: older, ciphers: 'ALL@SECLEVEL=0' } as const;
      await expect(port.carrier(client)).rejects.toThrow(/protocol version/);
      await until(() => codes(port).includes('LS_TLS_HANDSHAKE'));
      expect(said(port, 'LS_TLS_HANDSHAKE')).toContain('tls.minVersion');
      await port.met();
    },
  );
});

describe('certificates of clients', () => {
  const wanting = async (clientCertificates: TlsOptions['clientCertificates'], kind = TLS) => {
    const authority = TestAuthority.create();
    const clients = TestAuthority.create('clients');
    const tls = { ...authority.issueLocal(), clientCertificates, clientCaFile: clients.certificateFile };
    return { clients, port: await openPort(kind, { authority, tls }) };
  };

  test.each(
    KINDS.filter(({ transport }) => transport === 'tls' || transport === 'wss').map(
      (kind) => [kind.transport, kind.isProxied ? ' behind a balancer' : '', kind] as const,
    ),
  )('the common name of a good one is told with the stream (%s%s)', async (_transport, _where, kind) => {
    for (const wanted of ['optional', 'required'] as const) {
      const { clients, port } = await wanting(wanted, kind);
      const accepted = port.next();
      await port.client(clients.issue('pump-7'));
      expect((await accepted).stream.certificateName).toBe('pump-7');
    }
  });

  test.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'none: cut off where one is required, and unnamed where it is optional (%s)',
    async (maxVersion) => {
      const { port } = await wanting('required');
      await isCutOff(port, { maxVersion });
      expect(said(port, 'LS_TLS_CLIENT_CERTIFICATE')).toMatch(
        /^A client at 127\.0\.0\.1:\d+ showed no certificate/,
      );
      const optional = (await wanting('optional')).port;
      const accepted = optional.next();
      await optional.client({ maxVersion });
      expect((await accepted).stream.certificateName).toBe(null);
    },
  );

  test.each(['optional', 'required'] as const)(
    'one of another signer, a self-signed one and one that has expired are cut off (%s)',
    async (wanted) => {
      const strangers = TestAuthority.create('strangers');
      for (const [why, make] of [
        ['nobody in tls.clientCaFile has signed it', () => strangers.issue('pump-7')],
        ['nobody in tls.clientCaFile has signed it', () => strangers.selfSigned('pump-7')],
        ['it has expired', (clients: TestAuthority) => clients.issue('pump-7', { days: -1 })],
      ] as const) {
        const { clients, port } = await wanting(wanted);
        const shown = make(clients);
        await isCutOff(port, shown);
        expect(said(port, 'LS_TLS_CLIENT_CERTIFICATE')).toMatch(
          /^A client at 127\.0\.0\.1:\d+ showed a certificate \(of "pump-7"\)/,
        );
        expect(said(port, 'LS_TLS_CLIENT_CERTIFICATE')).toContain(why);
      }
    },
  );

  test('where none are wanted, one that is shown names nobody', async () => {
    const { clients, port } = await wanting('none');
    const accepted = port.next();
    await port.client(clients.issue('pump-7'));
    expect((await accepted).stream.certificateName).toBe(null);
  });

  test('one with two common names is good, and names nobody', async () => {
    const { clients, port } = await wanting('required');
    const accepted = port.next();
    await port.client(clients.issue('pump-7', { moreSubject: '/CN=admin' }));
    expect((await accepted).stream.certificateName).toBe(null);
  });

  test.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'a session that is resumed keeps the name, and one that never had a certificate gets no further for being resumed (%s)',
    async (maxVersion) => {
      const { clients, port } = await wanting('required');
      const good = clients.issue('pump-7');
      const resumed = await again(port, { ...good, maxVersion });
      expect(resumed.isReused).toBe(true);
      expect(port.heard.map(({ stream }) => stream.certificateName)).toEqual(['pump-7', 'pump-7']);
      await again(port, { maxVersion });
      await again(port, { ...TestAuthority.create('strangers').issue('pump-7'), maxVersion });
      expect(port.heard.length).toBe(2);
      const optional = (await wanting('optional')).port;
      expect((await again(optional, { maxVersion })).isReused).toBe(true);
      expect(optional.heard.map(({ stream }) => stream.certificateName)).toEqual([null, null]);
    },
  );
});

/** Connects twice, the second time with what it has of the first session, if it has anything; each time until it is in or out. */
async function again(
  port: PortUnderTest,
  tls: Parameters<PortUnderTest['carrier']>[0],
): Promise<{ isReused: boolean }> {
  const kept: { session?: Buffer } = {};
  const inOrOut = async (more: Parameters<PortUnderTest['carrier']>[0]): Promise<TLSSocket | null> => {
    const had = port.heard.length;
    const carrier = await port.secured({ ...tls, ...more }).catch(() => null);
    if (carrier === null) return null;
    const isOver = { now: carrier.closed };
    carrier.once('close', () => (isOver.now = true));
    carrier.on('session', (session: Buffer) => (kept.session = session));
    carrier.on('error', () => undefined);
    carrier.resume();
    // With TLS 1.2 it is there with the handshake, with 1.3 it comes later.
    const session = carrier.getProtocol() === 'TLSv1.2' ? carrier.getSession() : undefined;
    if (session !== undefined) kept.session = session;
    await until(() => isOver.now || (port.heard.length > had && kept.session !== undefined));
    return carrier;
  };
  (await inOrOut({}))?.destroy();
  const second = await inOrOut(kept);
  return { isReused: second?.isSessionReused() ?? false };
}

describe('reading anew', () => {
  test('new connections get the new certificate, those that stand go on, and no session of before is resumed', async () => {
    const authority = TestAuthority.create();
    const own = authority.issueLocal('before', {});
    const port = await openPort(TLS, { authority, tls: own });
    const { client, one } = await port.met();
    const first = await port.secured();
    const [session] = (await once(first.resume(), 'session')) as [Buffer];
    expect(await shownTo(port, 'localhost')).toBe('before');

    authority.issueLocal('after', {});
    copyFileSync(join(authority.directory, 'after.crt'), own.certificateFile);
    copyFileSync(join(authority.directory, 'after.key'), own.keyFile);
    expect(await shownTo(port, 'localhost')).toBe('before');
    await port.certificates?.reread();
    expect(await shownTo(port, 'localhost')).toBe('after');
    const resumed = await port.secured({ session });
    expect(resumed.isSessionReused()).toBe(false);

    one.stream.write(Buffer.from('still here'));
    await until(() => bytesOf(client).toString() === 'still here');
    void client.send(Buffer.from('so am I'));
    await until(() => Buffer.concat(one.data).toString() === 'so am I');
  });

  test('a bad file is refused by its name, and everything stays as it was', async () => {
    const authority = TestAuthority.create();
    const other = authority.issue('other');
    const sniDirectory = join(authority.directory, 'sni');
    mkdirSync(sniDirectory);
    const tls = {
      ...authority.issueLocal('good'),
      sniDirectory,
      clientCertificates: 'optional',
      clientCaFile: join(authority.directory, 'ca.crt'),
    } as const;
    copyFileSync(authority.certificateFile, tls.clientCaFile);
    const port = await openPort(TLS, { authority, tls });
    const cases: readonly [key: string, why: string, spoil: () => string][] = [
      ['certificateFile', 'there is no certificate in it', () => put(tls.certificateFile, 'hello')],
      [
        'certificateFile',
        'can’t be read',
        () => put(tls.certificateFile, tls.cert.toString().replace(/\n[A-Za-z0-9+/]{10}/, '\nAAAAAAAAAA')),
      ],
      ['keyFile', 'there is no private key in it', () => put(tls.keyFile, '')],
      ['keyFile', 'the key is not that of the certificate', () => put(tls.keyFile, other.key)],
      ['clientCaFile', 'there is no certificate in it', () => put(tls.clientCaFile, tls.key)],
      [
        'sniDirectory',
        'there is no such file',
        () => put(join(sniDirectory, 'one.example.org.crt'), other.cert).replace('.crt', '.key'),
      ],
      [
        'sniDirectory',
        'the key is not that of the certificate',
        () => put(join(sniDirectory, 'one.example.org.key'), tls.key),
      ],
    ];
    for (const [key, why, spoil] of cases) {
      const file = spoil();
      await expect(port.certificates?.reread()).rejects.toMatchObject({
        code: 'LS_TLS_FILE',
        message: expect.stringMatching(new RegExp(`^tls\\.${key}: ${file}.*${why}`)) as string,
      });
      expect(await shownTo(port, 'localhost')).toBe('good');
      if (key === 'sniDirectory') continue;
      put(tls.certificateFile, tls.cert);
      put(tls.keyFile, tls.key);
      put(tls.clientCaFile, authority.certificate);
    }
    put(join(sniDirectory, 'one.example.org.key'), other.key);
    await port.certificates?.reread();
    expect(await shownTo(port, 'one.example.org')).toBe('other');
  });
});

const put = (file: string, content: string | Buffer): string => {
  writeFileSync(file, content);
  return file;
};

describe('who does not get through', () => {
  test('costs itself alone: nonsense, a beginning without an end, silence; others are served, and each kind is said once', async () => {
    const port = await openPort(TLS, { arrivalMs: 300 });
    const { client, one } = await port.met();
    const strangers = await Promise.all(
      Array.from({ length: 60 }, async (_, n) => {
        const socket = await port.raw();
        if (n % 3 === 0) socket.write('\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00', 'latin1');
        // The first bytes of a ClientHello.
        if (n % 3 === 1) socket.write('\x16\x03\x01\x02\x00\x01', 'latin1');
        return { isOver: closed(socket) };
      }),
    );
    void client.send(Buffer.from('hello'));
    await until(() => Buffer.concat(one.data).toString() === 'hello');
    await Promise.all(strangers.map(({ isOver }) => isOver));
    await port.met();
    expect(codes(port).sort()).toEqual(['LS_ARRIVAL_TIMEOUT', 'LS_TLS_HANDSHAKE']);
    expect(said(port, 'LS_TLS_HANDSHAKE')).toMatch(
      /^A client at 127\.0\.0\.1:\d+ could not agree on TLS at listeners\.mqtts: what came is not TLS/,
    );
  });

  test('who connects and goes again, as a balancer’s check does, is not worth a line', async () => {
    const port = await openPort(TLS);
    for (let n = 0; n < 10; n += 1) {
      const socket = await port.raw();
      socket.end();
      await closed(socket);
    }
    await port.met();
    expect(codes(port)).toEqual([]);
  });
});
