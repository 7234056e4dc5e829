/**
 * What the serving server tells of itself below `$SYS/`, to whoever subscribes there. Never replicated, journalled or acknowledged: it goes to
 * who is connected with QoS 0, and is another server's own after a failover.
 */
export { Load } from './load.ts';
export { sysContents, sysTopics, type PairSight, type SysSnapshot } from './contents.ts';
export { SysTopics } from './sys-topics.ts';
export { Traffic } from './traffic.ts';
