/**
 * A profile as `node --cpu-prof` writes it (V8's sampling profiler), cut to a span of time, as stacks and what each took. Source: Chrome DevTools
 * Protocol, Profiler.Profile; times are microseconds of the monotonic clock, as `process.hrtime` counts it.
 */
import { z } from 'zod';

const profileSchema = z.object({
  nodes: z.array(
    z.object({
      id: z.number(),
      callFrame: z.object({ functionName: z.string(), url: z.string() }),
      children: z.array(z.number()).optional(),
    }),
  ),
  startTime: z.number(),
  samples: z.array(z.number()),
  timeDeltas: z.array(z.number()),
});

/** `url`: of the file that the function is in; empty for what is not JavaScript. */
export type Call = Readonly<{ name: string; url: string }>;
/** The outermost call first; `us`: microseconds. */
export type Stack = Readonly<{ calls: readonly Call[]; us: number }>;
/** Microseconds of the monotonic clock. */
export type Span = Readonly<{ from: number; to: number }>;

/** The stacks of the samples within the span, one for each that was seen. Throws where the text is no profile. */
export function stacksIn(text: string, { from, to }: Span): Stack[] {
  const { nodes, samples, timeDeltas, startTime } = profileSchema.parse(JSON.parse(text));
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])));
  const took = new Map<number, number>();
  let at = startTime;
  for (const [index, id] of samples.entries()) {
    at += timeDeltas[index] ?? 0;
    // A sample stands for the time until the next one.
    const us = timeDeltas[index + 1] ?? 0;
    if (at >= from && at < to) took.set(id, (took.get(id) ?? 0) + us);
  }
  return [...took].map(([id, us]) => {
    const calls: Call[] = [];
    for (let next: number | undefined = id; next !== undefined; next = parents.get(next)) {
      const frame = byId.get(next)?.callFrame;
      if (frame !== undefined && frame.functionName !== '(root)')
        calls.unshift({ name: frame.functionName || '(anonymous)', url: frame.url });
    }
    return { calls, us };
  });
}

/** What is no function. */
const OUTSIDE: ReadonlyMap<string, string> = new Map([
  ['(idle)', 'idle'],
  ['(garbage collector)', 'garbage'],
  ['(program)', 'node'],
]);

/** Which part each file belongs to: the first that its address holds. */
const PARTS: readonly (readonly [string, string])[] = [
  ['/dist/core/', 'core'],
  ['/dist/runtime/', 'runtime'],
  ['/dist/io/net/', 'clients'],
  ['/dist/io/journal/', 'journal'],
  ['/dist/io/store/', 'state'],
  ['/node_modules/lmdb/', 'state'],
  ['/dist/io/channel/', 'backchannel'],
  ['/node_modules/ws/', 'backchannel'],
  ['/node_modules/msgpackr/', 'backchannel'],
  ['/dist/', 'other'],
  ['/node_modules/', 'other'],
];

/** Where the time of a stack belongs: to the innermost part of the product in it, or a library; what Node does by itself is `node`. */
export function partOf({ calls }: Stack): string {
  const outside = OUTSIDE.get(calls.at(-1)?.name ?? '');
  if (outside !== undefined) return outside;
  for (const { url } of calls.toReversed()) {
    const part = PARTS.find(([piece]) => url.includes(piece));
    if (part !== undefined) return part[1];
  }
  return 'node';
}
