/**
 * What an administrator may have set, drawn for each run: what holds with the defaults only does not hold. Everything passes the checks of a
 * profile. Source: PROTOCOL.md §4.3; the folders' options.
 */
import { assert } from '../../base/index.ts';
import { checkPairOptions, type PairOptions } from '../../core/pair/index.ts';
import type { ConnectionOptions } from '../../runtime/connections/index.ts';
import { defaultMqtt, defaultTiming, type SimPairOptions } from './sim-pair.ts';
import type { SimRandom } from '../time/sim-random.ts';

export type SimSettings = Pick<SimPairOptions, 'timing' | 'mqtt' | 'journal'>;

const KIB = 1024;
/** Each is drawn for itself; the others go together, because they are compared. */
const OWN = ['peerTimeout', 'ackTimeout', 'shrinkTimeout', 'handoverTimeout', 'claimTimeout'] as const;

export function drawSettings(random: SimRandom): SimSettings {
  const timing = drawTiming(random);
  const faults = checkPairOptions(timing);
  assert(faults.length === 0, `timing that no server starts with: ${JSON.stringify(faults)}`);
  return { timing, mqtt: drawMqtt(random), journal: drawJournal(random) };
}

function drawTiming(random: SimRandom): PairOptions {
  const scale = random.oneOf([0.25, 0.5, 1, 1]);
  const { gatewayProbes, ...times } = defaultTiming;
  const scaled = Object.fromEntries(Object.entries(times).map(([key, ms]) => [key, ms * scale]));
  // The same keys.
  const timing = { ...scaled, gatewayProbes } as { -readonly [key in keyof PairOptions]: PairOptions[key] };
  for (const key of OWN) timing[key] *= random.oneOf([0.5, 1, 1, 2]);
  timing.startupWait *= random.oneOf([0, 1, 1]);
  return timing;
}

function drawMqtt(random: SimRandom): ConnectionOptions {
  return {
    ...defaultMqtt,
    inFlightMax: random.oneOf([10, 100, 1_000]),
    backlogSizeMax: random.oneOf([64 * KIB, 1_024 * KIB]),
    pendingSizeMax: random.oneOf([64 * KIB, 16 * 1_024 * KIB]),
  };
}

/** Small, so that trimming and full synchronisation are met within minutes. */
function drawJournal(random: SimRandom): SimPairOptions['journal'] {
  return {
    segmentSize: random.oneOf([4, 8, 64]) * KIB,
    retain: random.oneOf([0, 32, 256]) * KIB,
  };
}
