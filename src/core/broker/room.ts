/** Whether a queue has room for a message, and what makes way for it where it has none. */
import type { Message } from './message.ts';
import type { QueueBounds } from './op.ts';
import type { MessageQueue } from './queue.ts';

export const isFullFor = (
  queue: Pick<MessageQueue, 'length' | 'bytes'>,
  bounds: QueueBounds,
  message: Message,
): boolean => queue.length >= bounds.messages || queue.bytes + message.bytes > bounds.bytes;

/**
 * A full queue lets its oldest messages go, `letGo` takes them out: the newest is what a client that comes back wants, and the publisher is not at
 * fault. None numbered below `from` goes. How many have gone, the new one with them where nothing else can; `hasRoom`: it may be added.
 */
export function makeRoom(
  message: Message,
  { queue, bounds, from }: Readonly<{ queue: MessageQueue; bounds: QueueBounds; from: number }>,
  letGo: (number: number) => void,
): Readonly<{ hasRoom: boolean; gone: number }> {
  if (message.bytes > bounds.bytes) return NO_ROOM;
  let gone = 0;
  while (isFullFor(queue, bounds, message)) {
    const oldest = queue.from(from);
    gone += 1;
    if (oldest === null) return { hasRoom: false, gone };
    letGo(oldest.number);
  }
  return gone === 0 ? ROOM : { hasRoom: true, gone };
}

const ROOM = { hasRoom: true, gone: 0 } as const;
const NO_ROOM = { hasRoom: false, gone: 1 } as const;
