/**
 * What stands between a server and the world for one scenario: which share its mount shows, and frames that are damaged on their way to it. Both
 * are plants (`simulator/planted/index.ts`), so the shipped parts don't know.
 */
import type { ServerName } from '../../../src/core/pair/index.ts';
import type { Frame } from '../../../src/core/pair/index.ts';
import type { Channel } from '../../../src/ports/index.ts';
import type { Plant } from '../../../src/simulator/planted/index.ts';
import { SimShare } from '../../../src/simulator/share/sim-share.ts';

/** All bytes of a share, as a snapshot of the file server has them. */
export type ShareCopy = Readonly<{ primary: Buffer | null; secondary: Buffer | null; mark: Buffer }>;

export const copyOfShare = ({ blocks, mark }: SimShare): ShareCopy => ({
  primary: blocks.primary === null ? null : Buffer.from(blocks.primary.bytes),
  secondary: blocks.secondary === null ? null : Buffer.from(blocks.secondary.bytes),
  mark: Buffer.from(mark),
});

/** In place, as a snapshot is restored. */
export function restoreShare(share: SimShare, copy: ShareCopy): void {
  for (const name of ['primary', 'secondary'] as const) {
    const bytes = copy[name];
    share.blocks[name] = bytes === null ? null : { bytes: Buffer.from(bytes) };
  }
  share.mark = Buffer.from(copy.mark);
}

export class Mounts {
  /** By server, the share that its next process sees instead of the pair's. */
  readonly #others = new Map<ServerName, SimShare>();
  /** The next frame of entries to this server arrives damaged. */
  readonly #damaged = new Set<ServerName>();

  /** `copy` null: an empty share. */
  mountOther(server: ServerName, like: SimShare, copy: ShareCopy | null): void {
    const other = new SimShare(like.settings);
    if (copy !== null) restoreShare(other, copy);
    this.#others.set(server, other);
  }

  mountOwn(server: ServerName): void {
    this.#others.delete(server);
  }

  damageNextEntries(to: ServerName): void {
    this.#damaged.add(to);
  }

  /** Together with what a scenario is run without. */
  plant(inner: Plant): Plant {
    return {
      ...inner,
      arbiter: (arbiter, machine, share) => {
        const other = this.#others.get(machine.name);
        if (other !== undefined) return other.arbiter(machine.name, { lockLost: () => undefined });
        return inner.arbiter?.(arbiter, machine, share) ?? arbiter;
      },
      channel: (channel, machine) => {
        const heard = inner.channel?.(channel, machine) ?? channel;
        return hearing(heard, (frame) => this.#arriving(machine.name, frame));
      },
    };
  }

  #arriving(server: ServerName, frame: Frame): Frame {
    if (frame.type !== 'entries' || !this.#damaged.delete(server)) return frame;
    const body = Buffer.from(frame.body);
    body.fill('?');
    return { ...frame, body };
  }
}

const hearing = (inner: Channel, arriving: (frame: Frame) => Frame): Channel => ({
  open: (events) => inner.open({ ...events, frame: (frame) => events.frame(arriving(frame)) }),
  send: (frame) => inner.send(frame),
  backlog: () => inner.backlog(),
  drop: (why) => inner.drop(why),
  close: () => inner.close(),
});
