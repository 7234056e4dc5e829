/**
 * Never two that acknowledge: an epoch has one claim and one server, whoever acknowledges holds an epoch in which the message is, and epochs follow
 * each other in time, as clients see it. Two that *believe* that they serve, in different epochs, are no fault: one of them is only late.
 * Source: PROTOCOL.md §2 Claim, Ack; REASONS.md C4.
 */
import type { EpochStart, ServerName, StateName } from '../../../src/core/pair/index.ts';
import { serves } from '../../../src/core/pair/index.ts';
import { idOf, type WireEvent } from './wire.ts';

type Served = Readonly<{ server: ServerName; state: StateName | null; epoch: number }>;

export type Service = Readonly<{
  /** In the order of time. */
  wire: readonly WireEvent[];
  /** What the servers said of themselves. */
  samples: readonly Served[];
  /** The epoch tables of both stores. */
  epochs: readonly (readonly EpochStart[])[];
  /** By message, the epochs in which a journal has it. */
  published: ReadonlyMap<string, ReadonlySet<number>>;
}>;

export function doubleService(service: Service): string[] {
  return [
    ...twoClaims(service),
    ...twoServers(service),
    ...acknowledgedByAnother(service),
    ...acknowledgedTooLate(service),
  ];
}

function twoClaims({ epochs }: Service): string[] {
  const claims = new Map<number, string>();
  return epochs.flat().flatMap(({ epoch, claimId }) => {
    const known = claims.get(epoch) ?? claimId;
    claims.set(epoch, known);
    return known === claimId ? [] : [`epoch ${epoch} has two claims: ${known} and ${claimId}`];
  });
}

function twoServers({ samples }: Service): string[] {
  return [...holders(samples)].flatMap(([epoch, servers]) =>
    servers.size < 2 ? [] : [`both servers have served in epoch ${epoch}`],
  );
}

/** A message that its server acknowledged is in an epoch of that server. Epochs that nobody was asked in are not judged. */
function acknowledgedByAnother({ wire, samples, published }: Service): string[] {
  const held = holders(samples);
  return wire.flatMap((event) => {
    const epochs = [...(published.get(idOf(event)) ?? [])];
    if (event.what === 'sent' || epochs.length === 0) return [];
    const isOurs = epochs.some((epoch) => held.get(epoch)?.has(event.server) ?? true);
    return isOurs
      ? []
      : [`the ${event.server} acknowledged ${idOf(event)}, which is in epoch ${epochs.join(', ')} only`];
  });
}

/** What was sent after a later epoch had acknowledged anything is in no earlier one. */
function acknowledgedTooLate({ wire, published }: Service): string[] {
  let newest = 0;
  const newestAtSending = new Map<string, number>();
  return wire.flatMap((event) => {
    const id = idOf(event);
    const sending = `${id} on ${event.connection}`;
    const epochs = published.get(id);
    if (event.what === 'sent') newestAtSending.set(sending, newest);
    if (event.what === 'sent' || epochs === undefined) return [];
    const committed = Math.max(...epochs);
    const before = newestAtSending.get(sending) ?? 0;
    // In doubt the earliest epoch that could have been meant: a message may have been stored again after it was acknowledged.
    const earliest = Math.min(...epochs);
    newest = Math.max(newest, earliest);
    return committed >= before
      ? []
      : [`${id} was sent after epoch ${before} had acknowledged, and acknowledged in epoch ${committed}`];
  });
}

function holders(samples: readonly Served[]): Map<number, Set<ServerName>> {
  const held = new Map<number, Set<ServerName>>();
  for (const { server, state, epoch } of samples)
    if (state !== null && serves(state)) held.set(epoch, (held.get(epoch) ?? new Set()).add(server));
  return held;
}
