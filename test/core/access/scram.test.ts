/** SCRAM-SHA-256 against the example of RFC 7677 §3, and against a client made of RFC 5802's formulas. */
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  decoyRecord,
  scramRecord,
  ScramServer,
  type ScramRecord,
  type ScramStep,
} from '../../../src/core/access/index.ts';

const recordOf = (password: string, salt: Buffer, iterations: number): ScramRecord =>
  scramRecord(pbkdf2Sync(password, salt, iterations, 32, 'sha256'), { iterations, salt });

const PENCIL = recordOf('pencil', Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'), 4096);
const NONCE = '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0';
const FIRST = 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO';
const FINAL =
  'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=';

const server = (users: Readonly<Record<string, ScramRecord>> = { user: PENCIL }): ScramServer =>
  new ScramServer({
    nonce: NONCE,
    recordOf: (name) => {
      const record = users[name];
      return record === undefined
        ? { record: decoyRecord(Buffer.from('key'), name), isDecoy: true }
        : { record, isDecoy: false };
    },
  });

const say = (to: ScramServer, text: string): [ScramStep['type'], string, ScramStep] => {
  const step = to.step(Buffer.from(text));
  return [step.type, step.data.toString(), step];
};

test('the example of RFC 7677 §3, to the letter', () => {
  const it = server();
  expect(say(it, FIRST).slice(0, 2)).toEqual([
    'challenge',
    'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
  ]);
  const [type, data, step] = say(it, FINAL);
  expect([type, data]).toEqual(['accepted', 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=']);
  expect(step).toMatchObject({ user: 'user' });
});

/** What a client answers to a challenge. Source: RFC 5802 §3. */
function finalOf(bare: string, challenge: string, password: string, header = 'n,,'): string {
  const [, nonce = '', salt = '', iterations = ''] = /^r=(.*),s=(.*),i=(\d+)$/.exec(challenge) ?? [];
  const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
  const salted = pbkdf2Sync(password, Buffer.from(salt, 'base64'), Number(iterations), 32, 'sha256');
  const clientKey = hmac(salted, 'Client Key');
  const without = `c=${Buffer.from(header).toString('base64')},r=${nonce}`;
  const signature = hmac(createHash('sha256').update(clientKey).digest(), `${bare},${challenge},${without}`);
  return `${without},p=${Buffer.from(clientKey.map((byte, at) => byte ^ signature.readUInt8(at))).toString('base64')}`;
}

test('whoever knows the password is let in, under whatever name and salt, and nobody else is', () => {
  const word = fc.string({ minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(
      word,
      word,
      word,
      fc.uint8Array({ minLength: 8, maxLength: 20 }),
      (name, password, tried, salt) => {
        fc.pre(!name.includes('\0'));
        const it = server({ [name]: recordOf(password, Buffer.from(salt), 4096) });
        const bare = `n=${name.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=abc`;
        const [, challenge] = say(it, `n,,${bare}`);
        const [type, , step] = say(it, finalOf(bare, challenge, tried));
        expect(type).toBe(tried === password ? 'accepted' : 'refused');
        if (step.type === 'accepted') expect(step.user).toBe(name);
      },
    ),
    { numRuns: 60 },
  );
});

test('a name that nobody has is challenged like any other, always with the same salt, and refused like a wrong password', () => {
  const challenges = ['nobody', 'nobody', 'no one'].map((name) => {
    const it = server();
    const [type, challenge] = say(it, `n,,n=${name},r=abc`);
    expect(type).toBe('challenge');
    expect(say(it, finalOf(`n=${name},r=abc`, challenge, 'x')).slice(0, 2)).toEqual([
      'refused',
      'e=invalid-proof',
    ]);
    return challenge;
  });
  expect(challenges[0]).toBe(challenges[1]);
  expect(challenges[0]).not.toBe(challenges[2]);
  const known = server();
  const [, challenge] = say(known, 'n,,n=user,r=abc');
  expect(say(known, finalOf('n=user,r=abc', challenge, 'x')).slice(0, 2)).toEqual([
    'refused',
    'e=invalid-proof',
  ]);
});

test('a client that could bind to the channel and sees that the server does not offer it is let in (RFC 5802 §6: y)', () => {
  const it = server();
  const [, challenge] = say(it, 'y,,n=user,r=abc');
  expect(say(it, finalOf('n=user,r=abc', challenge, 'pencil', 'y,,'))[0]).toBe('accepted');
  const other = server();
  const [, again] = say(other, 'y,,n=user,r=abc');
  expect(say(other, finalOf('n=user,r=abc', again, 'pencil', 'n,,')).slice(0, 2)).toEqual([
    'refused',
    'e=channel-bindings-dont-match',
  ]);
});

test('to act for oneself may be said, to act for another is refused', () => {
  const it = server();
  const [, challenge] = say(it, 'n,a=user,n=user,r=abc');
  expect(say(it, finalOf('n=user,r=abc', challenge, 'pencil', 'n,a=user,'))[0]).toBe('accepted');
  expect(say(server(), 'n,a=root,n=user,r=abc')[0]).toBe('refused');
});

test.each([
  ['', 'e=other-error'],
  ['n', 'e=other-error'],
  ['n,,n=user', 'e=other-error'],
  ['n,,n=user,r=', 'e=other-error'],
  ['n,,n=user,r=a\u0007', 'e=other-error'],
  ['n,,r=abc', 'e=invalid-username-encoding'],
  ['n,,n=,r=abc', 'e=invalid-username-encoding'],
  ['n,,n=a=2Db,r=abc', 'e=invalid-username-encoding'],
  ['n,,m=x,n=user,r=abc', 'e=extensions-not-supported'],
  ['p=tls-unique,,n=user,r=abc', 'e=channel-binding-not-supported'],
])('a first message %j is refused with %s', (message, error) => {
  expect(say(server(), message).slice(0, 2)).toEqual(['refused', error]);
});

test.each([
  '',
  'c=biws',
  'c=biws,r=x,p=AAAA',
  FINAL.replace('p=', 'p=AA'),
  FINAL.replace('k0,', 'k1,'),
  FINAL.slice(0, -4),
  `${FINAL},`,
  FINAL.replace('biws', 'eSws'),
])('a final message %j is refused, and the conversation is over', (message) => {
  const it = server();
  say(it, FIRST);
  expect(say(it, message)[0]).toBe('refused');
  expect(say(it, FINAL)[0]).toBe('refused');
});

test('whatever comes, nothing is thrown', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          fc.uint8Array({ maxLength: 80 }),
          fc.constantFrom(FIRST, FINAL, 'n,,n=user,r=a,x=y').map((text) => Buffer.from(text)),
        ),
        { maxLength: 4 },
      ),
      (messages) => {
        const it = server();
        for (const message of messages) it.step(message);
      },
    ),
    { numRuns: 500 },
  );
});
