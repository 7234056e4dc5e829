/**
 * Walks every state that two writers can bring two blocks into by rule Write, with no lock at all: one touch of the share at a time,
 * copies that are torn while they are written, writers that give up anywhere and begin anew with a fresh block file.
 * Rules can be left out, to see the walk find what goes wrong without them. Source: PROTOCOL.md §2 Write, Keeper.
 */
import { otherServer, hold, version, type ServerName, type Version } from '../../../src/core/pair/index.ts';
import {
  combineCopies,
  readShare,
  type BlockContent,
  type BlockReading,
  type CopyReading,
} from '../../../src/core/pair/record.ts';
import { beginWrite, nextWrite, type WriteInput, type WriteStep } from '../../../src/core/pair/write.ts';
import { draftNamed } from './records.ts';

export type Rules = Readonly<{ looksAgain: boolean; looksLast: boolean; announcesInBoth: boolean }>;
export const soundRules: Rules = { looksAgain: true, looksLast: true, announcesInBoth: true };

type Block = readonly [CopyReading, CopyReading];
type Written = Readonly<{ replaced: Version; became: Version }>;
type Writer = Readonly<{
  attemptsLeft: number;
  /** Null between two attempts. */
  step: WriteStep | null;
  /** A copy is being written: readers find it bad. */
  isTearing: boolean;
  /** What it saw of the peer last; a writer that doesn't look takes this for the present. */
  peerSeen: BlockReading;
}>;
type World = Readonly<{
  blocks: Readonly<Record<ServerName, Block>>;
  writers: Readonly<Record<ServerName, Writer>>;
  written: readonly Written[];
}>;

export type Exploration = Readonly<{ violation: string | null; states: number; ends: ReadonlySet<string> }>;

export function explore(bounds: {
  writers: readonly ServerName[];
  attempts: number;
  rules: Rules;
}): Exploration {
  const blank: CopyReading = { kind: 'blank' };
  const idle: Writer = {
    attemptsLeft: bounds.attempts,
    step: null,
    isTearing: false,
    peerSeen: { kind: 'empty' },
  };
  const first: World = {
    blocks: { primary: [blank, blank], secondary: [blank, blank] },
    writers: { primary: idle, secondary: idle },
    written: [],
  };
  const seen = new Set<string>([JSON.stringify(first)]);
  const ends = new Set<string>();
  const left: World[] = [first];
  for (let world = left.pop(); world !== undefined; world = left.pop()) {
    const violation = overtaken(world.written);
    if (violation !== null) return { violation, states: seen.size, ends };
    for (const server of bounds.writers)
      for (const { next, end } of moves(world, server, bounds.rules)) {
        if (end !== null) ends.add(end);
        const key = JSON.stringify(next);
        if (seen.has(key)) continue;
        seen.add(key);
        left.push(next);
      }
  }
  return { violation: null, states: seen.size, ends };
}

/** A written record between the version that another one replaced and that other one itself: its writer relied on it, and lost it. */
function overtaken(written: readonly Written[]): string | null {
  for (const one of written)
    for (const other of written)
      if (other.became > one.replaced && other.became < one.became)
        return `${one.became} replaced ${one.replaced}, though ${other.became} was written`;
  return null;
}

type Move = Readonly<{ next: World; end: string | null }>;

function moves(world: World, server: ServerName, rules: Rules): Move[] {
  const writer = world.writers[server];
  if (writer.step === null) return writer.attemptsLeft === 0 ? [] : [begin(world, server)];
  return [giveUp(world, server), obey(world, server, writer.step, rules)];
}

/** Reads R, and begins to replace it. */
function begin(world: World, server: ServerName): Move {
  const writer = world.writers[server];
  const reading = readShare(blockOf(world, 'primary'), blockOf(world, 'secondary'), null);
  const step = beginWrite({
    server,
    hold: hold(1),
    replaces: reading.kind === 'record' ? reading.record.version : version(0),
    draft: draftNamed(server),
    above: version(0),
    repairs: false,
  });
  return put(world, server, { ...writer, attemptsLeft: writer.attemptsLeft - 1, step }, null);
}

/** Its keeper dies; the next one begins with a complete copy of the block as it stands. */
function giveUp(world: World, server: ServerName): Move {
  const writer = world.writers[server];
  const present = blockOf(world, server);
  const copy: CopyReading =
    present.kind === 'good'
      ? { kind: 'good', content: { announced: present.announced, record: present.record } }
      : { kind: 'blank' };
  const blocks = { ...world.blocks, [server]: [copy, copy] as const };
  return put({ ...world, blocks }, server, { ...writer, step: null, isTearing: false }, 'givenUp');
}

function obey(world: World, server: ServerName, step: WriteStep, rules: Rules): Move {
  const writer = world.writers[server];
  const order = step.do;
  switch (order.type) {
    case 'readBoth': {
      const blocks = { primary: blockOf(world, 'primary'), secondary: blockOf(world, 'secondary') };
      const peerSeen = blocks[otherServer(server)];
      return advance(
        world,
        server,
        { ...writer, peerSeen },
        { type: 'both', hold: hold(1), blocks, mark: null },
      );
    }
    case 'put': {
      const isSkipped = step.state.place === 'announceSecond' && !rules.announcesInBoth;
      if (isSkipped) return advance(world, server, writer, { type: 'done' });
      if (!writer.isTearing)
        return put(withCopy(world, server, order.copy, null), server, { ...writer, isTearing: true }, null);
      const next = withCopy(world, server, order.copy, order.content);
      return advance(next, server, { ...writer, isTearing: false }, { type: 'done' });
    }
    case 'readPeer': {
      const looks = step.state.place === 'lookAgain' ? rules.looksAgain : rules.looksLast;
      const peerSeen = looks ? blockOf(world, otherServer(server)) : writer.peerSeen;
      return advance(world, server, { ...writer, peerSeen }, { type: 'peer', peer: peerSeen });
    }
    default:
      throw new Error(`no such order here: ${order.type}`);
  }
}

function advance(world: World, server: ServerName, writer: Writer, input: WriteInput): Move {
  if (writer.step === null) throw new Error('no write to advance');
  const step = nextWrite(writer.step.state, input);
  if (step.do.type !== 'end') return put(world, server, { ...writer, step }, null);
  const { outcome } = step.do;
  const written =
    outcome.kind === 'written'
      ? [...world.written, { replaced: step.state.replaces, became: outcome.record.version }]
      : world.written;
  return put({ ...world, written }, server, { ...writer, step: null }, outcome.kind);
}

const put = (world: World, server: ServerName, writer: Writer, end: string | null): Move => ({
  next: { ...world, writers: { ...world.writers, [server]: writer } },
  end,
});

const blockOf = (world: World, server: ServerName): BlockReading => combineCopies(...world.blocks[server]);

function withCopy(world: World, server: ServerName, copy: 1 | 2, content: BlockContent | null): World {
  const [first, second] = world.blocks[server];
  const written: CopyReading = content === null ? { kind: 'bad' } : { kind: 'good', content };
  const block: Block = copy === 1 ? [written, second] : [first, written];
  return { ...world, blocks: { ...world.blocks, [server]: block } };
}
