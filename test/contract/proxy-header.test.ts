/** The header that a load balancer sends. Source: The PROXY protocol, §2.1 (version 1), §2.2 (version 2). */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PROXY_HEADER_BYTES_MAX, readProxyHeader, type ProxyHeader } from '../../src/io/net/index.ts';

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');

type Fields = Readonly<{ versionAndCommand?: number; family: number; body: Buffer; announced?: number }>;

function header({ versionAndCommand = 0x21, family, body, announced = body.length }: Fields): Buffer {
  const fixed = Buffer.from([versionAndCommand, family, announced >> 8, announced & 255]);
  return Buffer.concat([SIGNATURE, fixed, body]);
}

const ports = (from: number, to: number): Buffer => Buffer.from([from >> 8, from & 255, to >> 8, to & 255]);
const TCP4 = Buffer.concat([Buffer.from([203, 0, 113, 9, 10, 0, 0, 1]), ports(40123, 1883)]);
const V6 = Buffer.from('20010db8000000000000000000000042', 'hex');
const TCP6 = Buffer.concat([V6, Buffer.alloc(16, 1), ports(40123, 1883)]);
const MAPPED = Buffer.concat([
  Buffer.from('00000000000000000000ffffcb007109', 'hex'),
  Buffer.alloc(16),
  ports(1, 2),
]);
const TLV = Buffer.from('040003abcdef', 'hex');

const read = (bytes: Buffer | string): ProxyHeader =>
  readProxyHeader(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
const sourceOf = (bytes: Buffer | string): unknown => {
  const found = read(bytes);
  return found.kind === 'header' ? found.source : found;
};

describe('version 2', () => {
  test.each([
    ['TCP over IPv4', header({ family: 0x11, body: TCP4 }), { address: '203.0.113.9', port: 40123 }],
    ['TCP over IPv6', header({ family: 0x21, body: TCP6 }), { address: '2001:db8::42', port: 40123 }],
    [
      'IPv4 in IPv6 comes out as IPv4',
      header({ family: 0x21, body: MAPPED }),
      { address: '203.0.113.9', port: 1 },
    ],
    [
      'LOCAL names nobody, whatever follows',
      header({ versionAndCommand: 0x20, family: 0x11, body: TCP4 }),
      null,
    ],
    [
      'LOCAL with a family that is not known',
      header({ versionAndCommand: 0x20, family: 0x77, body: TLV }),
      null,
    ],
    ['UNSPEC names nobody', header({ family: 0x00, body: TLV }), null],
    ['UDP is let through unnamed', header({ family: 0x12, body: TCP4 }), null],
    ['a UNIX socket is let through unnamed', header({ family: 0x31, body: Buffer.alloc(216) }), null],
    [
      'additional fields are skipped',
      header({ family: 0x11, body: Buffer.concat([TCP4, TLV, TLV]) }),
      { address: '203.0.113.9', port: 40123 },
    ],
  ])('%s', (_, bytes, source) => {
    expect(read(bytes)).toEqual({ kind: 'header', bytes: bytes.length, source });
    // What follows is the client's.
    expect(read(Buffer.concat([bytes, Buffer.from('CONNECT')]))).toEqual({
      kind: 'header',
      bytes: bytes.length,
      source,
    });
    for (let length = 0; length < bytes.length; length += 1)
      expect(read(bytes.subarray(0, length)), `${length} bytes`).toEqual({ kind: 'more' });
  });

  test.each([
    ['another version', header({ versionAndCommand: 0x31, family: 0x11, body: TCP4 }), 'version 3'],
    ['another command', header({ versionAndCommand: 0x22, family: 0x11, body: TCP4 }), 'command 2'],
    ['a family that is not defined', header({ family: 0x41, body: TCP4 }), 'family 65'],
    ['a transport that is not defined', header({ family: 0x13, body: TCP4 }), 'family 19'],
    ['too short for IPv4 addresses', header({ family: 0x11, body: TCP4.subarray(1) }), 'too short'],
    ['too short for IPv6 addresses', header({ family: 0x21, body: TCP4 }), 'too short'],
    ['longer than anybody sends', header({ family: 0x11, body: TCP4, announced: 65_535 }), '65551 bytes'],
  ])('%s is refused, as soon as its first 16 bytes are there', (_, bytes, why) => {
    expect(read(bytes.subarray(0, 16))).toMatchObject({
      kind: 'refused',
      why: expect.stringContaining(why) as string,
    });
  });
});

describe('version 1', () => {
  test.each([
    ['PROXY TCP4 203.0.113.9 10.0.0.1 40123 1883\r\n', { address: '203.0.113.9', port: 40123 }],
    ['PROXY TCP6 2001:DB8:0::42 ::1 40123 1883\r\n', { address: '2001:db8::42', port: 40123 }],
    ['PROXY UNKNOWN\r\n', null],
    ['PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n', null],
  ])('%j', (text, source) => {
    expect(read(`${text}CONNECT`)).toEqual({ kind: 'header', bytes: text.length, source });
    for (let length = 0; length < text.length; length += 1)
      expect(read(text.slice(0, length)), `${length} bytes`).toEqual({ kind: 'more' });
  });

  test.each([
    'PROXY TCP4 203.0.113.9 10.0.0.1 40123 65536\r\n',
    'PROXY TCP4 203.0.113.9 10.0.0.1 040123 1883\r\n',
    'PROXY TCP4 203.0.113.9 10.0.0.1 40123\r\n',
    'PROXY TCP4 203.0.113.9 10.0.0.1 40123 1883 more\r\n',
    'PROXY TCP4 203.0.113 10.0.0.1 40123 1883\r\n',
    'PROXY TCP4 ::1 ::1 40123 1883\r\n',
    'PROXY TCP6 203.0.113.9 10.0.0.1 40123 1883\r\n',
    'PROXY UDP4 203.0.113.9 10.0.0.1 40123 1883\r\n',
    'PROXY  TCP4 203.0.113.9 10.0.0.1 40123 1883\r\n',
    'PROXY \r\n',
    `PROXY TCP4 ${'1'.repeat(100)}`,
    'PROXIES',
  ])('%j is refused', (text) => {
    expect(read(text)).toMatchObject({ kind: 'refused' });
  });
});

test.each(['\x10\x10\x00\x04MQTT', 'GET /mqtt HTTP/1.1\r\n', '\x16\x03\x01', '\r\n\r\n\r\n'])(
  'a connection that begins with %j has no header',
  (text) => {
    expect(read(text)).toEqual({ kind: 'refused', why: 'it does not begin with one' });
  },
);

test('whatever comes is read, refused or waited for; never longer than the bound, never beyond what is there', () => {
  const seeds = [
    header({ family: 0x11, body: TCP4 }),
    header({ family: 0x21, body: TCP6 }),
    Buffer.from('PROXY TCP4 203.0.113.9 10.0.0.1 40123 1883\r\n'),
  ];
  const mutated = fc
    .tuple(
      fc.constantFrom(...seeds),
      fc.array(fc.tuple(fc.nat(60), fc.nat(255)), { maxLength: 4 }),
      fc.uint8Array({ maxLength: 40 }),
      fc.nat(60),
    )
    .map(([seed, changes, tail, length]) => {
      const bytes = Buffer.concat([seed, tail]);
      for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
      return bytes.subarray(0, Math.max(1, bytes.length - length));
    });
  fc.assert(
    fc.property(
      fc.oneof(
        mutated,
        fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
      ),
      (bytes) => {
        const found = read(bytes);
        if (found.kind === 'more') expect(bytes.length).toBeLessThan(PROXY_HEADER_BYTES_MAX);
        if (found.kind !== 'header') return;
        expect(found.bytes).toBeLessThanOrEqual(Math.min(bytes.length, PROXY_HEADER_BYTES_MAX));
        // The same header, whatever comes behind it, and nothing but waiting before it is whole.
        expect(read(bytes.subarray(0, found.bytes))).toEqual(found);
        expect(read(bytes.subarray(0, found.bytes - 1)).kind).toBe('more');
        if (found.source === null) return;
        expect(found.source.port).toBeLessThanOrEqual(65_535);
        expect(found.source.address).toMatch(/^[0-9a-f.:]+$/);
      },
    ),
    { numRuns: 100_000 },
  );
});

test('a header that was written is read again, whatever the addresses, ports and fields', () => {
  const address = fc.oneof(
    fc.uint8Array({ minLength: 4, maxLength: 4 }),
    fc.uint8Array({ minLength: 16, maxLength: 16 }),
  );
  fc.assert(
    fc.property(address, fc.nat(65_535), fc.uint8Array({ maxLength: 200 }), (from, port, fields) => {
      const body = Buffer.concat([from, Buffer.alloc(from.length), ports(port, 1883), fields]);
      const bytes = header({ family: from.length === 4 ? 0x11 : 0x21, body });
      const found = sourceOf(bytes) as { address: string; port: number };
      expect(found.port).toBe(port);
      const wanted = from.length === 4 ? from.join('.') : hextets(Buffer.from(from));
      expect(expanded(found.address, from.length)).toBe(wanted);
    }),
    { numRuns: 2_000 },
  );
});

const hextets = (bytes: Buffer): string =>
  Array.from({ length: 8 }, (_, n) => bytes.readUInt16BE(2 * n).toString(16)).join(':');

/** An address in full, as it would be if nothing were shortened. */
function expanded(address: string, bytes: number): string {
  if (bytes === 4) return address;
  const dotted = /(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  const tail =
    dotted === null
      ? []
      : [0, 2].map((n) => ((Number(dotted[n + 1]) << 8) | Number(dotted[n + 2])).toString(16));
  if (dotted !== null && !address.includes(':')) return ['0', '0', '0', '0', '0', 'ffff', ...tail].join(':');
  const [left = '', right] = (
    dotted === null ? address : address.slice(0, dotted.index) + tail.join(':')
  ).split('::');
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'));
  if (right === undefined) return left;
  const gap = 8 - groups(left).length - groups(right).length;
  return [...groups(left), ...Array.from({ length: gap }, () => '0'), ...groups(right)].join(':');
}
