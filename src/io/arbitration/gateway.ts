/**
 * Asks the gateway "is the network up?" by opening TCP connections. A refused or reset connection is an answer: the host is there.
 * No route, or no answer in time, is silence. Source: PROTOCOL.md §4.1; REASONS.md B10.
 */
import { connect, type Socket } from 'node:net';
import type { Gateway } from '../../ports/index.ts';
import { errnoOf } from './faults.ts';

export type TcpGatewaySettings = Readonly<{
  host: string;
  port: number;
  /** How often it is asked, spread evenly over `timeoutMs`; one answer is enough. */
  probes: number;
  /** For all probes together. */
  timeoutMs: number;
}>;

/** What only a host that is there can cause. */
const ANSWERS: readonly (string | null)[] = ['ECONNREFUSED', 'ECONNRESET'];

export class TcpGateway implements Gateway {
  readonly #settings: TcpGatewaySettings;

  constructor(settings: TcpGatewaySettings) {
    this.#settings = settings;
  }

  /** True with the first answer; false when all probes failed or `timeoutMs` have passed. Never rejects. */
  answers(): Promise<boolean> {
    const { host, port, probes, timeoutMs } = this.#settings;
    return new Promise((resolve) => {
      const sockets: Socket[] = [];
      const timers: NodeJS.Timeout[] = [];
      let silent = 0;
      const decide = (isAnswered: boolean): void => {
        for (const timer of timers) clearTimeout(timer);
        for (const socket of sockets) socket.destroy();
        resolve(isAnswered);
      };
      const probe = (): void => {
        const socket = connect({ host, port });
        sockets.push(socket);
        socket.once('connect', () => decide(true));
        // Stays for the errors of a socket that has been destroyed.
        socket.on('error', (error) => {
          if (ANSWERS.includes(errnoOf(error))) {
            decide(true);
            return;
          }
          silent += 1;
          if (silent === probes) decide(false);
        });
      };
      timers.push(setTimeout(() => decide(false), timeoutMs));
      probe();
      for (let number = 1; number < probes; number += 1)
        timers.push(setTimeout(probe, (number * timeoutMs) / probes));
    });
  }
}
