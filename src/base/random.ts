/** Chance as a port, so that one seed repeats one run in the simulator. */
export interface Random {
  /** A fresh identifier of 128 random bits, as 32 lower-case hexadecimal digits. */
  id(): string;
  /** A number from 0 up to, not including, 1. */
  unit(): number;
}
