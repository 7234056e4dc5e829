/** A server that serves and may acknowledge without anybody's consent. Source: PROTOCOL.md §2 Ack. */
import type { Server } from '../world/world.ts';

export const commitsAlone = ({ desk, store, replication }: Server): boolean =>
  desk.isRunning &&
  replication.pipeline !== null &&
  replication.pipeline.required.every((required) => required === store.storeId);
