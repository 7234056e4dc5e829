/** Whether bytes are well-formed UTF-8. Source: RFC 3629; MQTT 5.0 MQTT-1.5.4-1, §3.3.2.3.2 (payload format). */

/**
 * Takes time and memory as the bytes are many: for a payload only where somebody wants it looked at. U+0000 is well-formed, and a payload
 * may hold it.
 */
export function isUtf8(bytes: Uint8Array): boolean {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = buffer.toString('utf8');
  // The decoder puts U+FFFD in place of what is ill-formed; where that character itself was sent, the bytes come out again.
  return !text.includes('\ufffd') || Buffer.from(text).equals(buffer);
}
