/** Packets as the decoder gives them: what MQTT 3.1.1 gives, where a test says nothing else. */
import {
  NO_PROPERTIES,
  plainSubscription,
  type Qos,
  type Subscription,
} from '../../../src/core/broker/index.ts';
import {
  REASON,
  type Ack,
  type Connect,
  type Disconnect,
  type Publish,
} from '../../../src/core/mqtt/index.ts';

export const connect = (more: Partial<Connect> = {}): Connect => ({
  type: 'connect',
  level: 4,
  clientId: 'c',
  isClean: true,
  keepAliveSeconds: 10,
  will: null,
  userName: null,
  password: null,
  expirySeconds: 0,
  receiveMax: 65_535,
  packetSizeMax: null,
  aliasMax: 0,
  wantsResponseInformation: false,
  wantsProblemInformation: true,
  authentication: null,
  ...more,
});

export const publish = (more: Partial<Publish> = {}): Publish => ({
  type: 'publish',
  topic: 't',
  alias: 0,
  payload: Buffer.from('m'),
  qos: 1,
  isRetained: false,
  isDup: false,
  packetId: 7,
  properties: NO_PROPERTIES,
  expirySeconds: null,
  isText: false,
  ...more,
});

export const ack = (type: Ack['type'], packetId: number, more: Partial<Ack> = {}): Ack => ({
  type,
  packetId,
  reason: REASON.success,
  ...more,
});

export const disconnect = (more: Partial<Disconnect> = {}): Disconnect => ({
  type: 'disconnect',
  reason: REASON.normalDisconnection,
  expirySeconds: null,
  ...more,
});

/** As MQTT 3.1.1 asks for it. */
export const asked = (filter: string, qos: Qos, more: Partial<Subscription> = {}): Subscription => ({
  ...plainSubscription(filter, qos),
  ...more,
});
