/** Fields of a packet, written where they go; each gives the place behind it. Source: MQTT 3.1.1 §1.5, §2.2.3; MQTT 5.0 §1.5. */

/** Up to here a loop over the characters is quicker than a call out of JavaScript. */
const SHORT = 48;

/** How many bytes of UTF-8 a string has, without its length in front. */
export function textSize(text: string): number {
  const { length } = text;
  if (length > SHORT) return Buffer.byteLength(text);
  for (let n = 0; n < length; n += 1) if (text.charCodeAt(n) >= 0x80) return Buffer.byteLength(text);
  return length;
}

/** `size`: its `textSize`. */
export function writeText(bytes: Buffer, text: string, size: number, start: number): number {
  bytes[start] = size >> 8;
  bytes[start + 1] = size;
  const at = start + 2;
  if (size > SHORT || size !== text.length) return at + bytes.write(text, at, 'utf8');
  for (let n = 0; n < size; n += 1) bytes[at + n] = text.charCodeAt(n);
  return at + size;
}

export const varintSize = (value: number): number =>
  value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : 4;

export function writeVarint(bytes: Buffer, value: number, start: number): number {
  let at = start;
  let left = value;
  while (left >= 0x80) {
    bytes[at] = (left & 0x7f) | 0x80;
    left >>= 7;
    at += 1;
  }
  bytes[at] = left;
  return at + 1;
}
