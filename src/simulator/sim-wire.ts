/**
 * One direction of one simulated connection, as TCP gives it: in order, late by chance, and while the way is barred everything
 * waits rather than being lost. Parcels die with the wire, never singly.
 */
import type { Clock } from '../base/index.ts';
import type { Frame } from '../core/pair/index.ts';

export type Parcel = Readonly<
  | { kind: 'welcome' }
  | { kind: 'frame'; frame: Frame }
  /** The sender's side of the connection is over. */
  | { kind: 'end'; why: string }
>;

export type WireParts = Readonly<{
  clock: Clock;
  /** Drawn anew for each parcel. */
  latencyMs: () => number;
  isBarred: () => boolean;
  arrived: (parcel: Parcel) => void;
}>;

export class SimWire {
  readonly #parts: WireParts;
  #parcels: { parcel: Parcel; due: number; bytes: number }[] = [];

  constructor(parts: WireParts) {
    this.#parts = parts;
  }

  /** Bytes on their way. */
  get bytes(): number {
    return this.#parcels.reduce((sum, each) => sum + each.bytes, 0);
  }

  get parcels(): number {
    return this.#parcels.length;
  }

  put(parcel: Parcel): void {
    const { clock, latencyMs } = this.#parts;
    const due = clock.now() + latencyMs();
    this.#parcels.push({ parcel, due, bytes: bytesOf(parcel) });
    clock.after(due - clock.now(), () => this.#pump());
  }

  /** The way may be open again: what waits arrives after one latency. */
  resume(): void {
    if (this.#parcels.length > 0) this.#parts.clock.after(this.#parts.latencyMs(), () => this.#pump());
  }

  /** All but the first `kept` parcels are gone. */
  cutTo(kept: number): void {
    this.#parcels = this.#parcels.slice(0, kept);
  }

  #pump(): void {
    while (!this.#parts.isBarred()) {
      const first = this.#parcels[0];
      if (first === undefined || first.due > this.#parts.clock.now()) return;
      this.#parcels.shift();
      this.#parts.arrived(first.parcel);
    }
  }
}

/** What surrounds a body, about. */
const ENVELOPE_BYTES = 64;

const bytesOf = (parcel: Parcel): number =>
  ENVELOPE_BYTES + (parcel.kind === 'frame' && 'body' in parcel.frame ? parcel.frame.body.length : 0);
