/**
 * The header that a load balancer puts before a client's bytes, to say whom it speaks for: PROXY protocol, version 1 (text) and 2
 * (binary). Pure. Additional fields (TLVs) of version 2 are skipped. Source: The PROXY protocol, Willy Tarreau, §2.1, §2.2.
 */
import { isIPv4, isIPv6, SocketAddress } from 'node:net';

export type Endpoint = Readonly<{ address: string; port: number }>;

export type ProxyHeader = Readonly<
  /** What has come so far may be the beginning of one. */
  | { kind: 'more' }
  | { kind: 'refused'; why: string }
  /**
   * `bytes`: its length; the client's own bytes follow. `source`: the client; null where the balancer speaks for itself (LOCAL, UNKNOWN)
   * or for a client without an IP address.
   */
  | { kind: 'header'; bytes: number; source: Endpoint | null }
>;

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
const WORD = Buffer.from('PROXY ', 'latin1');
/** Source: §2.1: the longest line, with both addresses in full. */
const LINE_BYTES_MAX = 107;
const FIXED_BYTES = 16;
/** Room for every field that balancers are known to add, a client's certificate among them; the format allows for 64 KiB. */
export const PROXY_HEADER_BYTES_MAX = 16 * 1024;

const MORE: ProxyHeader = { kind: 'more' };
const refused = (why: string): ProxyHeader => ({ kind: 'refused', why });

/** Looks at all that has come from the beginning of a connection. */
export function readProxyHeader(bytes: Buffer): ProxyHeader {
  if (begins(bytes, SIGNATURE)) return bytes.length < FIXED_BYTES ? MORE : binary(bytes);
  if (begins(bytes, WORD)) return bytes.length < WORD.length ? MORE : line(bytes);
  return refused('it does not begin with one');
}

/** As far as both go. */
function begins(bytes: Buffer, mark: Buffer): boolean {
  const length = Math.min(bytes.length, mark.length);
  return bytes.subarray(0, length).equals(mark.subarray(0, length));
}

function binary(bytes: Buffer): ProxyHeader {
  const [versionAndCommand, family, bodyBytes] = [
    bytes.readUInt8(12),
    bytes.readUInt8(13),
    bytes.readUInt16BE(14),
  ];
  if (versionAndCommand >> 4 !== 2) return refused(`its version ${versionAndCommand >> 4} is not known`);
  const command = versionAndCommand & 0x0f;
  if (command > 1) return refused(`its command ${command} is not known`);
  const length = FIXED_BYTES + bodyBytes;
  if (length > PROXY_HEADER_BYTES_MAX)
    return refused(`it has ${length} bytes, more than ${PROXY_HEADER_BYTES_MAX}`);
  // For LOCAL everything behind the command is to be ignored.
  const addressBytes = command === 0 ? 0 : ADDRESS_BYTES[family];
  if (addressBytes === undefined) return refused(`its address family ${family} is not known`);
  if (addressBytes > 0 && bodyBytes < 2 * addressBytes + 4)
    return refused('it is too short for its addresses');
  if (bytes.length < length) return MORE;
  if (addressBytes === 0) return { kind: 'header', bytes: length, source: null };
  const source = {
    address: addressText(bytes.subarray(FIXED_BYTES, FIXED_BYTES + addressBytes)),
    port: bytes.readUInt16BE(FIXED_BYTES + 2 * addressBytes),
  };
  return { kind: 'header', bytes: length, source };
}

/** By the byte of family and transport; 0: none that is ours (UNSPEC, UDP, UNIX), let through as the balancer itself. */
const ADDRESS_BYTES: Readonly<Record<number, number>> = {
  0x00: 0,
  0x11: 4,
  0x12: 0,
  0x21: 16,
  0x22: 0,
  0x31: 0,
  0x32: 0,
};

function addressText(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, n) => bytes.readUInt16BE(2 * n).toString(16));
  return shortAddress(groups.join(':'));
}

function line(bytes: Buffer): ProxyHeader {
  const end = bytes.subarray(0, LINE_BYTES_MAX).indexOf('\r\n');
  if (end === -1) return bytes.length < LINE_BYTES_MAX ? MORE : refused('its line has no end');
  const [, protocol, from = '', to = '', fromPort = '', toPort = '', ...more] = bytes
    .subarray(0, end)
    .toString('latin1')
    .split(' ');
  const length = end + 2;
  // What follows is to be ignored.
  if (protocol === 'UNKNOWN') return { kind: 'header', bytes: length, source: null };
  const isAddress = protocol === 'TCP4' ? isIPv4 : protocol === 'TCP6' ? isIPv6 : null;
  if (isAddress === null) return refused('its protocol is not known');
  const isWhole = [from, to].every(isAddress) && [fromPort, toPort].every(isPort) && more.length === 0;
  if (!isWhole) return refused('its addresses are not readable');
  return { kind: 'header', bytes: length, source: { address: shortAddress(from), port: Number(fromPort) } };
}

const isPort = (text: string): boolean => /^(0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535;

/** One spelling for one address: the short one of IPv6, and plain IPv4 where an IPv6 address only carries one. */
export function shortAddress(address: string): string {
  if (!isIPv6(address) || address.includes('%')) return address;
  const short = new SocketAddress({ family: 'ipv6', address }).address;
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(short)?.[1] ?? short;
}
