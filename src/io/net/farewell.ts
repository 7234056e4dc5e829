/** After the last word: a client that takes what is queued has its time, one that does not is not waited for. */
import type { Socket } from 'node:net';

const PATIENCE_MS = 2_000;

/** Destroys the socket when nothing of `backlog` was taken for a while; what the client sends meanwhile does not count. */
export function awaitEnd(socket: Socket, backlog: () => number): void {
  let left = backlog();
  const timer = setInterval(() => {
    const now = backlog();
    if (now === 0 || now >= left) socket.destroy();
    left = now;
  }, PATIENCE_MS);
  socket.once('close', () => clearInterval(timer));
}
