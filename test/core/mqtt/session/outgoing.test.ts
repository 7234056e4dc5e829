import { expect, test } from 'vitest';
import { Message, type Delivery } from '../../../../src/core/broker/index.ts';
import type { Connect } from '../../../../src/core/mqtt/index.ts';
import { connected, content, NOW, v5, type More } from './conversation.ts';

const message = (more: Partial<typeof content> = {}): Message =>
  new Message({ seq: 1, index: 0 }, { ...content, ...more });

const delivery = (of: Message = message(), more: Partial<Delivery> = {}): Delivery => ({
  message: of,
  qos: 1,
  isRetained: false,
  ids: [],
  ...more,
});

const outgoing = (packet: Partial<Connect> = v5, more: More = {}) => connected(packet, more).outgoing();

type Sender = ReturnType<typeof outgoing>;

const hexOf = (sender: Sender, of: Delivery, sent = { packetId: 1, isDup: false }, now = NOW): string =>
  Buffer.concat(sender.publish(of, sent, now)).toString('hex');

test('a message goes out at the client’s level, marked as it is sent', () => {
  const retained = delivery(message(), { isRetained: true });
  expect(hexOf(outgoing({}), retained, { packetId: 7, isDup: true })).toBe(
    '3b06000174 0007 6d'.replaceAll(' ', ''),
  );
  expect(hexOf(outgoing(), retained, { packetId: 7, isDup: true })).toBe(
    '3b07000174 0007 00 6d'.replaceAll(' ', ''),
  );
  const plain = delivery(message(), { qos: 0 });
  expect(hexOf(outgoing(), plain, { packetId: 0, isDup: false })).toBe(
    '3005000174 00 6d'.replaceAll(' ', ''),
  );
});

test('the subscriber is told what is left of the message’s time, in seconds begun [MQTT5-3.3.2-6]', () => {
  const expiring = delivery(message({ expiresAt: NOW + 10_000 }));
  const leftAt = (now: number) => /02([0-9a-f]{8})6d$/.exec(hexOf(outgoing(), expiring, undefined, now))?.[1];
  expect(leftAt(NOW)).toBe('0000000a');
  expect(leftAt(NOW + 1)).toBe('0000000a');
  expect(leftAt(NOW + 9_001)).toBe('00000001');
  // Sent again after its time, because the client may have it already.
  expect(leftAt(NOW + 11_000)).toBe('00000000');
  expect(hexOf(outgoing({}), expiring)).not.toContain('02000000');
});

test('all identifiers of the subscriptions that match go along [MQTT5-3.3.4-3, MQTT5-3.3.4-4]', () => {
  expect(hexOf(outgoing(), delivery(message(), { ids: [5, 200] }))).toContain('0b050bc801');
});

test('a topic gets an alias when it is first sent, and goes without its name from then on', () => {
  const sender = outgoing({ ...v5, aliasMax: 2 }, { limits: { aliasMax: 10 } });
  const send = (address: string) => hexOf(sender, delivery(message({ address })));
  expect(send('aa')).toBe('320b 0002 6161 0001 03 230001 6d'.replaceAll(' ', ''));
  expect(send('aa')).toBe('3209 0000 0001 03 230001 6d'.replaceAll(' ', ''));
  expect(send('bb')).toContain('230002');
  // The one that was not sent for longest makes way.
  send('aa');
  expect(send('cc')).toBe('320b 0002 6363 0001 03 230002 6d'.replaceAll(' ', ''));
  expect(send('aa')).toContain('0000000103230001');
  expect(send('bb')).toContain('6262');
});

test('no alias goes to a client that takes none [MQTT5-3.1.2-27], and none beyond what it takes or the server keeps [MQTT5-3.1.2-26]', () => {
  const aliases = (theirs: number, ours: number) => {
    const sender = outgoing({ ...v5, aliasMax: theirs }, { limits: { aliasMax: ours } });
    return ['a', 'b', 'c'].map((address) => {
      const [, alias] = /(?:23)(000.)6d$/.exec(hexOf(sender, delivery(message({ address })))) ?? [];
      return alias ?? 'none';
    });
  };
  expect(aliases(0, 10)).toEqual(['none', 'none', 'none']);
  expect(aliases(10, 0)).toEqual(['none', 'none', 'none']);
  expect(aliases(1, 10)).toEqual(['0001', '0001', '0001']);
  expect(aliases(10, 2)).toEqual(['0001', '0002', '0001']);
});

test('a message that is longer than the client takes does not fit [MQTT5-3.1.2-24], and an alias never makes it longer', () => {
  const long = delivery(message({ payload: Buffer.alloc(20) }));
  const length = hexOf(outgoing(), long).length / 2;
  expect(outgoing({ ...v5, packetSizeMax: length }).fits(long)).toBe(true);
  expect(outgoing({ ...v5, packetSizeMax: length - 1 }).fits(long)).toBe(false);
  expect(outgoing({}).fits(long)).toBe(true);
  const sender = outgoing({ ...v5, packetSizeMax: length, aliasMax: 5 }, { limits: { aliasMax: 5 } });
  expect(sender.fits(long)).toBe(true);
  expect(hexOf(sender, long).length / 2).toBe(length);
  // Nor does one that stands for the topic already, and is longer than it.
  expect(hexOf(sender, delivery(message({ payload: Buffer.alloc(1) })))).toMatch(/230001/);
  expect(hexOf(sender, long).length / 2).toBe(length);
});

test('a long payload is not copied: it follows its packet’s head as a piece of its own', () => {
  const long = message({ payload: Buffer.alloc(100_000, 'x') });
  const pieces = outgoing().publish(delivery(long), { packetId: 1, isDup: false }, NOW);
  expect(pieces).toHaveLength(2);
  expect(pieces[1]).toBe(long.payload);
  expect(hexOf(outgoing(), delivery(long)).slice(0, 8)).toBe('32a68d06');
});

test('PUBREL says in MQTT 5 that nothing is known of an identifier', () => {
  expect(outgoing().pubrel(9, true).toString('hex')).toBe('62020009');
  expect(outgoing().pubrel(9, false).toString('hex')).toBe('6203000992');
  expect(outgoing({}).pubrel(9, false).toString('hex')).toBe('62020009');
});
