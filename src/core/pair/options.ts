/** The times by which the pair decides. Profile section `timing`. Source: PROTOCOL.md §2, §4. */
import { count, milliseconds, type Options } from '../../base/index.ts';

export const pairOptions = {
  pingInterval: milliseconds(
    500,
    'How often a beat is sent to the peer. Each carries the last beat received.',
    {
      min: 20,
      max: 60_000,
    },
  ),
  peerTimeout: milliseconds(
    3_000,
    'Silence on the backchannel, or beats without an echo, after which the peer counts as DEAD. A frozen active is replaced after this time.',
    { min: 100, max: 600_000 },
  ),
  ackTimeout: milliseconds(
    5_000,
    'How long the active waits for the passive to store an entry before it counts as lost, though its beats go on (a disk that hangs).',
    { min: 100, max: 600_000 },
  ),
  diskTimeout: milliseconds(
    10_000,
    "How long the server's own fdatasync may take before it stops serving and lets the lock go.",
    { min: 100, max: 600_000 },
  ),
  activeLockReacquisitionInterval: milliseconds(
    1_000,
    'How often a serving server that has lost the lock tries to take it again, and how often the keeper proves that it still holds it. A multiple of pingInterval/2.',
    { min: 10, max: 600_000 },
  ),
  passiveLockAcquisitionInterval: milliseconds(
    2_500,
    'How often the passive tries the lock while the backchannel is down and the active may still hold it. More than twice activeLockReacquisitionInterval, or the server does not start.',
    { min: 21, max: 1_800_000 },
  ),
  startupWait: milliseconds(
    5_000,
    'How long a server that has just started looks for its peer before it tries to serve alone.',
    { min: 0, max: 3_600_000 },
  ),
  claimTimeout: milliseconds(
    3_000,
    'How long one server may take over a claim that is its turn before the turn passes to the other.',
    { min: 100, max: 600_000 },
  ),
  shrinkTimeout: milliseconds(
    10_000,
    'How long a serving server that has lost its peer holds its acknowledgements back while it tries to strike the peer off the record; then it stops serving.',
    { min: 100, max: 600_000 },
  ),
  handoverTimeout: milliseconds(
    5_000,
    'How long a server that has handed over waits for the other to serve before the pair decides anew.',
    { min: 100, max: 600_000 },
  ),
  keeperTimeout: milliseconds(
    2_000,
    'How long the lock keeper may take to answer before the lock counts as lost, and how long it keeps the lock for a server that has stopped beating.',
    { min: 100, max: 600_000 },
  ),
  gatewayTimeout: milliseconds(1_000, 'How long all probes of the gateway together may take.', {
    min: 20,
    max: 60_000,
  }),
  gatewayProbes: count(
    3,
    'How many times the gateway is asked within gatewayTimeout; one answer is enough.',
    {
      min: 1,
      max: 20,
    },
  ),
} as const;

export type PairOptions = Options<typeof pairOptions>;

/** What is wrong between options that are each in range; empty when nothing is. Source: PROTOCOL.md §4.3, product keys. */
export function checkPairOptions(options: PairOptions): { key: keyof PairOptions; wanted: string }[] {
  const faults: { key: keyof PairOptions; wanted: string }[] = [];
  const {
    pingInterval,
    activeLockReacquisitionInterval: active,
    passiveLockAcquisitionInterval: passive,
  } = options;
  if ((active * 2) % pingInterval !== 0)
    faults.push({
      key: 'activeLockReacquisitionInterval',
      wanted: `a multiple of pingInterval/2 (${pingInterval / 2} ms)`,
    });
  if (passive <= 2 * active)
    faults.push({
      key: 'passiveLockAcquisitionInterval',
      wanted: `more than twice activeLockReacquisitionInterval (more than ${2 * active} ms)`,
    });
  if (options.peerTimeout < 2 * pingInterval)
    faults.push({
      key: 'peerTimeout',
      wanted: `at least twice pingInterval (at least ${2 * pingInterval} ms)`,
    });
  return faults;
}
