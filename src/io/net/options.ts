/** Profile section `listeners.mqtt`: where MQTT clients connect, while this server serves. */
import { networkPort, text, type Options } from '../../base/index.ts';

export const mqttListenerOptions = {
  host: text(
    '127.0.0.1',
    'The address on which this server waits for MQTT clients. 0.0.0.0: every IPv4 address of this machine. There is no authentication yet: open it to trusted networks only.',
  ),
  port: networkPort(
    1883,
    'The port on which this server waits for MQTT clients. It is only open while the server serves.',
  ),
} as const;

export type MqttListenerOptions = Options<typeof mqttListenerOptions>;
