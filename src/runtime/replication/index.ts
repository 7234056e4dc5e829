/** What makes two stores one: the commit pipeline, sessions, checkpoints. */
export { Replication, type ReplicationParts } from './replication.ts';
export { type Replica } from './replica.ts';
