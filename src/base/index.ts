/** The ground floor: what at least three folders stand on. Imports nothing. */
export { assert, AssertionFault, present, unreachable } from './assert.ts';
export { type Branded } from './brand.ts';
export { ByteReader, ByteWriter, BytesEnded } from './bytes.ts';
export { type Cancel, type Clock } from './clock.ts';
export { type Log, type LogLevel, type LogLine } from './log.ts';
export { NumberTable } from './number-table.ts';
export {
  choice,
  count,
  flag,
  milliseconds,
  networkPort,
  path,
  seconds,
  size,
  text,
  type AnyOption,
  type OptionSet,
  type Options,
} from './option.ts';
export { type Random } from './random.ts';
export { RareWarnings } from './rare-warnings.ts';
