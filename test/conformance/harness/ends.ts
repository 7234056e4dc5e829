/** How a connection ends that has broken MQTT 5. Source: MQTT 5.0 §4.13. */
import { expect } from 'vitest';

const code = (reason: number): string => `0x${reason.toString(16).padStart(2, '0')}`;

/** The last that a client heard is a DISCONNECT with one of these reasons, and the end. */
export function leftWith(heard: readonly string[], ...reasons: readonly number[]): void {
  expect(reasons.map((reason) => [`disconnect ${code(reason)}`, 'closed'])).toContainEqual(heard.slice(-2));
}

/** A CONNECT was refused with one of these reasons, or without a word, which the specification allows. */
export function refusedWith(heard: readonly string[], ...reasons: readonly number[]): void {
  expect([['closed'], ...reasons.map((reason) => [`connack ${code(reason)}`, 'closed'])]).toContainEqual(
    heard,
  );
}
