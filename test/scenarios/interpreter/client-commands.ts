/** What clients do, how time passes, and what stores hold. */
import type { Command } from './command.ts';
import { line } from './consoles.ts';
import { copyIn, storesText } from './looks.ts';
import { LONG_MS, ScenarioFailure, type Scene } from './scene.ts';
import type { ServerName } from '../../../src/core/pair/index.ts';
import { SERVERS } from '../../../src/simulator/pair/sim-pair.ts';

export const clientCommands: readonly Command[] = [
  // Where most stories begin: both started, ACTIVE/PASSIVE, and clients served. What they say on the way is left out.
  {
    form: 'begin',
    does: async (scene) => {
      for (const name of SERVERS) scene.machine(name).start();
      await untilStates(scene, 'ACTIVE/PASSIVE', LONG_MS);
      await scene.startClients();
      scene.consoles.forget();
    },
  },
  // A publisher with QoS 1, and a durable consumer of everything.
  { form: 'start clients', does: (scene) => scene.startClients() },
  { form: 'stop clients', does: (scene) => scene.stopClients() },
  { form: 'publish <count>', does: (scene, words) => publish(scene, words.number('count')) },
  {
    form: 'publish <count> of <text> bytes',
    does: (scene, words) => publish(scene, words.number('count'), { bytes: Number(words.text('text')) }),
  },
  {
    form: 'publish <count> retained',
    does: (scene, words) => publish(scene, words.number('count'), { isRetained: true }),
  },
  // A clean one that knows no other server.
  {
    form: 'subscribe <name> at <server>',
    does: (scene, words) => void scene.subscribe(words.text('name'), { isClean: true, at: words.server }),
  },
  {
    form: 'received by <name>',
    shows: ({ traffic }, words) => {
      const log = traffic.consumers.find(({ name }) => name === words.text('name'));
      if (log === undefined) throw new ScenarioFailure('there is no such consumer');
      if (log.subscribedAt === null) return [line('clients', `${log.name} is not subscribed`)];
      return [line('clients', `${log.name} has received ${[...log.received].join(', ') || 'nothing'}`)];
    },
  },

  // Time ------------------------------------------------------------------------------------------------------------------------
  { form: 'run <time>', does: (scene, { ms }) => scene.run(ms) },
  { form: 'until <states>', does: (scene, words) => untilStates(scene, words.text('states'), LONG_MS) },
  {
    form: 'until <states> within <time>',
    does: (scene, words) => untilStates(scene, words.text('states'), words.ms),
  },
  { form: 'until acknowledged', does: (scene) => untilAcknowledged(scene, LONG_MS) },
  { form: 'until acknowledged within <time>', does: (scene, { ms }) => untilAcknowledged(scene, ms) },
  {
    form: 'until somebody serves within <time>',
    does: (scene, { ms }) => scene.until(() => scene.isAnyoneServing, ms, 'somebody serves'),
  },
  {
    form: 'until delivered',
    does: (scene) => scene.until(() => isAllDelivered(scene), LONG_MS, 'all acknowledged ones delivered'),
  },
  // `until primary is at ACTIVE.shrinking.writing`: inside a state.
  {
    form: 'until <server> is at <text>',
    does: (scene, words) => {
      const step = words.text('text');
      const isThere = (): boolean =>
        `${scene.machine(words.server).server?.pair.step ?? ''}.`.startsWith(`${step}.`);
      return scene.until(isThere, LONG_MS, `${words.server} at ${step}`);
    },
  },
  {
    form: 'until <server> says <text>',
    does: (scene, words) =>
      scene.until(
        () => scene.consoles.hasSaid(words.server, words.text('text')),
        LONG_MS,
        `${words.server} says ${words.text('text')}`,
      ),
  },
  // Rule Write, between steps 2 and 4.
  {
    form: 'until <server> has announced',
    does: (scene, { server }) =>
      scene.until(() => isAnnounced(scene, server), LONG_MS, `the ${server} has announced`),
  },
  // Rule Write, inside step 4.
  {
    form: 'until copy 1 of <server> is ahead',
    does: (scene, { server }) =>
      scene.until(() => isHalfWritten(scene, server), LONG_MS, `the ${server} has written copy 1 only`),
  },
  { form: 'stores', shows: (scene) => storesText(scene) },
];

function publish(
  { publisher }: Scene,
  count: number,
  how: Partial<Readonly<{ isRetained: boolean; bytes: number }>> = {},
): void {
  for (let n = 0; n < count; n += 1) publisher.publish({ isRetained: false, bytes: 10, ...how });
}

function untilStates(scene: Scene, states: string, ms: number): Promise<void> {
  const isSo = (): boolean => (states === 'whole' ? scene.isWhole : areLike(scene.pair.states, states));
  return scene.until(isSo, ms, states);
}

const untilAcknowledged = (scene: Scene, ms: number): Promise<void> =>
  scene.until(() => scene.traffic.acknowledged === scene.publisher.published, ms, 'all acknowledged');

/** `*` stands for any state. */
export function areLike(states: string, wanted: string): boolean {
  const is = states.split('/');
  return wanted.split('/').every((state, n) => state === '*' || state === is[n]);
}

/** Everything acknowledged has reached every durable consumer. */
export const isAllDelivered = ({ traffic }: Scene): boolean =>
  [...traffic.messages.values()].every(
    ({ id, isAcknowledged }) =>
      !isAcknowledged || traffic.consumers.every(({ isDurable, received }) => !isDurable || received.has(id)),
  );

function isAnnounced(scene: Scene, server: ServerName): boolean {
  const file = scene.pair.share.blocks[server];
  if (file === null) return false;
  const [one, two] = [copyIn(file.bytes, 1), copyIn(file.bytes, 2)];
  const reading = scene.pair.share.reading();
  const version = reading.kind === 'record' ? reading.record.version : 0;
  return one.announced !== null && one.announced === two.announced && one.announced > version;
}

function isHalfWritten(scene: Scene, server: ServerName): boolean {
  const file = scene.pair.share.blocks[server];
  return file !== null && copyIn(file.bytes, 1).version > copyIn(file.bytes, 2).version;
}
