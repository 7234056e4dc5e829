/**
 * Each publisher's messages come for the first time in the order in which they were sent. What a client held back itself is not the server's doing:
 * MQTT.js, whose connection breaks while it re-sends, may leave a message out and send it after later ones. Source: MQTT-4.6.0-1, MQTT-4.6.0-5.
 */
import type { WireEvent } from './wire.ts';

/** `received`: the numbers of one publisher in the order they came; `wire`: this publisher's events in their order. */
export function orderFaults(received: readonly number[], wire: readonly WireEvent[]): string[] {
  const faults: string[] = [];
  const had = new Set<number>();
  let highest = 0;
  for (const number of received) {
    if (!had.has(number) && number < highest && !wasLeftOut(number, highest, wire))
      faults.push(`${number} came after ${highest}`);
    had.add(number);
    highest = Math.max(highest, number);
  }
  return faults;
}

/** On some connection the client sent `later` without `earlier` before it, which nobody had acknowledged. */
function wasLeftOut(earlier: number, later: number, wire: readonly WireEvent[]): boolean {
  const sentOn = new Set<number>();
  for (const { what, number, connection } of wire) {
    if (number === earlier && what === 'acked') return false;
    if (number === earlier) sentOn.add(connection);
    if (number === later && what === 'sent' && !sentOn.has(connection)) return true;
  }
  return false;
}
