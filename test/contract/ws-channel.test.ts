/** The real backchannel: who is let in, what a stranger costs, and that two who dial each other end with one connection. */
import { createServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { otherServer, incarnation, type ServerName } from '../../src/core/pair/index.ts';
import { ChannelFault, type WsChannelParts } from '../../src/io/channel/index.ts';
import { answerTo } from '../../src/io/channel/proof.ts';
import { SystemClock, SystemRandom } from '../../src/io/system/index.ts';
import { beat, entriesFrame } from './sample-frames.ts';
import { TcpRelay } from './tcp-relay.ts';
import { BentClock, freePort, secret, WsPair, type WsSide } from './ws-pair.ts';

const random = new SystemRandom();

async function freshPair(): Promise<WsPair> {
  const pair = await WsPair.fresh();
  onTestFinished(pair.close);
  return pair;
}

async function standingPair(differs: Partial<Record<ServerName, Partial<WsChannelParts>>> = {}) {
  const pair = await freshPair();
  const primary = await pair.start('primary', differs.primary);
  const secondary = await pair.start('secondary', differs.secondary);
  await pair.until(() => primary.seen.isUp && secondary.seen.isUp);
  return { pair, primary, secondary };
}

/** A relay before that server's port: the peer dials it. */
async function relayTo(pair: WsPair, server: ServerName, changed = pair.changed): Promise<TcpRelay> {
  const relay = await TcpRelay.open(await freePort(), pair.ports[server], changed);
  pair.closeLater(() => relay.close());
  return relay;
}

const dials = (relay: TcpRelay): Partial<WsChannelParts> => ({
  peer: { host: '127.0.0.1', port: relay.port },
});

/** A frame each way, and nothing was lost meanwhile. */
async function talk(pair: WsPair, a: WsSide, b: WsSide): Promise<void> {
  const heard = [a.seen.frames.length, b.seen.frames.length] as const;
  a.channel.send(beat(1));
  b.channel.send(beat(2));
  await pair.until(() => a.seen.frames.length > heard[0] && b.seen.frames.length > heard[1]);
}

const codes = ({ lines }: WsSide): (string | undefined)[] => lines.map((line) => line.code);

// ---- Who is let in

test('another secret is refused, said once a minute by both however often they try, and never shown', async () => {
  const pair = await freshPair();
  const clock = new BentClock();
  const relay = await relayTo(pair, 'secondary');
  const primary = await pair.start('primary', { ...dials(relay), clock, secret: 'not the same' });
  const secondary = await pair.start('secondary', { clock });
  await pair.until(() => relay.accepted >= 12);
  for (const side of [primary, secondary]) {
    expect(codes(side)).toEqual(['LS_CHANNEL_SECRET']);
    expect(side.seen.told).toEqual([]);
    expect(JSON.stringify(side.lines)).not.toMatch(/not the same|correct horse/);
  }
  clock.ahead += 60_000;
  await pair.until(() => primary.lines.length === 2 && secondary.lines.length === 2);
  expect(secondary.lines[1]?.fields?.['unsaid']).toBeGreaterThan(5);
});

test('another pair is refused, and both say so', async () => {
  const pair = await freshPair();
  const primary = await pair.start('primary');
  const secondary = await pair.start('secondary', { pairName: 'plant 8' });
  await pair.until(() => primary.lines.length > 0 && secondary.lines.length > 0);
  expect([codes(primary), codes(secondary)]).toEqual([['LS_CHANNEL_PAIR_NAME'], ['LS_CHANNEL_PAIR_NAME']]);
  expect([...primary.seen.told, ...secondary.seen.told]).toEqual([]);
});

test('two primaries refuse each other', async () => {
  const pair = await freshPair();
  const place = (server: ServerName) => ({ host: '127.0.0.1', port: pair.ports[server] });
  const first = await pair.start('primary');
  const second = await pair.start('primary', { listen: place('secondary'), peer: place('primary') });
  await pair.until(() => first.lines.length > 0 && second.lines.length > 0);
  expect([codes(first), codes(second)]).toEqual([['LS_CHANNEL_SAME_SERVER'], ['LS_CHANNEL_SAME_SERVER']]);
  expect([...first.seen.told, ...second.seen.told]).toEqual([]);
});

test('a server whose peer.port is its own says that it has reached itself', async () => {
  const pair = await freshPair();
  const lonely = await pair.start('primary', { peer: { host: '127.0.0.1', port: pair.ports.primary } });
  await pair.until(() => lonely.lines.length > 0);
  expect(codes(lonely)).toEqual(['LS_CHANNEL_SELF']);
});

test('a recorded handshake opens nothing, and leaves the pair alone', async () => {
  const pair = await freshPair();
  const relay = await relayTo(pair, 'secondary');
  const secondary = await pair.start('secondary', { peer: { host: '127.0.0.1', port: await freePort() } });
  const primary = await pair.start('primary', dials(relay));
  await pair.until(() => primary.seen.isUp && secondary.seen.isUp);
  const thief = await stranger(pair.ports.secondary);
  thief.write(Buffer.concat(relay.dialled));
  await pair.until(() => secondary.lines.length > 0);
  expect(codes(secondary)).toEqual(['LS_CHANNEL_SECRET']);
  await talk(pair, primary, secondary);
  expect([primary.seen.told, secondary.seen.told]).toEqual([['up'], ['up']]);
});

test('a port that is in use is a coded error, and nothing runs', async () => {
  const { pair } = await standingPair();
  const late = pair.start('primary');
  await expect(late).rejects.toBeInstanceOf(ChannelFault);
  await expect(late).rejects.toMatchObject({ code: 'LS_CHANNEL_PORT' });
  await expect(late).rejects.toThrow(`127.0.0.1:${pair.ports.primary}: the port is in use`);
});

test('the port is free when `close` fulfils, connection or not', async () => {
  const { pair, primary } = await standingPair();
  await primary.channel.close();
  const again = await pair.start('primary');
  await pair.until(() => again.seen.isUp);
});

test('nothing is dialled and no timer runs after `close`', async () => {
  const pair = await freshPair();
  const clock = new BentClock((ms) => ms * 1_000);
  const secondary = await pair.start('secondary', { clock });
  expect(clock.pending).toBe(1);
  await secondary.channel.close();
  expect(clock.pending).toBe(0);
});

test('a peer.host that names nothing, and a peer.port of another program, are said', async () => {
  const pair = await freshPair();
  const misnamed = await pair.start('primary', { peer: { host: 'no such host', port: 1 } });
  await pair.until(() => misnamed.lines.length > 0);
  expect(codes(misnamed)).toEqual(['LS_CHANNEL_PEER_ADDRESS']);
  const other = createServer((_, response) => response.end('hi'));
  const port = await freePort();
  await new Promise<void>((resolve) => other.listen(port, '127.0.0.1', resolve));
  onTestFinished(() => void other.close());
  const misled = await pair.start('secondary', { peer: { host: '127.0.0.1', port } });
  await pair.until(() => misled.lines.length > 0);
  expect(codes(misled)).toEqual(['LS_CHANNEL_NOT_LOCKSTEP']);
});

// ---- What a stranger costs

/** A bare connection; `ended` tells that the other side ended it, `heard` what it said. */
async function stranger(port: number): Promise<Socket & { heard: () => string; ended: Promise<void> }> {
  const socket = connect({ host: '127.0.0.1', port });
  const heard: Buffer[] = [];
  socket.on('data', (bytes) => heard.push(bytes));
  socket.on('error', () => undefined);
  const ended = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  onTestFinished(() => void socket.destroy());
  await new Promise<void>((resolve) => socket.on('connect', resolve));
  return Object.assign(socket, { heard: () => Buffer.concat(heard).toString('latin1'), ended });
}

const UPGRADE = [
  'GET /lockstep HTTP/1.1',
  'Host: peer',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  `Sec-WebSocket-Key: ${Buffer.alloc(16).toString('base64')}`,
  '\r\n',
].join('\r\n');

/** The head of a masked text message of that length; the mask is zero. */
function messageHead(length: number): Buffer {
  const head = Buffer.alloc(14);
  head[0] = 0x81;
  head[1] = 0x80 | 127;
  head.writeBigUInt64BE(BigInt(length), 2);
  return head;
}

const strangers: Record<string, { sends: (string | Buffer)[]; said: string }> = {
  'plain HTTP': { sends: ['GET / HTTP/1.1\r\nHost: x\r\n\r\n'], said: 'sent a plain HTTP request' },
  'no HTTP at all': { sends: [Buffer.alloc(100, 0x16)], said: 'sent no HTTP' },
  'an endless header': { sends: [`GET / HTTP/1.1\r\nX: ${'x'.repeat(9_000)}`], said: 'sent no HTTP' },
  'nonsense instead of a proof': {
    sends: [UPGRADE, messageHead(5), 'hello'],
    said: 'said what no Lockstep server says',
  },
  'a proof of 9 KiB': {
    sends: [UPGRADE, messageHead(9 * 1024), Buffer.alloc(9 * 1024, 0x20)],
    said: 'sent more than 8192 bytes and no proof',
  },
  'the beginning of a message of 60 MiB': {
    sends: [UPGRADE, messageHead(60 * 1024 * 1024), Buffer.alloc(10_000)],
    said: 'sent more than 8192 bytes and no proof',
  },
  'the beginning of a message longer than any': {
    sends: [UPGRADE, messageHead(2 ** 40), Buffer.alloc(10)],
    said: 'broke the rules of WebSocket',
  },
  'nothing at all': { sends: [], said: 'proved nothing within 3000 ms' },
};
for (const [what, { sends, said }] of Object.entries(strangers))
  test(`a stranger who sends ${what} is cut off, said, and costs the pair nothing`, async () => {
    // The time for a proof, shortened.
    const clock = new BentClock((ms) => (ms === 3_000 ? 300 : ms));
    const { pair, primary, secondary } = await standingPair({ primary: { clock } });
    const socket = await stranger(pair.ports.primary);
    for (const piece of sends) socket.write(piece);
    await socket.ended;
    await talk(pair, primary, secondary);
    expect(codes(primary)).toEqual(['LS_CHANNEL_STRANGER']);
    expect(primary.lines[0]?.text).toContain(said);
    expect([primary.seen.told, secondary.seen.told]).toEqual([['up'], ['up']]);
  });

test('a crowd of silent strangers does not keep the peer out', async () => {
  const pair = await freshPair();
  // Time alone would not get rid of them.
  const clock = new BentClock((ms) => (ms === 3_000 ? 600_000 : ms));
  const primary = await pair.start('primary', { clock, peer: { host: '127.0.0.1', port: await freePort() } });
  await Promise.all(Array.from({ length: 200 }, () => stranger(pair.ports.primary)));
  const secondary = await pair.start('secondary');
  await pair.until(() => primary.seen.isUp && secondary.seen.isUp);
  await talk(pair, primary, secondary);
});

// ---- A peer that knows the secret but errs

/** A connection that has proved itself, and then says what it likes. */
async function rogue(port: number, server: ServerName): Promise<WebSocket & { ended: Promise<void> }> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
  socket.on('error', () => undefined);
  const self = { server, incarnation: incarnation(random.id()), pairName: 'plant 7', secret };
  await new Promise<void>((resolve) => {
    socket.once('message', (challenge: Buffer) => {
      const answering = answerTo(challenge.toString(), self, random.id());
      socket.once('message', () => resolve());
      if (answering.kind === 'answer') socket.send(answering.text);
    });
  });
  onTestFinished(() => socket.terminate());
  return Object.assign(socket, {
    ended: new Promise<void>((resolve) => socket.on('close', () => resolve())),
  });
}

test('an unreadable frame, a text, and one of more than 64 MiB end the connection with a warning', async () => {
  const errors: [(socket: WebSocket) => void, string][] = [
    [(socket) => socket.send(Buffer.from([0xc1, 1, 2, 3])), 'no frame'],
    [(socket) => socket.send('beat'), 'no frame'],
    [(socket) => socket.send(Buffer.alloc(64 * 1024 * 1024 + 1)), 'Max payload size exceeded'],
  ];
  for (const [err, said] of errors) {
    const pair = await freshPair();
    const primary = await pair.start('primary');
    const socket = await rogue(pair.ports.primary, 'secondary');
    await pair.until(() => primary.seen.isUp);
    err(socket);
    await pair.until(() => !primary.seen.isUp);
    await socket.ended;
    expect(codes(primary)).toEqual(['LS_CHANNEL_FRAME']);
    expect(primary.lines[0]?.text).toContain(said);
    expect(primary.seen.frames).toEqual([]);
    await pair.close();
  }
});

test('a frame of more than 64 MiB is not sent: the connection ends with a warning, and comes again', async () => {
  const { pair, primary, secondary } = await standingPair();
  primary.channel.send(entriesFrame(1, Buffer.alloc(64 * 1024 * 1024)));
  await pair.until(() => primary.seen.told.length === 3 && secondary.seen.told.length === 3);
  expect(codes(primary)).toEqual(['LS_CHANNEL_FRAME_SIZE']);
  expect(secondary.seen.frames).toEqual([]);
});

// ---- One connection

test('one connection results from dialling at once, and it stays: 100 rounds over lines of random delay', async () => {
  const pair = await freshPair();
  const [toPrimary, toSecondary] = [await relayTo(pair, 'primary'), await relayTo(pair, 'secondary')];
  const relays = [toPrimary, toSecondary];
  // Without the secondary's pause both dial together.
  const hasty = { options: { dialInterval: 20 }, clock: new BentClock((ms) => (ms === 150 ? 0 : ms)) };
  const primary = await pair.start('primary', { ...hasty, ...dials(toSecondary) });
  const secondary = await pair.start('secondary', { ...hasty, ...dials(toPrimary) });
  const sides = [primary, secondary];
  const isSettled = (): boolean =>
    sides.every(({ seen }) => seen.isUp) && toPrimary.standing + toSecondary.standing === 1;
  for (const relay of relays) relay.delayMs = () => Math.random() * 6;
  await pair.until(isSettled);
  let crossed = 0;
  for (let round = 0; round < 100; round += 1) {
    const before = {
      told: sides.map(({ seen }) => seen.told.length),
      dials: relays.map(({ accepted }) => accepted),
    };
    primary.channel.drop('a new round');
    secondary.channel.drop('a new round');
    await pair.until(
      () => sides.every(({ seen }, at) => seen.told.length >= (before.told[at] ?? 0) + 2) && isSettled(),
    );
    await talk(pair, primary, secondary);
    for (const [at, { seen }] of sides.entries())
      expect(seen.told.slice(before.told[at])).toEqual(['lost', 'up']);
    if (relays.every(({ accepted }, at) => accepted > (before.dials[at] ?? 0))) crossed += 1;
  }
  expect(crossed).toBeGreaterThan(20);
  expect([...codes(primary), ...codes(secondary)]).toEqual([]);
}, 60_000);

for (const server of ['primary', 'secondary'] as const) {
  test(`where only the ${server} can dial, the other's being refused, the pair finds itself`, async () => {
    const nobody = { peer: { host: '127.0.0.1', port: await freePort() } };
    const { pair, primary, secondary } = await standingPair({ [otherServer(server)]: nobody });
    await talk(pair, primary, secondary);
    expect([primary.seen.told, secondary.seen.told]).toEqual([['up'], ['up']]);
  });

  test(`where only the ${server} can dial, the other's being swallowed, the pair finds itself again and again`, async () => {
    const pair = await freshPair();
    const hole = await relayTo(pair, server);
    hole.passes = false;
    const differs = { [otherServer(server)]: dials(hole) } as Partial<
      Record<ServerName, Partial<WsChannelParts>>
    >;
    const primary = await pair.start('primary', differs.primary);
    const secondary = await pair.start('secondary', differs.secondary);
    for (const round of [1, 2, 3, 4, 5]) {
      await pair.until(
        () => primary.seen.told.length === 2 * round - 1 && secondary.seen.told.length === 2 * round - 1,
      );
      await talk(pair, primary, secondary);
      (round % 2 === 0 ? primary : secondary).channel.drop('a new round');
    }
    expect([...codes(primary), ...codes(secondary)]).toEqual([]);
  });

  test(`a half-open connection at the ${server} is replaced as soon as the other's next run dials`, async () => {
    const other = otherServer(server);
    const pair = await freshPair();
    const relay = await relayTo(pair, server);
    const nobody = { peer: { host: '127.0.0.1', port: await freePort() } };
    const survivor = await pair.start(server, nobody);
    const former = await pair.start(other, dials(relay));
    await pair.until(() => survivor.seen.isUp && former.seen.isUp);
    relay.mute();
    await former.channel.close();
    expect(survivor.seen.told).toEqual(['up']);
    const next = await pair.start(other, dials(relay));
    await pair.until(() => survivor.seen.told.length === 3 && next.seen.isUp);
    expect(survivor.seen.told).toEqual(['up', 'lost', 'up']);
    expect(survivor.seen.why).toEqual(['the peer has dialled anew']);
    await talk(pair, survivor, next);
    expect(survivor.seen.told).toHaveLength(3);
  });
}

test('a connection that dies for one side only (B9): who drops it dials, and the other follows', async () => {
  const pair = await freshPair();
  const relays = { primary: await relayTo(pair, 'primary'), secondary: await relayTo(pair, 'secondary') };
  const primary = await pair.start('primary', dials(relays.secondary));
  const secondary = await pair.start('secondary', dials(relays.primary));
  for (const [round, dropper] of [primary, secondary, secondary, primary].entries()) {
    await pair.until(() => [primary, secondary].every(({ seen }) => seen.told.length === 2 * round + 1));
    await talk(pair, primary, secondary);
    for (const relay of Object.values(relays)) relay.mute();
    dropper.channel.drop('no echo within peerTimeout');
  }
  await pair.until(() => [primary, secondary].every(({ seen }) => seen.told.length === 9));
  await talk(pair, primary, secondary);
  expect([...codes(primary), ...codes(secondary)]).toEqual([]);
});

// ---- Bulk

test('100,000 frames with bodies come in order and byte for byte', async () => {
  const { pair, primary, secondary } = await standingPair();
  const total = 100_000;
  const bodyOf = (number: number): Buffer => Buffer.alloc(number % 200, number % 251);
  let wrong = 0;
  let arrived = 0;
  secondary.seen.whenFrame = (frame) => {
    const isRight =
      frame.type === 'entries' && frame.committed === arrived && bodyOf(arrived).equals(frame.body);
    if (!isRight) wrong += 1;
    arrived += 1;
    secondary.seen.frames = [];
  };
  for (let number = 0; number < total; number += 1) {
    primary.channel.send(entriesFrame(number, bodyOf(number)));
    if (number % 1000 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await pair.until(() => arrived === total);
  expect(wrong).toBe(0);
  expect(primary.channel.backlog()).toBe(0);
});

test('the clock of the machine never runs a timer early, and a timer taken back never', async () => {
  const clock = new SystemClock();
  const early: number[] = [];
  await Promise.all(
    Array.from({ length: 200 }, (_, at) => {
      const due = clock.now() + at / 7;
      return new Promise<void>((resolve) =>
        clock.after(at / 7, () => {
          if (clock.now() < due) early.push(at);
          resolve();
        }),
      );
    }),
  );
  let ran = false;
  clock.after(1, () => (ran = true))();
  await new Promise<void>((resolve) => clock.after(20, resolve));
  expect(early).toEqual([]);
  expect(ran).toBe(false);
});
