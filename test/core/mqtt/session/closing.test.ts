import { expect, test } from 'vitest';
import { REASON } from '../../../../src/core/mqtt/index.ts';
import { ack, disconnect } from '../packets.ts';
import { bytesOf, connected, NOW, v5, violationOf } from './conversation.ts';

test('a plain farewell takes the will back [MQTT-3.14.4-3, MQTT-3.1.2-10], and only a plain one', () => {
  const farewell = { type: 'depart', will: 'forgotten', expirySeconds: null };
  expect(connected().step(disconnect(), NOW)).toEqual(farewell);
  expect(connected(v5).step(disconnect(), NOW)).toEqual(farewell);
  for (const reason of [REASON.disconnectWithWill, REASON.unspecifiedError])
    expect(connected(v5).step(disconnect({ reason }), NOW)).toMatchObject({ type: 'depart', will: 'kept' });
});

test('DISCONNECT may change how long the session is kept, within what the server keeps; but not from nothing [5.0 §3.14.2.2.2]', () => {
  const farewell = (asked: number, expirySeconds: number) =>
    connected(
      { ...v5, isClean: false, expirySeconds: asked },
      { limits: { sessionExpirySecondsMax: 100 } },
    ).step(disconnect({ expirySeconds }), NOW);
  expect(farewell(10, 20)).toMatchObject({ expirySeconds: 20 });
  expect(farewell(10, 0)).toMatchObject({ expirySeconds: 0 });
  expect(farewell(10, 200)).toMatchObject({ expirySeconds: 100 });
  expect(farewell(0, 0)).toMatchObject({ expirySeconds: 0 });
  expect(violationOf(() => farewell(0, 1))).toContain('0x82');
});

test('PINGREQ is answered [MQTT-3.12.4-1]; PUBACK settles, PUBREC releases, PUBCOMP completes, and a PUBREC that refuses ends it', () => {
  expect(bytesOf(connected().step({ type: 'pingreq' }, NOW))).toBe('d000');
  expect(connected().step(ack('puback', 9), NOW)).toEqual({ type: 'settle', packetId: 9 });
  expect(connected().step(ack('pubrec', 9), NOW)).toEqual({ type: 'release', packetId: 9 });
  expect(connected().step(ack('pubcomp', 9), NOW)).toEqual({ type: 'complete', packetId: 9 });
  const refused = ack('pubrec', 9, { reason: REASON.quotaExceeded });
  expect(connected(v5).step(refused, NOW)).toEqual({ type: 'abandon', packetId: 9 });
});
