/** How many connections there may be, whatever carries them. */
import { describe, expect, test } from 'vitest';
import { AcceptLimits } from '../../src/io/net/index.ts';
import { SimClock } from '../../src/simulator/time/sim-clock.ts';
import { closed, KINDS, kindText, openPort, portOf, until, type PortUnderTest } from './listener-fixture.ts';

const ALL = KINDS.map((kind) => [kindText(kind), kind] as const);
const PLAIN = { name: 'mqtt', transport: 'tcp', isProxied: false } as const;

/** A client that is reset, sooner or later on its way. */
const turnedAway = (port: PortUnderTest): Promise<unknown> =>
  port.client().then(
    (client) => client.closed,
    () => null,
  );

const codes = ({ lines }: PortUnderTest): (string | undefined)[] =>
  lines.filter(({ level }) => level === 'warn').map(({ code }) => code);

const limitsOf = (
  connectionsMax: number,
  ratePerAddressMax: number,
  clock = new SimClock(),
  rushMs = 0,
): AcceptLimits => new AcceptLimits({ connectionsMax, ratePerAddressMax, rushMs, clock });

describe.each(ALL)('%s', (_, kind) => {
  test('a connection above mqtt.connectionsMax is reset before TLS and HTTP, and there is room again when another has gone', async () => {
    const limits = limitsOf(2, 0);
    const port = await openPort(kind, { limits });
    const first = await port.met();
    await port.met();
    await turnedAway(port);
    expect(port.heard.length).toBe(2);
    expect(codes(port)).toEqual(['LS_CONNECTIONS_MAX']);
    first.client.reset();
    await until(() => first.one.closed === 1);
    await port.met();
    expect(port.heard.length).toBe(3);
  });

  test('an address that opens more than mqtt.connectionRateMax connections within a second is turned away until the second is over', async () => {
    const clock = new SimClock();
    const port = await openPort(kind, { limits: limitsOf(100, 3, clock) });
    for (let n = 0; n < 3; n += 1) await port.met();
    await turnedAway(port);
    expect(port.heard.length).toBe(3);
    expect(codes(port)).toEqual(['LS_CONNECTION_RATE']);
    await clock.run(1_000);
    await port.met();
    expect(port.heard.length).toBe(4);
  });
});

test('all ports share one limit of connections, and a connection that has said nothing yet counts', async () => {
  const limits = limitsOf(1, 0);
  const [one, other] = [await openPort(PLAIN, { limits }), await openPort(PLAIN, { limits })];
  const silent = await one.raw();
  await until(() => one.heard.length === 1);
  await turnedAway(other);
  expect(other.heard.length).toBe(0);
  silent.destroy();
  await until(() => one.heard[0]?.closed === 1);
  await other.met();
});

test('behind a load balancer the rate is that of each client, not of the balancer', async () => {
  const port = await openPort({ ...PLAIN, isProxied: true }, { limits: limitsOf(100, 2) });
  const from = async (address: string): Promise<void> => {
    const accepted = port.next();
    const socket = await port.raw();
    socket.write(`PROXY TCP4 ${address} 127.0.0.1 40123 1883\r\n`);
    await Promise.race([accepted, closed(socket)]);
  };
  for (const address of ['192.0.2.1', '192.0.2.2', '192.0.2.1', '192.0.2.2', '192.0.2.3'])
    await from(address);
  expect(port.heard.length).toBe(5);
  await from('192.0.2.1');
  expect(port.heard.length).toBe(5);
});

test('the rate does not hold for a while after a server has begun to serve: after a failover all come back at once', async () => {
  const clock = new SimClock();
  const port = await openPort(PLAIN, { limits: limitsOf(100, 2, clock, 5_000) });
  for (let n = 0; n < 5; n += 1) await port.met();
  await clock.run(5_000);
  for (let n = 0; n < 2; n += 1) await port.met();
  await turnedAway(port);
  expect(port.heard.length).toBe(7);
});

test('a port that closes gives back what its connections held', async () => {
  const limits = limitsOf(1, 0);
  const port = await portOf(PLAIN, { limits });
  for (let n = 0; n < 3; n += 1) {
    await port.open();
    const { one } = await port.met();
    await port.listener.close();
    await until(() => one.closed === 1);
  }
  expect(port.heard.length).toBe(3);
});
