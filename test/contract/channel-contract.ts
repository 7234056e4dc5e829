/** What the runtime may rely on with any `Channel`; run on the real one and on the simulated one. Source: src/ports/channel.ts. */
import { expect, onTestFinished, test } from 'vitest';
import type { Frame, ServerName } from '../../src/core/pair/index.ts';
import type { Channel, ChannelEvents } from '../../src/ports/index.ts';
import { beat, entriesFrame, sampleFrames } from './sample-frames.ts';

/** Keeps what a channel tells, and says that it was told something. */
export class Observer implements ChannelEvents {
  readonly told: ('up' | 'lost')[] = [];
  readonly why: string[] = [];
  /** How often nobody was there. */
  refusals = 0;
  frames: Frame[] = [];
  /** What is done besides. */
  whenUp = (): void => undefined;
  whenFrame = (_frame: Frame): void => undefined;
  readonly #changed: () => void;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  get isUp(): boolean {
    return this.told.at(-1) === 'up';
  }

  readonly up = (): void => {
    this.told.push('up');
    this.whenUp();
    this.#changed();
  };
  readonly frame = (frame: Frame): void => {
    this.frames.push(frame);
    this.whenFrame(frame);
    this.#changed();
  };
  readonly lost = (why: string): void => {
    this.told.push('lost');
    this.why.push(why);
    this.#changed();
  };
  readonly refused = (): void => {
    this.refusals += 1;
    this.#changed();
  };
}

export type Side = Readonly<{ channel: Channel; seen: Observer }>;

/** Two servers that can reach each other. */
export type ChannelBench = Readonly<{
  /** A new run of that server, its channel open. A former one must be closed. */
  start: (server: ServerName) => Promise<Side>;
  /** Fulfils once it is so; looks again whenever a channel has told something. */
  until: (isSo: () => boolean) => Promise<void>;
  close: () => Promise<void>;
}>;

export function channelContract(name: string, freshBench: () => Promise<ChannelBench>): void {
  const bothUp = async (): Promise<ChannelBench & { primary: Side; secondary: Side }> => {
    const bench = await freshBench();
    onTestFinished(bench.close);
    const [primary, secondary] = [await bench.start('primary'), await bench.start('secondary')];
    await bench.until(() => primary.seen.isUp && secondary.seen.isUp);
    return { ...bench, primary, secondary };
  };

  test(`${name}: frames of every type come whole and in order, both ways`, async () => {
    const { primary, secondary, until } = await bothUp();
    const frames = Object.values(sampleFrames);
    for (const frame of frames) {
      primary.channel.send(frame);
      secondary.channel.send(frame);
    }
    await until(() => [primary, secondary].every(({ seen }) => seen.frames.length === frames.length));
    expect(primary.seen.frames).toEqual(frames);
    expect(secondary.seen.frames).toEqual(frames);
  });

  test(`${name}: bodies of any length come byte for byte, and belong to their receiver`, async () => {
    const { primary, secondary, until } = await bothUp();
    const bodies = [0, 1, 255, 256, 65_535, 65_536, 1 << 20].map((length) =>
      Buffer.alloc(length, length % 251),
    );
    for (const body of bodies) primary.channel.send(entriesFrame(1, body));
    await until(() => secondary.seen.frames.length === bodies.length);
    const arrived = secondary.seen.frames.map((frame) => ('body' in frame ? frame.body : null));
    for (const [at, body] of bodies.entries())
      expect(body.equals(arrived[at] ?? Buffer.from('none'))).toBe(true);
    arrived.at(-1)?.fill(0xff);
    expect(bodies.at(-1)?.includes(0xff)).toBe(false);
  });

  test(`${name}: what is said on \`up\` is the first that the peer hears`, async () => {
    const bench = await freshBench();
    onTestFinished(bench.close);
    const sides: Side[] = [];
    const wasUp: boolean[] = [];
    for (const server of ['primary', 'secondary'] as const) {
      const side = await bench.start(server);
      side.seen.whenUp = () => side.channel.send(sampleFrames.hello);
      side.seen.whenFrame = () => wasUp.push(side.seen.isUp);
      sides.push(side);
    }
    await bench.until(() => sides.every(({ seen }) => seen.frames.length > 0));
    for (const { seen } of sides) {
      expect(seen.told).toEqual(['up']);
      expect(seen.frames).toEqual([sampleFrames.hello]);
    }
    expect(wasUp).toEqual([true, true]);
  });

  test(`${name}: that no process of the peer runs any more is told, and that it runs is not (Resume)`, async () => {
    const { primary, secondary, until } = await bothUp();
    expect(primary.seen.refusals + secondary.seen.refusals).toBe(0);

    await secondary.channel.close();
    await until(() => primary.seen.refusals > 0);
    expect(primary.seen.told).toEqual(['up', 'lost']);
  });

  test(`${name}: a frame without a connection is dropped without a word`, async () => {
    const bench = await freshBench();
    onTestFinished(bench.close);
    const primary = await bench.start('primary');
    primary.channel.send(beat(1));
    expect(primary.channel.backlog()).toBe(0);
    const secondary = await bench.start('secondary');
    await bench.until(() => primary.seen.isUp && secondary.seen.isUp);
    primary.channel.send(beat(2));
    await bench.until(() => secondary.seen.frames.length > 0);
    expect(secondary.seen.frames).toEqual([beat(2)]);
  });

  test(`${name}: bytes that wait are counted, and no longer when they have arrived`, async () => {
    const { primary, secondary, until } = await bothUp();
    const body = Buffer.alloc(8 << 20);
    primary.channel.send(entriesFrame(1, body));
    primary.channel.send(entriesFrame(2, body));
    expect(primary.channel.backlog()).toBeGreaterThan(body.length);
    secondary.seen.whenFrame = (frame) => secondary.channel.send(frame.type === 'entries' ? beat(1) : frame);
    await until(() => primary.seen.frames.length === 2);
    expect(primary.channel.backlog()).toBe(0);
  });

  test(`${name}: \`drop\` ends the connection for both, \`lost\` follows, and a new one comes`, async () => {
    const { primary, secondary, until } = await bothUp();
    secondary.seen.frames = [];
    primary.channel.drop('silent for peerTimeout');
    expect(primary.seen.told).toEqual(['up']);
    primary.channel.send(beat(1));
    expect(primary.channel.backlog()).toBe(0);
    await until(() => [primary, secondary].every(({ seen }) => seen.told.length === 3));
    for (const { seen } of [primary, secondary]) expect(seen.told).toEqual(['up', 'lost', 'up']);
    expect(primary.seen.why).toEqual(['silent for peerTimeout']);
    expect(secondary.seen.frames).toEqual([]);
  });

  test(`${name}: who drops the connection while it hears a frame hears no other of it`, async () => {
    const { primary, secondary, until } = await bothUp();
    secondary.seen.whenFrame = () => secondary.channel.drop('a frame that should not be');
    for (let number = 0; number < 100; number += 1) primary.channel.send(beat(number));
    await until(() => [primary, secondary].every(({ seen }) => seen.told.length === 3));
    expect(secondary.seen.frames).toEqual([beat(0)]);
  });

  test(`${name}: an earlier connection is lost before the next is up, and none of its frames comes after`, async () => {
    const { primary, secondary, until } = await bothUp();
    for (const round of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]) {
      const [dropper, other] = round % 2 === 0 ? [primary, secondary] : [secondary, primary];
      dropper.seen.frames = [];
      // The connection number is in each frame: what is sent from here on belongs to this one.
      for (let number = 0; number < 50; number += 1) other.channel.send(beat(round));
      dropper.channel.drop('a fault');
      const before = dropper.seen.frames.length;
      await until(() => [dropper, other].every(({ seen }) => seen.told.length === 1 + 2 * round));
      other.channel.send(beat(1000 + round));
      await until(() => dropper.seen.frames.length > before);
      expect(dropper.seen.frames.slice(before)).toEqual([beat(1000 + round)]);
    }
    for (const { seen } of [primary, secondary])
      expect(seen.told.every((word, at) => word === (at % 2 === 0 ? 'up' : 'lost'))).toBe(true);
  });

  test(`${name}: a closed channel tells nothing more; its peer loses it and finds the next run`, async () => {
    const { primary, secondary, until, start } = await bothUp();
    await secondary.channel.close();
    await until(() => !primary.seen.isUp);
    const next = await start('secondary');
    await until(() => primary.seen.isUp && next.seen.isUp);
    primary.channel.send(beat(1));
    await until(() => next.seen.frames.length > 0);
    expect(secondary.seen.told).toEqual(['up']);
    expect(primary.seen.told).toEqual(['up', 'lost', 'up']);
  });
}
