/** Passwords on a real machine. Source: RFC 7914 §12; RFC 5802 §3; RFC 4013. */
import { createHmac, pbkdf2Sync } from 'node:crypto';
import { expect, test } from 'vitest';
import {
  faultInCredential,
  GENERATED_COST,
  ITERATIONS_MIN,
  USUAL_COST,
  USUAL_ITERATIONS,
  type Credential,
} from '../../src/core/access/index.ts';
import { credentialFrom, generatedPassword, NodeScrypt } from '../../src/io/passwords/index.ts';

const made = (
  password: string,
  isGenerated = true,
  scramIterations: number | null = null,
): Promise<Credential> => credentialFrom({ password, isGenerated, scramIterations });

/** What SCRAM keeps of a password that a client has prepared like this. */
function serverKey(prepared: string, { scram }: Credential): Buffer {
  const salted = pbkdf2Sync(prepared, scram?.salt ?? '', scram?.iterations ?? 1, 32, 'sha256');
  return createHmac('sha256', salted).update('Server Key').digest();
}

test('scrypt is that of RFC 7914 §12', async () => {
  const hash = await new NodeScrypt().scrypt(Buffer.from('pleaseletmein'), Buffer.from('SodiumChloride'), {
    logN: 14,
    r: 8,
    p: 1,
  });
  expect(Buffer.from(hash).toString('hex')).toBe(
    '7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2',
  );
});

test('both records are of the password, with salts of their own, as dear as the kind of password asks for', async () => {
  const chosen = await made('secret', false);
  expect(faultInCredential(chosen)).toBeNull();
  expect(chosen.password?.cost).toEqual(USUAL_COST);
  expect(chosen.scram?.iterations).toBe(USUAL_ITERATIONS);
  expect(chosen.password?.salt).not.toEqual(chosen.scram?.salt);
  const { salt = new Uint8Array(0), hash } = chosen.password ?? {};
  expect(await new NodeScrypt().scrypt(Buffer.from('secret'), salt, USUAL_COST)).toEqual(hash);
  expect(serverKey('secret', chosen)).toEqual(chosen.scram?.serverKey);

  const generated = await made(generatedPassword());
  expect(generated.password?.cost).toEqual(GENERATED_COST);
  expect(generated.scram?.iterations).toBe(ITERATIONS_MIN);
  expect((await made('x', true, 5000)).scram?.iterations).toBe(5000);
  expect((await made('same')).password?.salt).not.toEqual((await made('same')).password?.salt);
});

test.each([
  ['I\u00adX', 'IX', 'a soft hyphen is mapped to nothing (RFC 4013 §3)'],
  ['\u00aa', 'a', 'NFKC (RFC 4013 §3)'],
  ['\u2168', 'IX', 'NFKC (RFC 4013 §3)'],
  ['a\u00a0b', 'a b', 'a space that is not ASCII (RFC 4013 §2.1)'],
  ['\u0007', '\u0007', 'what SASLprep prohibits is taken as it is'],
  ['\u{1f600}', '\u{1f600}', 'what it does not know is, too'],
])('for SCRAM %j is prepared as %j: %s', async (password, prepared) => {
  const credential = await made(password);
  expect(serverKey(prepared, credential)).toEqual(credential.scram?.serverKey);
});

test('generated passwords are of 160 bits, in characters that nobody takes for one another, and never the same', () => {
  const all = Array.from({ length: 200 }, generatedPassword);
  expect(new Set(all).size).toBe(200);
  for (const password of all) expect(password).toMatch(/^[a-km-np-z2-9]{32}$/);
  expect(new Set(all.join('')).size).toBe(32);
});
