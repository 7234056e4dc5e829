/** Ports that are free now, for processes that must be told theirs. */
import { createServer } from 'node:net';

/** Below the ports that the kernel gives away of itself. */
const PORT_FIRST = 20_000;
const PORT_LAST = 32_000;

/** The first of so many ports that nobody listens on. */
export async function freePorts(count: number): Promise<number> {
  for (let tries = 0; tries < 100; tries += 1) {
    const first = PORT_FIRST + Math.floor(Math.random() * (PORT_LAST - PORT_FIRST - count));
    const are = await Promise.all(Array.from({ length: count }, (_, n) => isFree(first + n)));
    if (are.every((is) => is)) return first;
  }
  throw new Error(`no ${count} free ports in a row between ${PORT_FIRST} and ${PORT_LAST}`);
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
