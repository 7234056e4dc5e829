/**
 * What a keeper does in a takeover, done a few times on a scratch share below its store: code that has never run is read and compiled when it is
 * first called, and clients wait for every millisecond of a claim. Nothing waits for it; what a keeper that was killed meanwhile left of it, the next
 * one takes away.
 */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { assert } from '../../base/index.ts';
import {
  claimId,
  epoch,
  lockId,
  noStamp,
  pairId,
  storeId,
  version,
  type RecordDraft,
  type ServerName,
} from '../../core/pair/index.ts';
import type { KeeperAnswer, KeeperCall, KeeperSettings } from './keeper-messages.ts';
import { Keeper } from './keeper.ts';

const ROUNDS = 4;

/** Never rejects: a keeper does without. */
export async function rehearseKeeper(settings: KeeperSettings): Promise<void> {
  const directory = join(settings.storeDirectory, 'keeper.rehearsal');
  try {
    await rm(directory, { recursive: true, force: true });
    await mkdir(directory);
    await perform({
      ...settings,
      storeDirectory: directory,
      lockFile: join(directory, 'lock.lck'),
    });
  } catch {
    // Then it is compiled when it is needed.
  } finally {
    await rm(directory, { recursive: true, force: true }).catch(() => undefined);
  }
}

async function perform(settings: KeeperSettings): Promise<void> {
  const scratch = new ScratchKeeper(settings);
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      await scratch.ask({ type: 'read' });
      const lock = await scratch.ask({ type: 'lock', patienceMs: 0 });
      assert(lock.kind === 'held', `the lock of a scratch share: ${lock.kind}`);
      const { hold, reading } = lock;
      const replaces = reading.kind === 'record' ? reading.record.version : version(0);
      const draft = draftOf(settings.server, round);
      await scratch.ask({
        type: 'write',
        request: { hold, replaces, draft, above: version(0), repairs: false },
      });
      await scratch.ask({ type: 'release' });
    }
  } finally {
    await scratch.leave();
  }
}

class ScratchKeeper {
  readonly #keeper: Keeper;
  readonly #waiting = new Map<number, (answer: KeeperAnswer) => void>();
  #asked = 0;

  constructor(settings: KeeperSettings) {
    this.#keeper = new Keeper({
      settings,
      tell: (message) => {
        if (message.type === 'answer') this.#waiting.get(message.id)?.(message.answer);
      },
      end: () => undefined,
    });
  }

  leave(): Promise<void> {
    return this.#keeper.leave();
  }

  ask(call: KeeperCall): Promise<KeeperAnswer> {
    this.#asked += 1;
    const id = this.#asked;
    return new Promise((settle) => {
      this.#waiting.set(id, settle);
      this.#keeper.heard({ type: 'call', id, call });
    });
  }
}

const draftOf = (server: ServerName, round: number): RecordDraft => ({
  pairId: pairId('rehearsal'),
  lockId: lockId('rehearsal'),
  epoch: epoch(round + 1),
  claimId: claimId('rehearsal'),
  holder: server,
  inSync: { [server]: storeId('rehearsal') },
  floor: { rehearsal: noStamp },
  forced: [],
});
