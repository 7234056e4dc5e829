/** What the decoder says of bytes that no client should send. */
import { MqttViolation } from '../../../src/core/mqtt/index.ts';
import { decodeAll } from './library.ts';

/** Code, reason and text, as `LS_MQTT_MALFORMED 0x81 sent …`. */
export function violationOf(hex: string, options: Parameters<typeof decodeAll>[1] = {}): string {
  try {
    const packets = decodeAll([Buffer.from(hex.replaceAll(' ', ''), 'hex')], options);
    return `no violation: ${JSON.stringify(packets)}`;
  } catch (failure) {
    if (!(failure instanceof MqttViolation)) throw failure;
    return `${failure.code} 0x${failure.reason.toString(16)} ${failure.message}`;
  }
}
