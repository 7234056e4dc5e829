/** What happens to the backchannel, as changes of it: a server makes them without looking at what lies in it. Source: `runtime/pair/link.ts`. */
import { unreachable } from '../../base/index.ts';
import type { ServerName } from '../../core/pair/index.ts';
import type { Pool } from '../states/pool.ts';
import type { Channel, Frame } from './world.ts';

export type ChannelChange = Readonly<
  | { type: 'connected' }
  | { type: 'cut' }
  /** Goes nowhere on a channel that is cut. */
  | { type: 'sent'; to: ServerName; frame: number }
  | { type: 'taken'; by: ServerName; isLate: boolean }
  /** An end is gone, with what was on its way to it. `outlives`: frames of a session do not end with it (a clause left out). */
  | { type: 'hungUp'; by: ServerName; wasUp: boolean; outlives: boolean }
>;

export function changedChannel(channel: Channel, change: ChannelChange, frames: Pool<Frame>): Channel {
  switch (change.type) {
    case 'connected':
      return { ...channel, isWhole: true };
    case 'cut':
      return { ...channel, isWhole: false };
    case 'sent': {
      const { to, frame } = change;
      return channel.isWhole ? withQueue(channel, to, [...channel.to[to], frame]) : channel;
    }
    case 'taken': {
      const { by, isLate } = change;
      if (!isLate) return withQueue(channel, by, channel.to[by].slice(1));
      return { ...channel, late: { ...channel.late, [by]: channel.late[by].slice(1) } };
    }
    case 'hungUp': {
      const { by, wasUp, outlives } = change;
      const left = outlives ? channel.to[by].filter((number) => 'session' in frames.at(number)) : [];
      const late = { ...channel.late, [by]: [...channel.late[by], ...left] };
      return withQueue({ ...channel, isWhole: channel.isWhole && !wasUp, late }, by, []);
    }
    default:
      return unreachable(change);
  }
}

const withQueue = (channel: Channel, to: ServerName, queue: readonly number[]): Channel => ({
  ...channel,
  to: { ...channel.to, [to]: queue },
});
