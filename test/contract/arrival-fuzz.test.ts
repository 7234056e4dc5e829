/** Strangers at every kind of port, with bytes that are nearly right: each costs its own connection, and nobody else is disturbed. */
import { expect, test } from 'vitest';
import { bytesOf, closed, KINDS, kindText, openPort, until } from './listener-fixture.ts';

const HEADER = Buffer.from('0d0a0d0a000d0a515549540a2111000cc000024d7f0000019cbb075b', 'hex');
const REQUEST = Buffer.from(
  'GET /mqtt HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n',
);
/** A masked binary message with an MQTT CONNECT in it. */
const FRAME = Buffer.from('828e0000000010' + '0c00044d5154540402003c0000', 'hex');
const HELLO = Buffer.from('160301006a010000660303' + '00'.repeat(32) + '00000213010100003b', 'hex');
const SEEDS: readonly Buffer[] = [HEADER, REQUEST, FRAME, HELLO];
const STRANGERS = 150;

/** mulberry32: the same nonsense in every run. */
function drawer(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

test.each(KINDS.map((kind, n) => [kindText(kind), kind, n] as const))(
  `${STRANGERS} strangers at %s`,
  async (_, kind, n) => {
    const port = await openPort(kind, { arrivalMs: 200 });
    const { client, one } = await port.met();
    const draw = drawer(2026 + n);
    const nonsense = (): Buffer => {
      const from = draw(SEEDS.length);
      const bytes = Buffer.concat(SEEDS.slice(from, from + 1 + draw(3)));
      for (let changes = draw(4); changes > 0; changes -= 1) bytes[draw(bytes.length)] = draw(256);
      return bytes.subarray(0, 1 + draw(bytes.length));
    };
    const strangers = Array.from({ length: STRANGERS }, async () => {
      const socket = await port.raw();
      const isOver = closed(socket);
      socket.write(nonsense());
      if (draw(2) === 0) socket.end(nonsense());
      // Who became a stream is the upper side's to end.
      await Promise.race([isOver, new Promise((resolve) => setTimeout(resolve, 400))]);
      socket.destroy();
    });
    await Promise.all(strangers);
    void client.send(Buffer.from('hello'));
    await until(() => Buffer.concat(one.data).toString() === 'hello');
    one.stream.write(Buffer.from('hello yourself'));
    await until(() => bytesOf(client).toString() === 'hello yourself');
    await port.met();
    await until(() => port.heard.filter((each) => each.closed === 0).length === 2);
    expect(port.heard.every((each) => each.closed <= 1)).toBe(true);
  },
);
