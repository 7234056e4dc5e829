/** The scenarios can fail: with something left out of the pair that a clause asks for, the run that the clause is there for breaks. Source: REASONS.md. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { PLANTED } from '../../src/simulator/planted/index.ts';
import { interpret, type LeftOut, ScenarioFailure } from './interpreter/index.ts';

const folder = fileURLToPath(new URL('.', import.meta.url));
const FOR_EVER_MS = 3_600_000;

/** The run by the beginning of its file's name; what is left out, in words and in fact. Every plant is a new one, because some remember. */
const LEFT_OUT: readonly (readonly [run: string, words: string, without: () => LeftOut])[] = [
  [
    'a01',
    'a storeId of its own for every new disk (§1)',
    () => ({ plant: PLANTED.wipedStoreMayClaim.plant() }),
  ],
  [
    'a02',
    'the whole journal replayed before it serves (Claim)',
    () => ({ plant: PLANTED.replaySkipsLastEntry.plant() }),
  ],
  ['a04', 'the sync before an entry counts (Ack)', () => ({ plant: PLANTED.appendBeforeSync.plant() })],
  ['a05', 'the word unresolved (Write)', () => ({ plant: PLANTED.unresolvedTakenForWritten.plant() })],
  ['a06', 'the sync before an entry counts (Ack)', () => ({ plant: PLANTED.appendBeforeSync.plant() })],
  ['b02', 'the cut of a tail (Tail)', () => ({ plant: PLANTED.tailKept.plant() })],
  ['b04', 'ackTimeout (Shrink)', () => ({ timing: { ackTimeout: FOR_EVER_MS } })],
  ['b04', 'diskTimeout (Ack)', () => ({ timing: { diskTimeout: FOR_EVER_MS } })],
  ['b09', 'peerTimeout (Shrink)', () => ({ timing: { peerTimeout: FOR_EVER_MS } })],
  ['c06', 'the cut of a tail (Tail)', () => ({ plant: PLANTED.tailKept.plant() })],
];

for (const [run, words, without] of LEFT_OUT)
  test(`${run.toUpperCase().replace('0', '')} fails without ${words}`, async () => {
    const file = readdirSync(folder).find((name) => name.startsWith(run));
    const text = readFileSync(`${folder}${file ?? ''}`, 'utf8');
    await expect(interpret(text, without())).rejects.toBeInstanceOf(ScenarioFailure);
  });
