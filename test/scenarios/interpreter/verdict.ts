/** The last block of every scenario: worked out from the stores, the clients and the checkers, and a failure where a promise is broken. */
import type { Command } from './command.ts';
import { line } from './consoles.ts';
import { listOf } from './clients.ts';
import { holdersOf, recordText, storesEqual } from './looks.ts';
import { ScenarioFailure, type Scene } from './scene.ts';

/** Time for what was taken to be applied on both sides, and for clients to come back. */
const REST_MS = 5_000;

export const VERDICT = 'verdict';

export const verdict: Command = {
  form: VERDICT,
  shows: async (scene) => {
    scene.subscribeLate();
    await scene.run(REST_MS);
    const states = scene.pair.states;
    scene.stopClients();
    await scene.run(REST_MS);
    const { lost, text } = messages(scene);
    if (lost !== '') scene.breaks('nothing acknowledged is lost', `${lost} is nowhere`);
    // What is held by servers that do not serve can't be delivered: then the stores above are the answer.
    if (scene.isWhole)
      for (const checker of scene.checkers) {
        const what = checker.ended?.() ?? null;
        if (what !== null) scene.breaks(checker.promise, what);
      }
    await scene.run(0);
    const seen = scene.takeOutput();
    if (scene.beyond !== null && scene.broken.length === 0)
      throw new ScenarioFailure('nothing was broken: this scenario need not go beyond the promises');
    return [
      ...seen,
      line('states', states),
      line('record', recordText(scene)),
      line('messages', text),
      line('stores', storesEqual(scene)),
      ...promises(scene),
    ];
  },
};

function messages(scene: Scene): { lost: string; text: string } {
  const durable = scene.traffic.consumers.filter(({ isDurable }) => isDurable);
  const sent = [...scene.traffic.messages.values()];
  const acknowledged = sent.filter(({ isAcknowledged }) => isAcknowledged);
  const waiting = acknowledged.filter(({ id }) => durable.some(({ received }) => !received.has(id)));
  const held = new Map<string, string[]>();
  for (const { id } of waiting) {
    const where = holdersOf(scene, id).join('+');
    held.set(where, [...(held.get(where) ?? []), id]);
  }
  const lost = listOf(held.get('') ?? []);
  const places = [...held].map(([where, ids]) =>
    where === '' ? `${listOf(ids)} lost` : `${listOf(ids)} held by ${where}`,
  );
  const text = [
    `${acknowledged.length} of ${sent.length} acknowledged`,
    ...(durable.length === 0 ? [] : [`${acknowledged.length - waiting.length} of them delivered`]),
    ...places,
  ].join('; ');
  return { lost, text };
}

function promises({ beyond, broken }: Scene): string[] {
  if (beyond === null) return [line('promises', 'kept')];
  return [
    line('beyond', beyond),
    ...broken.map(({ promise, what }) => line('broken', `${promise}: ${what}`)),
  ];
}
