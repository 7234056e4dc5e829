/**
 * Well-formed packets as clients might send them in any state, out of turn as often as in turn: few client identifiers, packet identifiers and
 * topics, so that they meet again and again.
 */
import type { SimRandom } from '../../src/simulator/time/sim-random.ts';
import { v3, v5, type ConnectFields, type Packets, type WillFields } from '../conformance/harness/packets.ts';
import type { Properties, PropertyName, PropertyValue } from '../conformance/harness/fields.ts';

export const FUZZ_CLIENTS = Array.from({ length: 10 }, (_, n) => `f${n}`);
/** Who may prove who he is. */
export const FUZZ_USER = { name: 'ann', password: 'correct horse' } as const;

const TOPICS = ['a', 'a/b', 'a/b/c', 'f/1', 'f/2', '$x', 'ü/漢', 'secret/s', `long/${'l'.repeat(150)}`];
const FILTERS = ['#', '+', 'a/#', '+/b', 'a/b', 'f/+', 'f/1', '$x', 'ü/#', 'long/#', 'private/#', '+/+/#'];
const SHARED = ['$share/g/f/#', '$share/g/f/1', '$share/h/#', '$share/h/a/+'];
const WRONG = ['a/#/b', 'a+', '$share/g', '$share//a', '$share/+/a', ''];
const IDS = [1, 2, 3, 4, 5, 9, 65_535];

type Drawn = readonly (readonly [PropertyName, readonly PropertyValue[]])[];

const some = (random: SimRandom, drawn: Drawn, chance: number): Properties =>
  drawn.flatMap(([name, values]) => (random.chance(chance) ? [[name, random.oneOf(values)] as const] : []));

const MESSAGE: Drawn = [
  ['payloadFormat', [0, 1]],
  ['messageExpiry', [0, 1, 30, 0xffff_ffff]],
  ['contentType', ['text', '']],
  ['responseTopic', ['a/b']],
  ['correlationData', [Buffer.from('c')]],
  ['userProperty', [['k', 'v']]],
];

const CONNECT: Drawn = [
  ['sessionExpiry', [0, 1, 30, 3600, 0xffff_ffff]],
  ['receiveMaximum', [1, 2, 5]],
  ['maximumPacketSize', [1, 30, 80, 500]],
  ['topicAliasMaximum', [0, 1, 3]],
  ['requestProblem', [0, 1]],
  ['requestResponse', [0, 1]],
  ['userProperty', [['k', 'v']]],
];

export class Phrases {
  readonly #random: SimRandom;
  readonly packets: Packets;

  constructor(random: SimRandom) {
    this.#random = random;
    this.packets = random.chance(0.5) ? v3 : v5;
  }

  connect(): Buffer {
    const random = this.#random;
    const isFive = this.packets.level === 5;
    const isUser = random.chance(0.06);
    const proof: Properties =
      isFive && random.chance(0.08)
        ? [
            ['authenticationMethod', random.oneOf(['SCRAM-SHA-256', 'SCRAM-SHA-256', 'X'])],
            ['authenticationData', Buffer.from(random.oneOf(['n,,n=ann,r=abc', 'n,,n=bob,r=abc', 'n', '']))],
          ]
        : [];
    const fields: ConnectFields = {
      // A session that is the user's is nobody else's.
      clientId: random.chance(0.05) ? '' : random.oneOf(isUser ? FUZZ_CLIENTS.slice(0, 2) : FUZZ_CLIENTS),
      clean: random.chance(0.4),
      keepAlive: random.oneOf([0, 0, 1, 10, 60]),
      ...(random.chance(0.4) ? { will: this.#will() } : {}),
      ...(isUser ? { username: 'ann', password: random.chance(0.8) ? FUZZ_USER.password : 'wrong' } : {}),
      properties: [...some(random, CONNECT, 0.3), ...proof],
    };
    return this.packets.connect(fields);
  }

  /** `answers`: what the server waits for, if anything. */
  any(answers: readonly Buffer[]): Buffer {
    const random = this.#random;
    const { packets } = this;
    const draw = random.below(100);
    if (draw < 30 && answers.length > 0) return random.oneOf(answers);
    if (draw < 58) return this.#publish();
    if (draw < 66) return packets.pubrel(this.#id(), this.#code([0x92]));
    if (draw < 76) return this.#answer();
    if (draw < 88) return this.subscribe();
    if (draw < 93) return packets.unsubscribe(this.#id(), this.#filters());
    if (draw < 95) return packets.pingreq();
    if (draw < 97) return this.farewell();
    if (draw < 99)
      return packets.auth(random.oneOf([0x18, 0x19, 0]), [
        ['authenticationMethod', 'SCRAM-SHA-256'],
        ['authenticationData', Buffer.from(random.oneOf(['n,,n=ann,r=abc', 'c=biws,r=abcnonce,p=AAAA']))],
      ]);
    return this.connect();
  }

  farewell(): Buffer {
    const random = this.#random;
    if (this.packets.level === 4) return this.packets.disconnect();
    return this.packets.disconnect(
      random.oneOf([0, 0, 4, 0x80, 0x81, 0x82, 0x93, 0x95]),
      some(random, [['sessionExpiry', [0, 1, 30, 0xffff_ffff]]], 0.3),
    );
  }

  #id = (): number => this.#random.oneOf(IDS);

  #code = (others: readonly number[]): number | undefined =>
    this.packets.level === 5 && this.#random.chance(0.3) ? this.#random.oneOf([0, ...others]) : undefined;

  #answer(): Buffer {
    const { packets } = this;
    const random = this.#random;
    const id = random.chance(0.5) ? 1 + random.below(12) : this.#id();
    switch (random.below(3)) {
      case 0:
        return packets.puback(id, this.#code([0x10, 0x80, 0x97]));
      case 1:
        return packets.pubrec(id, this.#code([0x10, 0x80, 0x97]));
      default:
        return packets.pubcomp(id, this.#code([0x92]));
    }
  }

  #publish(): Buffer {
    const random = this.#random;
    const alias: Properties = random.chance(0.2) ? [['topicAlias', random.oneOf([1, 2, 4, 5])]] : [];
    return this.packets.publish({
      topic: random.chance(alias.length > 0 ? 0.4 : 0.01) ? '' : random.oneOf(TOPICS),
      payload: random.oneOf(['', 'm', 'm'.repeat(20), 'm'.repeat(120)]),
      qos: random.below(3),
      id: this.#id(),
      dup: random.chance(0.1),
      retain: random.chance(0.2),
      properties: [...some(random, MESSAGE, 0.15), ...alias],
    });
  }

  subscribe(): Buffer {
    const random = this.#random;
    const byte = (filter: string): number => {
      const qos = random.below(3);
      if (this.packets.level === 4) return qos;
      const isNoLocal = !filter.startsWith('$share') && random.chance(0.2);
      return qos | (isNoLocal ? 4 : 0) | (random.chance(0.3) ? 8 : 0) | (random.below(3) << 4);
    };
    return this.packets.subscribe(
      this.#id(),
      this.#filters().map((filter) => [filter, byte(filter)] as const),
      some(random, [['subscriptionIdentifier', [1, 2, 268_435_455]]], 0.3),
    );
  }

  #filters(): string[] {
    const random = this.#random;
    return Array.from({ length: 1 + random.below(3) }, () => {
      const draw = random.below(40);
      if (draw === 0) return random.oneOf(WRONG);
      return random.oneOf(draw < 12 ? SHARED : FILTERS);
    });
  }

  #will(): WillFields {
    const random = this.#random;
    return {
      topic: random.oneOf([...TOPICS, 'a/#', '']),
      payload: random.oneOf(['', 'gone']),
      qos: random.below(3),
      retain: random.chance(0.3),
      properties: [...some(random, MESSAGE, 0.15), ...some(random, [['willDelay', [0, 1, 30, 7200]]], 0.5)],
    };
  }
}
