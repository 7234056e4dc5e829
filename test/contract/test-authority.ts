/** Certificates for tests, made by openssl (Debian package openssl) in a directory that is gone with the test. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

export type Issued = Readonly<{ certificateFile: string; keyFile: string; cert: Buffer; key: Buffer }>;

export type Wish = Readonly<{
  /** Host names and addresses that it is for, as `DNS:localhost`, `IP:::1`. */
  names?: readonly string[];
  /** Below 0: it has expired. */
  days?: number;
  passphrase?: string;
  /** More than the common name, as `/CN=second`. */
  moreSubject?: string;
}>;

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];

export class TestAuthority {
  readonly directory: string;
  readonly certificateFile: string;
  readonly certificate: Buffer;

  private constructor(directory: string, name: string) {
    this.directory = directory;
    this.certificateFile = join(directory, 'authority.crt');
    this.#openssl(
      'req',
      '-x509',
      ...NEW_KEY,
      '-nodes',
      '-subj',
      `/CN=${name}`,
      '-days',
      '30',
      '-keyout',
      'authority.key',
      '-out',
      'authority.crt',
    );
    this.certificate = readFileSync(this.certificateFile);
  }

  /** Gone with the test that is running. */
  static create(name = 'Lockstep tests'): TestAuthority {
    const authority = TestAuthority.keep(name);
    onTestFinished(() => authority.remove());
    return authority;
  }

  /** Stays until it is removed. */
  static keep(name = 'Lockstep tests'): TestAuthority {
    return new TestAuthority(mkdtempSync(join(tmpdir(), 'lockstep-tls-')), name);
  }

  remove(): void {
    rmSync(this.directory, { recursive: true });
  }

  /** A certificate with `commonName`, in `<file>.crt` and `<file>.key`. */
  issue(
    commonName: string,
    { names = [], days = 30, passphrase, moreSubject = '' }: Wish = {},
    file = commonName,
  ): Issued {
    const guard = passphrase === undefined ? ['-nodes'] : ['-passout', `pass:${passphrase}`];
    this.#openssl(
      'req',
      ...NEW_KEY,
      ...guard,
      '-subj',
      `/CN=${commonName}${moreSubject}`,
      '-keyout',
      `${file}.key`,
      '-out',
      'request.csr',
    );
    const signer = ['-CA', 'authority.crt', '-CAkey', 'authority.key', '-CAcreateserial'];
    const extensions = names.length === 0 ? [] : ['-extfile', 'names.ext'];
    if (names.length > 0)
      writeFileSync(join(this.directory, 'names.ext'), `subjectAltName=${names.join(',')}\n`);
    this.#openssl(
      'x509',
      '-req',
      '-in',
      'request.csr',
      ...signer,
      ...extensions,
      '-days',
      String(days),
      '-out',
      `${file}.crt`,
    );
    return this.#issued(file);
  }

  /** Signed by nobody but itself. */
  selfSigned(commonName: string): Issued {
    const files = ['-keyout', 'self-signed.key', '-out', 'self-signed.crt'];
    this.#openssl(
      'req',
      '-x509',
      ...NEW_KEY,
      '-nodes',
      '-subj',
      `/CN=${commonName}`,
      '-days',
      '30',
      ...files,
    );
    return this.#issued('self-signed');
  }

  /** For servers on loopback. */
  issueLocal(commonName = 'localhost', more: Wish = {}): Issued {
    return this.issue(commonName, { names: ['DNS:localhost', 'IP:127.0.0.1', 'IP:::1'], ...more });
  }

  #issued(file: string): Issued {
    const [certificateFile, keyFile] = [
      join(this.directory, `${file}.crt`),
      join(this.directory, `${file}.key`),
    ];
    return { certificateFile, keyFile, cert: readFileSync(certificateFile), key: readFileSync(keyFile) };
  }

  #openssl(...words: readonly string[]): void {
    execFileSync('openssl', words, { cwd: this.directory, stdio: 'pipe' });
  }
}
