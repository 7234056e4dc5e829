/** The pair at work: the machine's orders obeyed, the peer talked to. */
export { PairDriver, type DriverParts, type Service, type Successor } from './driver.ts';
