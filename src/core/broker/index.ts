/**
 * Addresses, queues, subscriptions and sessions, whatever protocol a client speaks. State changes only by applying committed operations,
 * on both servers by the same `apply`; `Op` is all that can be proposed, `Outcome` what its proposer is told.
 */
export { Broker, type BrokerStats } from './broker.ts';
export { matches } from './filter-tree.ts';
export { type Consumer, type Lending } from './lending.ts';
export { Lent, type Delivery, type Membership } from './membership.ts';
export { Message, NO_PROPERTIES, type Content, type Place, type Qos } from './message.ts';
export { decodeOps, encodeOp } from './op-codec.ts';
export { NEVER_EXPIRES, type Op, type Outcome, type QueueBounds, type Will } from './op.ts';
export { type MessageQueue, type Queued, type QueuedQos } from './queue.ts';
export { PAGING, type PagingSizes } from './paging.ts';
export { isOf, type Recall, type RecallPiece } from './recalls.ts';
export { type RetainedBounds, type Retaining } from './retained.ts';
export { isFullFor } from './room.ts';
export { type StateReader, type StoredPair } from './state-reader.ts';
export { type Passing, type Session } from './session.ts';
export { type Change } from './stored.ts';
export {
  nameOf,
  plainSubscription,
  wantsRetained,
  type RetainHandling,
  type SharedFilter,
  type Subscription,
} from './subscription.ts';
