/** Chance from the operating system, good enough for identifiers that strangers must not guess. */
import { randomBytes } from 'node:crypto';
import type { Random } from '../../base/index.ts';

export class SystemRandom implements Random {
  id(): string {
    return randomBytes(16).toString('hex');
  }

  unit(): number {
    return randomBytes(6).readUIntBE(0, 6) / 2 ** 48;
  }
}
