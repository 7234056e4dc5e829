/** scrypt in Node's own thread pool, which files and host names use too: whoever calls this bounds how much of it runs at a time. */
import { scrypt } from 'node:crypto';
import { HASH_BYTES, scryptBytes, type ScryptCost } from '../../core/access/index.ts';
import type { PasswordHashing } from '../../ports/index.ts';

export class NodeScrypt implements PasswordHashing {
  scrypt(password: Uint8Array, salt: Uint8Array, cost: ScryptCost): Promise<Uint8Array> {
    const { logN, r, p } = cost;
    // Node counts a little more than N × r blocks; twice is enough for whatever else it needs.
    const options = { N: 2 ** logN, r, p, maxmem: 2 * scryptBytes(cost) + 1024 * 1024 };
    return new Promise((resolve, reject) => {
      scrypt(password, salt, HASH_BYTES, options, (error, hash) => {
        if (error === null) resolve(hash);
        else reject(error);
      });
    });
  }
}
