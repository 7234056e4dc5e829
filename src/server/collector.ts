/**
 * How V8 collects garbage in a server. What a server allocates is young garbage, which costs little; its old space hardly grows. From that V8
 * concludes that collecting the old space is cheap, and begins at a few MiB more than there were: several times a second under load, with threads
 * of its own on the cores that messages need. So the old space of a small heap may grow further between two collections. A large one is left to V8,
 * since its part would be much memory. Source: docs/PERFORMANCE.md (Throughput).
 */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import type { Cancel, Clock } from '../base/index.ts';

/** To two and a half times what the last collection left. */
const GROWTH_PERCENT = 150;
/** In use, garbage included. */
const SMALL_HEAP_BYTES = 192 * 1024 * 1024;
const LOOK_MS = 10_000;

/** From now on, looked at again and again until it is taken back; what V8 was told last stays. */
export function easeCollector(clock: Clock): Cancel {
  let cancel: Cancel = () => undefined;
  const look = (): void => {
    const isSmall = getHeapStatistics().used_heap_size < SMALL_HEAP_BYTES;
    setFlagsFromString(`--heap-growing-percent=${isSmall ? GROWTH_PERCENT : 0}`);
    cancel = clock.after(LOOK_MS, look);
  };
  look();
  return () => cancel();
}
