/**
 * The machine's rows, read back from the machine: every transition that leaves a state of PROTOCOL.md §3, or comes
 * back to it by a row of its own, with the row's *when*. The test
 * that compares them with the page, the manual's diagram and nothing else come from here.
 */
import { pairMachine } from './machine.ts';

export type Row = Readonly<{ from: string; when: string; to: string }>;

/** What is read of xstate's nodes; their own type has `any` in it. */
type Node = Readonly<{
  path: readonly string[];
  transitions: ReadonlyMap<string, readonly Transition[]>;
  always?: readonly Transition[] | undefined;
  states: Readonly<Record<string, Node>>;
}>;
type Transition = Readonly<{ target?: readonly Node[] | undefined; description?: string | undefined }>;

const top = (node: Node): string => node.path[0] ?? 'each';

/** Every row once, sorted. */
export function transitionTable(): Row[] {
  const rows = new Map<string, Row>();
  const visit = (node: Node): void => {
    for (const transition of [...[...node.transitions.values()].flat(), ...(node.always ?? [])])
      for (const target of transition.target ?? []) {
        if (top(target) === top(node) && transition.description === undefined) continue;
        const row = { from: top(node), when: transition.description ?? '(no description)', to: top(target) };
        rows.set(rowText(row), row);
      }
    for (const child of Object.values(node.states)) visit(child);
  };
  visit(pairMachine.root);
  return [...rows.values()].sort((a, b) => (rowText(a) < rowText(b) ? -1 : 1));
}

export const rowText = ({ from, when, to }: Row): string => `${from} | ${when} | ${to}`;
