/**
 * What one connection must not be told, beyond what one packet shows: CONNACK comes first and once, nothing comes behind DISCONNECT, and what the
 * client said in its CONNECT binds the server. Topic aliases are taken back. Source: MQTT 3.1.1 §3.2; MQTT 5.0 §3.1.2.11, §3.2, §3.3.2.3.4, §3.14.4.
 */
import type { Properties, PropertyName } from './fields.ts';
import { valueIn, type Heard } from './judge.ts';
import type { ConnectFields } from './packets.ts';
import { demand } from './reader.ts';

/** Where reason strings and user properties may come to a client that asked for no explanations. */
const EXPLAINED: readonly string[] = ['publish', 'connack', 'disconnect'];

export class Bounds {
  readonly #said: Properties;
  readonly #topics = new Map<number, string>();
  #isConnected = false;
  #isOver = false;

  /** `fields`: what its CONNECT says. */
  constructor(fields: ConnectFields) {
    this.#said = Buffer.isBuffer(fields.properties) ? [] : (fields.properties ?? []);
  }

  /** The packet, with its topic where an alias stood for it. */
  check(heard: Heard): Heard {
    const { type, size } = heard;
    demand(!this.#isOver, 'MQTT5-3.14.4-1', `${type} behind DISCONNECT`);
    this.#checkOrder(heard);
    const sizeMax = this.#number('maximumPacketSize') ?? Infinity;
    demand(size <= sizeMax, 'MQTT5-3.1.2-24', `${type} of ${size} bytes to a client that takes ${sizeMax}`);
    if (this.#number('requestProblem') === 0 && !EXPLAINED.includes(type))
      demand(heard.properties.every(isNoExplanation), 'MQTT5-3.1.2-29', `explanations in ${type}`);
    if (type === 'connack' && this.#number('requestResponse') !== 1)
      demand(
        valueIn(heard, 'responseInformation') === null,
        'MQTT5-3.1.2-28',
        'response information unasked',
      );
    return type === 'publish' ? this.#named(heard) : heard;
  }

  #checkOrder({ type, codes }: Heard): void {
    const isFirst = !this.#isConnected;
    if (type === 'connack') {
      demand(isFirst, 'MQTT5-3.2.0-2', 'a second CONNACK');
      this.#isConnected = true;
    } else if (isFirst) {
      demand(type !== 'disconnect', 'MQTT5-3.14.0-1', 'DISCONNECT before CONNACK');
      demand(type === 'auth', 'MQTT-3.2.0-1, MQTT5-3.2.0-1', `${type} before CONNACK`);
    }
    this.#isOver = type === 'disconnect' || (type === 'connack' && (codes[0] ?? 0) > 0);
  }

  #named(heard: Heard): Heard {
    const alias = valueIn(heard, 'topicAlias');
    if (typeof alias !== 'number') return heard;
    const aliasMax = this.#number('topicAliasMaximum') ?? 0;
    demand(
      alias <= aliasMax,
      'MQTT5-3.1.2-26, MQTT5-3.1.2-27',
      `alias ${alias} to a client that takes ${aliasMax}`,
    );
    if (heard.topic !== '') this.#topics.set(alias, heard.topic);
    const topic = this.#topics.get(alias);
    demand(topic !== undefined, 'MQTT 5.0 §3.3.2.3.4', `alias ${alias}, which stands for nothing`);
    return { ...heard, topic: topic ?? '' };
  }

  #number(name: PropertyName): number | null {
    const value = this.#said.find(([said]) => said === name)?.[1];
    return typeof value === 'number' ? value : null;
  }
}

const isNoExplanation = ([name]: Properties[number]): boolean =>
  name !== 'reasonString' && name !== 'userProperty';
