/** Frames as bytes: what comes out is what went in, or nothing. Source: src/io/channel/frame-codec.ts. */
import fc from 'fast-check';
import { pack, Unpackr } from 'msgpackr';
import { expect, test } from 'vitest';
import { frameBytes, frameFrom, readFrame } from '../../src/io/channel/frame-codec.ts';
import { entriesFrame, sampleFrames } from './sample-frames.ts';

type Value = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Value =>
  typeof value === 'object' && value !== null && !(value instanceof Uint8Array);

/** `value` with one thing changed, everywhere in turn, and where. */
function* changed(value: unknown, change: (was: unknown) => unknown, at = ''): Generator<[string, unknown]> {
  if (!isObject(value)) return;
  for (const key of Object.keys(value)) {
    const copy = (put: unknown): unknown =>
      Array.isArray(value)
        ? value.map((was: unknown, index) => (String(index) === key ? put : was))
        : { ...value, [key]: put };
    yield [`${at}.${key}`, copy(change(value[key]))];
    for (const [where, inner] of changed(value[key], change, `${at}.${key}`)) yield [where, copy(inner)];
  }
}

/** What may be missing, or of any kind. */
const MAY_BE_MISSING = /\.inSync\.(primary|secondary)$|\.(floor|forced|epochs)\.\w+$/;

test('every frame survives its bytes', () => {
  for (const frame of Object.values(sampleFrames)) expect(frameFrom(frameBytes(frame))).toEqual(frame);
});

test('the bytes of a frame hang on no frame before: a decoder that has seen none reads them', () => {
  for (const frame of Object.values(sampleFrames)) {
    frameBytes(frame);
    expect(new Unpackr({ useRecords: false }).unpack(frameBytes(frame))).toEqual(frame);
  }
});

test('a body is not encoded: it lies in the bytes as it is, and comes out as a view of them', () => {
  for (const body of [Buffer.from('abc'), new Uint8Array([1, 2, 3]), Buffer.alloc(100_000, 7)]) {
    const bytes = frameBytes(entriesFrame(1, body));
    expect(bytes.length).toBeLessThan(body.length + 100);
    const frame = frameFrom(bytes);
    if (frame?.type !== 'entries') throw new Error('no entries');
    expect(Buffer.isBuffer(frame.body)).toBe(true);
    expect(frame.body.buffer).toBe(bytes.buffer);
    expect(Buffer.compare(frame.body, body)).toBe(0);
  }
});

test('a frame with any field missing is refused', () => {
  for (const frame of Object.values(sampleFrames))
    for (const [where, value] of changed(frame, () => undefined))
      if (!MAY_BE_MISSING.test(where))
        expect([frame.type, where, readFrame(value)]).toEqual([frame.type, where, null]);
});

test('a frame with any field of another kind is refused', () => {
  const otherKind = (was: unknown): unknown => (typeof was === 'number' ? String(was) : -1);
  for (const frame of Object.values(sampleFrames))
    for (const [where, value] of changed(frame, otherKind))
      expect([frame.type, where, readFrame(value)]).toEqual([frame.type, where, null]);
});

test('numbers that are not whole, and words that are none of ours, are refused', () => {
  for (const number of [-1, 0.5, NaN, Infinity, 2 ** 53])
    expect(readFrame({ ...sampleFrames.beat, number })).toBe(null);
  for (const type of ['', 'nonsense', '__proto__', 'constructor', 7, null])
    expect(readFrame({ type })).toBe(null);
  const { hello } = sampleFrames.hello;
  expect(readFrame({ type: 'hello', hello: { ...hello, protocol: 2 } })).toBe(null);
  expect(readFrame({ type: 'hello', hello: { ...hello, server: 'tertiary' } })).toBe(null);
});

test('whatever the bytes, reading them neither throws nor makes a frame up', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => frameFrom(Buffer.from(bytes)) === null),
  );
  fc.assert(fc.property(fc.anything(), (value) => readFrame(value) === null));
  // The bytes of true frames with some of them changed: a frame or none, and no exception.
  const bytes = Object.values(sampleFrames).map(frameBytes);
  fc.assert(
    fc.property(fc.constantFrom(...bytes), fc.nat(), fc.nat(255), (good, at, byte) => {
      const bad = Buffer.from(good);
      bad[at % bad.length] = byte;
      frameFrom(bad);
    }),
    { numRuns: 5_000 },
  );
  expect(frameFrom(Buffer.from(pack([1, 2])))).toBe(null);
});
