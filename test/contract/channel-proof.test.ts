/** How the servers prove themselves: what convinces nobody. Source: src/io/channel/proof.ts. */
import { expect, test } from 'vitest';
import { incarnation } from '../../src/core/pair/index.ts';
import {
  answerTo,
  challengeText,
  judge,
  refusalOf,
  REFUSALS,
  type Credentials,
} from '../../src/io/channel/proof.ts';

const primary: Credentials = {
  server: 'primary',
  incarnation: incarnation('a'),
  pairName: 'plant 7',
  secret: 'x y z',
};
const secondary: Credentials = { ...primary, server: 'secondary', incarnation: incarnation('b') };

const answered = (self: Credentials, listenerNonce: string, dialerNonce: string) => {
  const answering = answerTo(challengeText(listenerNonce), self, dialerNonce);
  if (answering.kind === 'refused') throw new Error(`refused: ${answering.refusal}`);
  return answering;
};
const welcomed = (answer: string, self: Credentials, nonce: string): string => {
  const judgement = judge(answer, self, nonce);
  return judgement.kind === 'proven' ? judgement.welcome : `refused: ${judgement.refusal}`;
};

test('each is convinced by the other, and the secret is in no message', () => {
  const answer = answered(primary, 'n1', 'n2');
  const welcome = welcomed(answer.text, secondary, 'n1');
  expect(answer.isWelcomedBy(welcome)).toBe(true);
  expect(answer.text + welcome + challengeText('n1')).not.toContain(primary.secret);
});

test('an answer to another challenge is refused', () => {
  expect(welcomed(answered(primary, 'n1', 'n2').text, secondary, 'n3')).toBe('refused: secret');
});

test('a welcome to another answer convinces nobody', () => {
  const welcome = welcomed(answered(primary, 'n1', 'n2').text, secondary, 'n1');
  expect(answered(primary, 'n1', 'n3').isWelcomedBy(welcome)).toBe(false);
  expect(answered(primary, 'n4', 'n2').isWelcomedBy(welcome)).toBe(false);
});

test("a dialer's own proof sent back is no welcome, and a listener's is no answer", () => {
  const answer = answered(primary, 'n1', 'n2');
  expect(answer.isWelcomedBy(answer.text)).toBe(false);
  const { proof } = JSON.parse(welcomed(answer.text, secondary, 'n1')) as { proof: string };
  const forged = JSON.stringify({ ...(JSON.parse(answer.text) as object), proof });
  expect(welcomed(forged, secondary, 'n1')).toBe('refused: secret');
});

test("a primary's answer brought back to the primary's own port is refused, whatever name is put on it", () => {
  const { text } = answered(primary, 'n1', 'n2');
  const other = { ...primary, incarnation: incarnation('c') };
  expect(welcomed(text, primary, 'n1')).toBe('refused: self');
  expect(welcomed(text, other, 'n1')).toBe('refused: sameServer');
  expect(welcomed(text.replace('"primary"', '"secondary"'), other, 'n1')).toBe('refused: secret');
});

test('each part of an answer is covered by its proof', () => {
  const { text } = answered(primary, 'n1', 'n2');
  const parts = JSON.parse(text) as Record<string, unknown>;
  for (const [name, value] of Object.entries({ incarnation: 'd', nonce: 'n9', proof: '00' }))
    expect(welcomed(JSON.stringify({ ...parts, [name]: value }), secondary, 'n1')).toBe('refused: secret');
  expect(
    welcomed(JSON.stringify({ ...parts, pair: 'plant 8' }), { ...secondary, pairName: 'plant 8' }, 'n1'),
  ).toBe('refused: secret');
});

test('another version is told from nonsense, whatever else it says', () => {
  expect(welcomed('{"lockstep":2}', secondary, 'n1')).toBe('refused: version');
  expect(answerTo('{"lockstep":2,"hello":1}', primary, 'n')).toEqual({ kind: 'refused', refusal: 'version' });
  for (const nonsense of ['', 'null', '[]', '7', '{}', '{"lockstep":1}', '{"lockstep":1,"nonce":[]}']) {
    expect(welcomed(nonsense, secondary, 'n1')).toBe('refused: nonsense');
    expect(answerTo(nonsense, primary, 'n')).toEqual({ kind: 'refused', refusal: 'nonsense' });
  }
});

test('every refusal has a close code of its own', () => {
  for (const [refusal, code] of Object.entries(REFUSALS)) expect(refusalOf(code)).toBe(refusal);
  expect(refusalOf(1006)).toBe(null);
});
