/**
 * The certificates that TLS listeners show, and those by which clients' own are judged: read from files, judged before they are used,
 * and read again on demand. What is found bad on the way changes nothing. A passphrase or a key never reaches a message.
 */
import { X509Certificate } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';
import type { Clock, Log } from '../../../base/index.ts';
import { NetFault, netFaults } from '../faults.ts';
import type { TlsOptions } from '../options.ts';

/** What one reading of the files has brought. */
export type CertificateSet = Readonly<{
  /** For whoever names no host, or one that is not among `byHost`. */
  usual: SecureContextOptions;
  /** By host name in lower case; `*.example.org` stands for every host directly below. */
  byHost: ReadonlyMap<string, SecureContext>;
}>;

export type CertificatesParts = Readonly<{ options: TlsOptions; clock: Clock; log: Log }>;

/** For which key of the profile a file is read. */
type Key = 'certificateFile' | 'keyFile' | 'clientCaFile' | 'sniDirectory';

export class Certificates {
  readonly #parts: CertificatesParts;
  #current: CertificateSet;
  /** One reading at a time, or an older one could come to its end last. */
  #reading: Promise<unknown> = Promise.resolve();

  private constructor(parts: CertificatesParts, current: CertificateSet) {
    this.#parts = parts;
    this.#current = current;
  }

  /** Rejects with `NetFault` LS_TLS_FILE. Says what was read, and warns of what is not valid today. */
  static async read(parts: CertificatesParts): Promise<Certificates> {
    return new Certificates(parts, await setFrom(parts));
  }

  /** A new value after each `reread` that succeeded. */
  get current(): CertificateSet {
    return this.#current;
  }

  get clientCertificates(): TlsOptions['clientCertificates'] {
    return this.#parts.options.clientCertificates;
  }

  /** New connections get what the files hold now. Rejects like `read`; then everything stays as it was. Safe to repeat. */
  reread(): Promise<void> {
    const reading = this.#reading.then(async () => {
      this.#current = await setFrom(this.#parts);
    });
    this.#reading = reading.catch(() => undefined);
    return reading;
  }
}

/** The context for a host that a client names; null: the usual one. Source: RFC 6125 §6.4.3 (a wildcard is one label, the first). */
export function contextFor({ byHost }: CertificateSet, host: string): SecureContext | null {
  const name = host.toLowerCase();
  return byHost.get(name) ?? byHost.get(name.replace(/^[^.]+/, '*')) ?? null;
}

async function setFrom(parts: CertificatesParts): Promise<CertificateSet> {
  const { options } = parts;
  const [certificate, key, clientCa] = await Promise.all([
    contentOf('certificateFile', options.certificateFile),
    contentOf('keyFile', options.keyFile),
    options.clientCertificates === 'none' ? null : contentOf('clientCaFile', options.clientCaFile),
  ]);
  const told: { key: Key; file: string; certificates: readonly X509Certificate[] }[] = [];
  const judged = (name: Key, file: string, content: Buffer): Buffer => {
    told.push({ key: name, file, certificates: certificatesIn(name, file, content) });
    return content;
  };
  const common: SecureContextOptions = {
    minVersion: options.minVersion,
    ...(options.keyPassphrase === '' ? {} : { passphrase: options.keyPassphrase }),
    ...(clientCa === null ? {} : { ca: judged('clientCaFile', options.clientCaFile, clientCa) }),
  };
  const usual = {
    ...common,
    cert: judged('certificateFile', options.certificateFile, certificate),
    key,
  };
  contextOf('keyFile', options.keyFile, usual);
  const byHost = new Map<string, SecureContext>();
  for (const { host, file, keyFile, cert, key: hostKey } of await hostsIn(options.sniDirectory)) {
    const context = { ...common, cert: judged('sniDirectory', file, cert), key: hostKey };
    byHost.set(host, contextOf('sniDirectory', keyFile, context));
  }
  for (const each of told) tell(parts, each);
  return { usual, byHost };
}

type HostFiles = Readonly<{ host: string; file: string; keyFile: string; cert: Buffer; key: Buffer }>;

async function hostsIn(directory: string): Promise<HostFiles[]> {
  if (directory === '') return [];
  const names = await readdir(directory).catch((error: unknown) => {
    throw fault('sniDirectory', directory, reasonOf(error));
  });
  const files = names.filter((name) => name.endsWith('.crt')).sort();
  return Promise.all(
    files.map(async (name) => {
      const file = join(directory, name);
      const keyFile = file.replace(/\.crt$/, '.key');
      const [cert, key] = await Promise.all([
        contentOf('sniDirectory', file),
        contentOf('sniDirectory', keyFile),
      ]);
      return { host: name.slice(0, -'.crt'.length).toLowerCase(), file, keyFile, cert, key };
    }),
  );
}

async function contentOf(key: Key, file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    throw fault(key, file, reasonOf(error));
  }
}

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** TLS itself takes a file without any certificate for granted. */
function certificatesIn(key: Key, file: string, content: Buffer): X509Certificate[] {
  const blocks = content.toString('latin1').match(BLOCK) ?? [];
  if (blocks.length === 0) throw fault(key, file, 'there is no certificate in it (PEM)');
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch {
    throw fault(key, file, 'a certificate in it can’t be read');
  }
}

function contextOf(key: Key, file: string, options: SecureContextOptions): SecureContext {
  try {
    return createSecureContext(options);
  } catch (error) {
    throw fault(key, file, whyNot(error));
  }
}

/** What OpenSSL means, for those that operators run into. */
function whyNot(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  switch (code) {
    case 'ERR_OSSL_X509_KEY_VALUES_MISMATCH':
      return 'the key is not that of the certificate';
    case 'ERR_OSSL_CRYPTO_INTERRUPTED_OR_CANCELLED':
    case 'ERR_OSSL_BAD_DECRYPT':
      return 'the passphrase is missing or wrong (tls.keyPassphrase)';
    case 'ERR_OSSL_UNSUPPORTED':
      return 'there is no private key in it (PEM)';
    default:
      return code === '' ? String(error) : code;
  }
}

/** The first of each file is what it is about; those behind it have signed it. */
function tell(
  { clock, log }: CertificatesParts,
  { key, file, certificates }: { key: Key; file: string; certificates: readonly X509Certificate[] },
): void {
  for (const { subject, validFrom, validTo } of key === 'clientCaFile'
    ? certificates
    : certificates.slice(0, 1)) {
    const [from, to] = [Date.parse(validFrom), Date.parse(validTo)];
    const now = clock.wall();
    const until = new Date(to).toISOString().slice(0, 10);
    const why =
      now > to
        ? `has expired on ${until}`
        : now < from
          ? `is not valid before ${new Date(from).toISOString()}`
          : null;
    if (why !== null) {
      const text = netFaults.LS_TLS_TIME(`tls.${key}`, file, why);
      log.say({ level: 'warn', code: 'LS_TLS_TIME', text });
    } else if (key !== 'clientCaFile') {
      const name = subject.split('\n').join(', ');
      log.say({ level: 'info', text: `TLS certificate in use: ${name}, valid until ${until} (${file})` });
    }
  }
}

const fault = (key: Key, file: string, why: string): NetFault =>
  new NetFault('LS_TLS_FILE', netFaults.LS_TLS_FILE(`tls.${key}`, file, why));

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  switch (code) {
    case 'ENOENT':
      return 'there is no such file';
    case 'EACCES':
      return 'this user may not read it';
    case 'EISDIR':
    case 'ENOTDIR':
      return 'it is not what it should be, a file or a directory';
    default:
      return error instanceof Error ? error.message : String(error);
  }
}
