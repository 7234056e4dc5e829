/** Profile section `listeners.mqtt`: where MQTT clients connect, while this server serves. */
import { networkPort, text, type Options } from '../../base/index.ts';

export const mqttListenerOptions = {
  host: text(
    '127.0.0.1',
    'The address on which this server waits for MQTT clients. 0.0.0.0: every IPv4 address of this machine. Nothing sent there is encrypted; look at access.anonymous before you open it to others.',
  ),
  port: networkPort(
    1883,
    'The port on which this server waits for MQTT clients. It is only open while the server serves.',
  ),
} as const;

export type MqttListenerOptions = Options<typeof mqttListenerOptions>;
