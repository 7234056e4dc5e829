/** However many clients of TLS greet at once, heartbeats leave in time. Source: src/io/net/tls/turnstile.ts. */
import { expect, test } from 'vitest';
import { Turnstile } from '../../src/io/net/tls/turnstile.ts';

test('few pass at each turn of the event loop, in their order, those who come meanwhile behind the others', async () => {
  const turnstile = new Turnstile();
  const passed: number[] = [];
  const enter = (number: number): void =>
    turnstile.pass(() => {
      passed.push(number);
      if (number === 0) enter(100);
    });
  for (let number = 0; number < 100; number += 1) enter(number);
  expect(passed).toEqual([]);
  const perTurn: number[] = [];
  while (passed.length < 101) {
    const before = passed.length;
    await new Promise((resolve) => setImmediate(resolve));
    perTurn.push(passed.length - before);
  }
  expect(Math.max(...perTurn)).toBe(16);
  expect(passed).toEqual(Array.from({ length: 101 }, (_, n) => n));
  // It turns again after it has stood still.
  await new Promise<void>((resolve) => turnstile.pass(resolve));
});
