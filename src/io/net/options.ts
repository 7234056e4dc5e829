/** Profile sections `listeners` and `tls`: where clients connect while this server serves, and by which certificates. */
import { choice, flag, networkPort, text, type Options } from '../../base/index.ts';

const OPEN_ONLY = 'It is only open while the server serves.';
const EVERYWHERE = '0.0.0.0: every IPv4 address of this machine; "::": every address, IPv4 and IPv6.';

const proxyProtocol = choice(
  'off',
  ['off', 'required'] as const,
  "Whether a load balancer tells each client's address in a PROXY protocol header (version 1 or 2) before anything else. Required: a connection without one is closed; let nobody but the balancer reach the port, since the header is believed.",
);

const webSocketPath = text(
  '/mqtt',
  'The path at which WebSocket clients are taken, as in ws://host:port/mqtt.',
);

export const mqttListenerOptions = {
  enabled: flag(true, 'Whether clients may connect by TCP, without encryption.'),
  host: text(
    '127.0.0.1',
    `The address on which this server waits for MQTT clients. ${EVERYWHERE} Nothing sent there is encrypted; look at access.anonymous before you open it to others.`,
  ),
  port: networkPort(1883, `The port on which this server waits for MQTT clients. ${OPEN_ONLY}`),
  proxyProtocol,
} as const;

export const mqttsListenerOptions = {
  enabled: flag(false, 'Whether clients may connect by TLS. Section tls says with which certificates.'),
  host: text('127.0.0.1', `The address on which this server waits for MQTT clients with TLS. ${EVERYWHERE}`),
  port: networkPort(8883, `The port on which this server waits for MQTT clients with TLS. ${OPEN_ONLY}`),
  proxyProtocol,
} as const;

export const wsListenerOptions = {
  enabled: flag(false, 'Whether clients may connect by WebSocket.'),
  host: text('127.0.0.1', `The address on which this server waits for WebSocket clients. ${EVERYWHERE}`),
  port: networkPort(8083, `The port on which this server waits for WebSocket clients. ${OPEN_ONLY}`),
  path: webSocketPath,
  proxyProtocol,
} as const;

export const wssListenerOptions = {
  enabled: flag(
    false,
    'Whether clients may connect by secure WebSocket. Section tls says with which certificates.',
  ),
  host: text(
    '127.0.0.1',
    `The address on which this server waits for secure WebSocket clients. ${EVERYWHERE}`,
  ),
  port: networkPort(8084, `The port on which this server waits for secure WebSocket clients. ${OPEN_ONLY}`),
  path: webSocketPath,
  proxyProtocol,
} as const;

const file = (meaning: string): ReturnType<typeof text> =>
  text('', `${meaning} Empty: none.`, { form: 'path', isEmptyAllowed: true });

export const tlsOptions = {
  certificateFile: file(
    'The certificate of this server, PEM, with the certificates of those who signed it behind it. Needed by listeners.mqtts and listeners.wss.',
  ),
  keyFile: file("The certificate's private key, PEM. Keep it from other eyes."),
  keyPassphrase: text('', 'The passphrase of the private keys, where they have one.', {
    form: 'secret',
    isEmptyAllowed: true,
  }),
  sniDirectory: file(
    'A directory of further certificates, for clients that ask for other host names: <host>.crt with <host>.key beside it; *.example.org.crt serves every host directly below example.org. Who asks for none of them gets certificateFile.',
  ),
  clientCertificates: choice(
    'none',
    ['none', 'optional', 'required'] as const,
    'Whether clients show certificates of their own. Optional: one that is shown must be good. Required: who shows none is refused.',
  ),
  clientCaFile: file('The certificates of those who may sign the certificates of clients, PEM.'),
  minVersion: choice('TLSv1.2', ['TLSv1.2', 'TLSv1.3'] as const, 'The oldest version of TLS that is spoken.'),
} as const;

export type TlsOptions = Options<typeof tlsOptions>;

export const listenerOptions = {
  mqtt: mqttListenerOptions,
  mqtts: mqttsListenerOptions,
  ws: wsListenerOptions,
  wss: wssListenerOptions,
} as const;

/** The listeners' keys in the profile. */
export type ListenerName = keyof typeof listenerOptions;

export type ListenerSettings = Readonly<{
  [N in ListenerName]: Options<(typeof listenerOptions)[N]>;
}>;

/** What must hold between the keys of both sections: what is wrong, by key. */
export function checkListeners(
  listeners: ListenerSettings,
  tls: TlsOptions,
): { key: string; found: string | boolean; wanted: string }[] {
  const wrong: { key: string; found: string | boolean; wanted: string }[] = [];
  const isOpen = Object.values(listeners).some(({ enabled }) => enabled);
  if (!isOpen)
    wrong.push({ key: 'listeners.mqtt.enabled', found: false, wanted: 'true, or another listener enabled' });
  for (const name of ['ws', 'wss'] as const) {
    const found = listeners[name].path;
    if (!/^\/[^\s?#]*$/.test(found))
      wrong.push({ key: `listeners.${name}.path`, found, wanted: 'a path that begins with /' });
  }
  const user = listeners.mqtts.enabled ? 'listeners.mqtts' : listeners.wss.enabled ? 'listeners.wss' : null;
  if (user === null) return wrong;
  const need = (name: 'certificateFile' | 'keyFile' | 'clientCaFile', why: string): void => {
    if (tls[name] === '') wrong.push({ key: `tls.${name}`, found: '', wanted: `a file: ${why}` });
  };
  need('certificateFile', `${user} is enabled`);
  need('keyFile', `${user} is enabled`);
  if (tls.clientCertificates !== 'none')
    need('clientCaFile', `tls.clientCertificates is ${tls.clientCertificates}`);
  return wrong;
}
