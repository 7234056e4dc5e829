/**
 * Who holds the lock, and what the record says, on a real share: the keeper's process and the broker's side of it; and the gateway.
 * Nothing in the broker's process touches the share. Source: PROTOCOL.md §1, §2 Write and Keeper, §4.1.
 */
export { arbitrationFaults, type ArbitrationFault } from './faults.ts';
export { TcpGateway, type TcpGatewaySettings } from './gateway.ts';
export { KeeperArbiter, keeperProgram, type KeeperArbiterSettings } from './keeper-arbiter.ts';
