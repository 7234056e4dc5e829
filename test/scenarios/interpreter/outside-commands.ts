/** What befalls the channel between the two servers, the gateway and the share. */
import { present } from '../../../src/base/index.ts';
import type { Command } from './command.ts';
import { blocksText, recordInFull } from './looks.ts';
import { copyOfShare, restoreShare } from './mounts.ts';

export const outsideCommands: readonly Command[] = [
  // The channel -----------------------------------------------------------------------------------------------------------------
  { form: 'cut', does: ({ pair }) => pair.network.cut() },
  { form: 'cut one way from <server>', does: ({ pair }, { server }) => pair.network.cutOneWay(server) },
  { form: 'heal', does: ({ pair }) => pair.network.heal() },
  { form: 'reset channel', does: ({ pair }) => pair.network.reset('the connection was reset') },
  // Only this one learns that the connection is over.
  { form: 'lose channel for <server>', does: ({ pair }, { server }) => pair.network.loseFor(server) },
  {
    form: 'damage next entries to <server>',
    does: ({ mounts }, { server }) => mounts.damageNextEntries(server),
  },

  // The gateway -----------------------------------------------------------------------------------------------------------------
  {
    form: 'silence gateway of <servers>',
    does: ({ pair }, { servers }) => servers.forEach((name) => (pair.machines[name].gateway.isSilent = true)),
  },
  {
    form: 'heal gateway of <servers>',
    does: ({ pair }, { servers }) =>
      servers.forEach((name) => (pair.machines[name].gateway.isSilent = false)),
  },

  // The share -------------------------------------------------------------------------------------------------------------------
  { form: 'hang share of <servers>', does: ({ pair }, { servers }) => pair.share.hang(servers) },
  { form: 'heal share of <servers>', does: ({ pair }, { servers }) => pair.share.heal(servers) },
  // What is asked from now on is answered; what hung before still hangs, until `late writes land`.
  {
    form: 'heal share of <server> but for what hangs',
    does: ({ pair, hanging }, { server }) => {
      const mount = pair.share.mount(server);
      const { heal } = present(mount.hang, 'a share that hangs');
      mount.hang = null;
      hanging.push(heal);
    },
  },
  {
    form: 'late writes land',
    does: ({ hanging }) => {
      for (const land of hanging.splice(0)) land();
    },
  },
  { form: 'revoke lock of <server>', does: ({ pair }, { server }) => pair.share.revoke(server) },
  // The lease runs out, and its holder doesn't know.
  { form: 'expire lock of <server>', does: ({ pair }, { server }) => pair.share.expire(server) },
  { form: 'let locks lie', does: ({ pair }) => pair.share.lieAboutLocks() },
  {
    form: 'fail next write of <server> before it lands',
    does: ({ pair }, { server }) => pair.share.failNextWrite(server, 'before'),
  },
  {
    form: 'fail next write of <server> after it lands',
    does: ({ pair }, { server }) => pair.share.failNextWrite(server, 'after'),
  },
  {
    form: 'spoil copy <copy> of block of <server>',
    does: ({ pair }, words) => pair.share.spoil(words.server, [words.text('copy') === '1' ? 1 : 2]),
  },
  { form: 'delete share', does: ({ pair }) => pair.share.wipe() },
  {
    form: 'copy share as <name>',
    does: ({ pair, shareCopies }, words) => {
      shareCopies.set(words.text('name'), copyOfShare(pair.share));
    },
  },
  {
    form: 'restore share from <name>',
    does: (scene, words) => {
      scene.isRestored = true;
      const copy = present(scene.shareCopies.get(words.text('name')), 'a copy of that name');
      restoreShare(scene.pair.share, copy);
    },
  },
  {
    form: 'mount share <name> at <server>',
    does: ({ pair, mounts, shareCopies }, words) => {
      const name = words.text('name');
      if (name === 'own') return mounts.mountOwn(words.server);
      mounts.mountOther(words.server, pair.share, shareCopies.get(name) ?? null);
    },
  },
  { form: 'record', shows: (scene) => recordInFull(scene) },
  { form: 'blocks', shows: (scene) => blocksText(scene) },
];
