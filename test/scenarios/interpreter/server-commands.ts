/** What befalls the servers, their disks and stores, and what their operators ask of them. */
import { present } from '../../../src/base/index.ts';
import { mayForce, type ServerName } from '../../../src/core/pair/index.ts';
import type { StoreContent } from '../../../src/simulator/disk/sim-disk.ts';
import { JournalContent } from '../../../src/simulator/disk/sim-journal.ts';
import { StateContent } from '../../../src/simulator/disk/sim-state.ts';
import type { Command } from './command.ts';
import { ScenarioFailure, type Scene } from './scene.ts';

const SEGMENT_BYTES = 8 * 1024;

export const serverCommands: readonly Command[] = [
  {
    form: 'start <servers>',
    does: ({ pair }, { servers }) => servers.forEach((name) => pair.machines[name].start()),
  },
  {
    form: 'start <server> --new-pair',
    does: (scene, { server }) => scene.machine(server).start({ newPair: true }),
  },
  {
    form: 'stop <server>',
    does: (scene, { server }) => scene.machine(server).stop('an operator'),
  },
  {
    form: 'crash <servers>',
    does: ({ pair }, { servers }) => servers.forEach((name) => pair.machines[name].crash()),
  },
  // The file server keeps the lock until a lease has run out; here it has none.
  {
    form: 'power-loss <servers>',
    does: ({ pair }, { servers }) => servers.forEach((name) => pair.machines[name].powerLoss(0)),
  },
  // The broker stands still; its keeper lives, and lets the lock go when the beats stop.
  { form: 'freeze <server>', does: (scene, { server }) => scene.machine(server).freeze('process') },
  // All stands still, clock and keeper too, as a paused virtual machine does.
  {
    form: 'freeze machine of <server>',
    does: (scene, { server }) => scene.machine(server).freeze('machine'),
  },
  { form: 'thaw <server>', does: (scene, { server }) => scene.machine(server).thaw() },

  // Disks and stores ------------------------------------------------------------------------------------------------------------
  { form: 'wipe <server>', does: (scene, { server }) => scene.machine(server).wipe() },
  { form: 'hang disk of <server>', does: (scene, { server }) => scene.machine(server).disk.holdSyncs() },
  { form: 'heal disk of <server>', does: (scene, { server }) => scene.machine(server).releaseSyncs() },
  { form: 'fail disk of <server>', does: (scene, { server }) => scene.machine(server).disk.failNextSync() },
  {
    form: 'copy store of <server> as <name>',
    does: (scene, words) => {
      scene.storeCopies.set(words.text('name'), copyOfStore(presentStore(scene, words.server)));
    },
  },
  {
    form: 'restore store of <server> from <name>',
    does: (scene, words) => {
      scene.isRestored = true;
      const { disk } = scene.machine(words.server);
      const content = copyOfStore(present(scene.storeCopies.get(words.text('name')), 'a copy of that name'));
      disk.wipe();
      disk.stores.set(content.identity.storeId, content);
      disk.current = content.identity.storeId;
    },
  },

  // Operators -------------------------------------------------------------------------------------------------------------------
  {
    form: 'switchover <server>',
    does: (scene, { server }) => scene.server(server).pair.askSwitchover('an operator'),
  },
  {
    form: 'force <server> because <text>',
    shows: (scene, words) => {
      const { pair, replication } = scene.server(words.server);
      // As `server/operations.ts` asks before it tells the pair.
      const refusal =
        pair.state === 'WAITING'
          ? mayForce(replication.replica.view(), pair.peerServes)
          : `this server is ${pair.state}; only one that is WAITING can be forced`;
      if (refusal !== null) return [`force-active is refused: ${refusal}`];
      const word = { by: 'operator', why: words.text('text'), at: '2030-01-01T00:00:00Z' };
      pair.tell({ type: 'forceAsked', word });
      return [];
    },
  },
];

function presentStore(scene: Scene, server: ServerName): StoreContent {
  const { disk } = scene.machine(server);
  if (disk.current === null) throw new ScenarioFailure(`the ${server} has no store`);
  return disk.contentOf(disk.current);
}

/** What a copy of the directory holds: what was written, synced or not. */
function copyOfStore({ identity, journal, state }: StoreContent): StoreContent {
  const entries = new JournalContent(journal.start);
  for (const entry of journal.entries) entries.write(entry, SEGMENT_BYTES);
  entries.syncedSeq = journal.syncedSeq;
  const pairs = new StateContent();
  pairs.change(state.pairs());
  pairs.appliedSeq = state.appliedSeq;
  return { identity, journal: entries, state: pairs };
}
