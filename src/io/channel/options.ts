/** Profile sections `backchannel`, `peer` and `pair`: where the two servers find each other, and how each proves to be the other's. */
import { milliseconds, networkPort, text, type Options } from '../../base/index.ts';

export const backchannelOptions = {
  host: text(
    '127.0.0.1',
    'The address on which this server waits for its peer. Give the address of the private network between the two servers; the default only serves a pair on one machine. What is sent there is not encrypted.',
  ),
  port: networkPort(8300, 'The port on which this server waits for its peer.'),
  dialInterval: milliseconds(
    250,
    'How often this server dials its peer while there is no connection. Shorter finds a restarted peer sooner.',
    { min: 20, max: 60_000 },
  ),
} as const;

export type BackchannelOptions = Options<typeof backchannelOptions>;

export const peerOptions = {
  host: text('', "The other server's address on the private network: its backchannel.host."),
  port: networkPort(8300, "The other server's backchannel.port."),
  clientHost: text(
    '',
    'The address at which clients reach the other server, told to them as the place to fail over to. Empty: peer.host.',
    { isEmptyAllowed: true },
  ),
  clientPort: networkPort(
    1883,
    "The other server's MQTT port, told to clients as the place to fail over to.",
  ),
  clientMqttsPort: networkPort(
    8883,
    "The other server's listeners.mqtts.port, told to clients that came by TLS.",
  ),
  clientWsPort: networkPort(
    8083,
    "The other server's listeners.ws.port, told to clients that came by WebSocket.",
  ),
  clientWssPort: networkPort(
    8084,
    "The other server's listeners.wss.port, told to clients that came by secure WebSocket.",
  ),
  adminPort: networkPort(8301, "The other server's admin.port."),
} as const;

export type PeerOptions = Options<typeof peerOptions>;

export const pairIdentityOptions = {
  name: text(
    '',
    'The name of the pair, the same in both profiles. Servers of different pairs refuse each other.',
  ),
  secret: text(
    '',
    'By this secret the two servers know each other; the same in both profiles. Take at least 20 random characters, and keep the profile from other eyes.',
    { form: 'secret' },
  ),
} as const;

export type PairIdentityOptions = Options<typeof pairIdentityOptions>;
