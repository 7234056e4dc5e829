/** The slow hash of passwords, computed beside the program: nothing else waits for it. */
import type { ScryptCost } from '../core/access/index.ts';

export interface PasswordHashing {
  /** scrypt with 32 bytes out. Takes as long as `cost` says, on one of few threads, and keeps nothing of the password. Source: RFC 7914. */
  scrypt(password: Uint8Array, salt: Uint8Array, cost: ScryptCost): Promise<Uint8Array>;
}
