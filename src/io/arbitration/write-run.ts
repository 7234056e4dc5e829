/**
 * Rule Write carried out on the share's files: does what the step machine asks, one order at a time.
 * Source: PROTOCOL.md §2 Write.
 */
import { unreachable } from '../../base/index.ts';
import {
  beginWrite,
  type Hold,
  nextWrite,
  otherServer,
  type WriteInput,
  type WriteOrder,
  type WriteResult,
  type WriteStart,
} from '../../core/pair/index.ts';
import type { OwnBlock, ShareFiles } from './share-files.ts';

type WritableBlock = Pick<OwnBlock, 'put' | 'close'>;

/** The touches of the share that a write is made of. */
export type WriteFiles = Pick<ShareFiles, 'blocks' | 'block' | 'mark' | 'moveAside'> &
  Readonly<{ openOwnBlock: () => Promise<WritableBlock> }>;

export type WriteRun = Readonly<{
  start: WriteStart;
  files: WriteFiles;
  /** The hold at this moment; null for none. */
  hold: () => Hold | null;
  /** True once the write was given up: it goes no further than the touch that it is at. */
  isOver: () => boolean;
}>;

/** Durable on the share when it says `written`. Rejects at the first error; the write is unresolved then. */
export async function runWrite(run: WriteRun): Promise<WriteResult> {
  const own = new OpenedOnce(() => run.files.openOwnBlock());
  try {
    let step = beginWrite(run.start);
    while (step.do.type !== 'end') {
      if (run.isOver()) throw new Error('the write was given up');
      step = nextWrite(step.state, await obey(run, step.do, own));
    }
    return step.do.outcome;
  } finally {
    own.close();
  }
}

async function obey(
  run: WriteRun,
  order: Exclude<WriteOrder, { type: 'end' }>,
  own: OpenedOnce,
): Promise<WriteInput> {
  const { files, start } = run;
  switch (order.type) {
    case 'readBoth': {
      const [blocks, mark] = await Promise.all([files.blocks(), files.mark()]);
      return { type: 'both', hold: run.hold(), blocks, mark };
    }
    case 'moveAside':
      await files.moveAside(order.blocks);
      return { type: 'done' };
    case 'put':
      await (await own.block()).put(order.copy, order.content);
      return { type: 'done' };
    case 'readPeer':
      return { type: 'peer', peer: await files.block(otherServer(start.server)) };
    default:
      return unreachable(order);
  }
}

/** One's own block, opened with the first copy that is put. */
class OpenedOnce {
  readonly #open: WriteFiles['openOwnBlock'];
  #block: WritableBlock | null = null;

  constructor(open: WriteFiles['openOwnBlock']) {
    this.#open = open;
  }

  async block(): Promise<WritableBlock> {
    this.#block ??= await this.#open();
    return this.#block;
  }

  close(): void {
    this.#block?.close();
  }
}
