/**
 * One direction of one simulated connection, as TCP gives it: in order, late by chance, and while the way is barred everything
 * waits rather than being lost. Parcels die with the wire, never singly.
 */
import type { Clock } from '../../base/index.ts';

export type WireParts<Parcel> = Readonly<{
  clock: Clock;
  /** Drawn anew for each parcel. */
  latencyMs: () => number;
  isBarred: () => boolean;
  arrived: (parcel: Parcel) => void;
  bytesOf: (parcel: Parcel) => number;
}>;

export class SimWire<Parcel> {
  readonly #parts: WireParts<Parcel>;
  #parcels: { parcel: Parcel; due: number; bytes: number }[] = [];

  constructor(parts: WireParts<Parcel>) {
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
    const { clock, latencyMs, bytesOf } = this.#parts;
    const due = clock.now() + latencyMs();
    this.#parcels.push({ parcel, due, bytes: bytesOf(parcel) });
    clock.after(due - clock.now(), this.#pump);
  }

  /** The way may be open again: what waits arrives after one latency. */
  resume(): void {
    if (this.#parcels.length > 0) this.#parts.clock.after(this.#parts.latencyMs(), this.#pump);
  }

  /** All but the first `kept` parcels are gone. */
  cutTo(kept: number): void {
    this.#parcels = this.#parcels.slice(0, kept);
  }

  readonly #pump = (): void => {
    while (!this.#parts.isBarred()) {
      const first = this.#parcels[0];
      if (first === undefined || first.due > this.#parts.clock.now()) return;
      this.#parcels.shift();
      this.#parts.arrived(first.parcel);
    }
  };
}
