/** What must hold, whatever a transcript is rewritten to: each of these fails the scenario by itself. */
import { areLike, isAllDelivered } from './client-commands.ts';
import type { Command } from './command.ts';
import { copyIn, storesEqual } from './looks.ts';
import { LONG_MS, ScenarioFailure, type Scene } from './scene.ts';
import { SERVERS } from '../../../src/simulator/pair/sim-pair.ts';

export const expectations: readonly Command[] = [
  {
    form: 'expect <states>',
    does: ({ pair, isWhole }, words) => {
      const wanted = words.text('states');
      demand(wanted === 'whole' ? isWhole : areLike(pair.states, wanted), pair.states);
    },
  },
  {
    form: 'expect nobody serves for <time>',
    does: async (scene, { ms }) => {
      const hasServed = await scene.pair.until(() => scene.isAnyoneServing, ms);
      demand(!hasServed, `${scene.pair.states}, and somebody serves`);
      await scene.run(0);
    },
  },
  {
    form: 'expect <states> for <time>',
    does: async (scene, words) => {
      const wanted = words.text('states');
      const hasChanged = await scene.pair.until(() => !areLike(scene.pair.states, wanted), words.ms);
      demand(!hasChanged, scene.pair.states);
      await scene.run(0);
    },
  },
  {
    form: 'expect in sync <text>',
    does: (scene, words) => demand(inSync(scene) === words.text('text'), `in sync ${inSync(scene)}`),
  },
  {
    form: 'expect holder <server>',
    does: ({ pair }, { server }) => {
      const reading = pair.share.reading();
      const holder = reading.kind === 'record' ? reading.record.holder : reading.kind;
      demand(holder === server, `holder ${holder}`);
    },
  },
  {
    form: 'expect epoch <count>',
    does: ({ pair }, words) => {
      const reading = pair.share.reading();
      const epoch = reading.kind === 'record' ? reading.record.epoch : 0;
      demand(epoch === words.number('count'), `epoch ${epoch}`);
    },
  },
  {
    form: 'expect acknowledged <count>',
    does: ({ traffic }, words) =>
      demand(traffic.acknowledged === words.number('count'), `${traffic.acknowledged} are acknowledged`),
  },
  {
    form: 'expect delivered',
    does: (scene) =>
      scene.until(() => isAllDelivered(scene), LONG_MS, 'all that was acknowledged is delivered'),
  },
  {
    form: 'expect <name> has not received <text>',
    does: ({ traffic }, words) => {
      const log = traffic.consumers.find(({ name }) => name === words.text('name'));
      demand(log !== undefined, 'there is no such consumer');
      demand(log?.received.has(words.text('text')) === false, `it has received ${words.text('text')}`);
    },
  },
  {
    form: 'expect <name> has received <text>',
    does: ({ traffic }, words) => {
      const log = traffic.consumers.find(({ name }) => name === words.text('name'));
      demand(log?.received.has(words.text('text')) === true, 'it has not');
    },
  },
  {
    form: 'expect <server> has said <text>',
    does: ({ consoles }, words) => demand(consoles.hasSaid(words.server, words.text('text')), 'it has not'),
  },
  {
    form: 'expect <server> has not said <text>',
    does: ({ consoles }, words) => demand(!consoles.hasSaid(words.server, words.text('text')), 'it has'),
  },
  {
    form: 'expect <server> has a cut tail',
    does: (scene, { server }) => demand(scene.machine(server).disk.cutTails.length > 0, 'it has none'),
  },
  {
    form: 'expect <server> has a store kept aside',
    does: (scene, { server }) => demand(scene.machine(server).disk.keptAside.length > 0, 'it has none'),
  },
  {
    form: 'expect both copies of <server> agree',
    does: ({ pair }, { server }) => {
      const bytes = pair.share.blocks[server]?.bytes ?? Buffer.alloc(0);
      const [one, two] = [copyIn(bytes, 1), copyIn(bytes, 2)];
      const isSo = one.announced !== null && one.announced === two.announced && one.version === two.version;
      demand(isSo, 'they differ');
    },
  },
  {
    form: 'expect <server> has the lock',
    does: (scene, { server }) => demand(scene.server(server).pair.memory.hold !== null, 'it has not'),
  },
  {
    form: 'expect stores equal',
    does: async (scene) => {
      await scene.until(
        () => storesEqual(scene).startsWith('equal'),
        LONG_MS,
        `stores are equal (they ${storesEqual(scene)})`,
      );
    },
  },
  // From here on faults are allowed for that no protocol can survive. What breaks is printed, and something must.
  {
    form: 'beyond the promises: <text>',
    does: (scene, words) => {
      scene.beyond = words.text('text');
    },
  },
];

export function demand(isSo: boolean, otherwise: string): void {
  if (!isSo) throw new ScenarioFailure(`not so: ${otherwise}`);
}

function inSync({ pair }: Scene): string {
  const reading = pair.share.reading();
  if (reading.kind !== 'record') return reading.kind;
  const { record } = reading;
  return SERVERS.filter((name) => record.inSync[name] !== undefined).join('+');
}
