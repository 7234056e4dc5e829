/** What benchmarks put under load: a real pair, one server alone, and other brokers. Processes, ports and directories of their own. */
import { otherServer, type ServerName } from '../../src/core/pair/index.ts';
import { pairOptions } from '../../src/core/pair/options.ts';
import { PairUnderTest } from '../../test/system/pair.ts';
import type { Roles } from './processes.ts';
import type { Session } from './session.ts';

export type Subject = Readonly<{
  name: string;
  /** Where clients connect, the serving one first. */
  endpoints: readonly string[];
  roles: () => Promise<Roles>;
}>;

const MIB = 1024 * 1024;

/**
 * The times that are shipped, not the tests' shorter ones, but for the wait of a server that starts alone; and room for a benchmark's clients,
 * which all have one address.
 */
export const BENCH_SETTINGS: readonly string[] = [
  ...Object.entries(pairOptions).map(([key, option]) => `timing.${key}=${String(option.default)}`),
  'timing.startupWait=700',
  'mqtt.connectionRateMax=0',
  'mqtt.connectTimeout=600000',
  'mqtt.queueMessagesMax=100000000',
  `mqtt.queueSizeMax=${1024 * 1024 * MIB}`,
];

/** Not started. Its processes and files are gone with the session, or when `end` is called. */
export async function unstartedPair(
  session: Session,
  sets: readonly string[] = [],
): Promise<{ pair: PairUnderTest; end: () => Promise<void> }> {
  const pair = await PairUnderTest.create([...BENCH_SETTINGS, ...sets, ...session.asked.sets]);
  return { pair, end: session.closeLater(() => pair.close()) };
}

export const endpoint = (pair: PairUnderTest, name: ServerName): string =>
  `${pair.places[name].host}:${pair.ports[name].mqtt}`;

/** The addresses of both, this one first. */
export const endpointsFrom = (pair: PairUnderTest, name: ServerName): string[] => [
  endpoint(pair, name),
  endpoint(pair, otherServer(name)),
];

async function rolesOf(
  pair: PairUnderTest,
  names: Readonly<Partial<Record<string, ServerName>>>,
): Promise<Roles> {
  const servers = Object.entries(names).flatMap(([role, name]) =>
    name === undefined ? [] : [{ role, server: pair.server(name) }],
  );
  const keepers = await Promise.all(servers.map(({ server }) => server.keeperPid()));
  return {
    ...Object.fromEntries(servers.map(({ role, server }) => [role, [server.pid]])),
    keepers: keepers.flatMap((pid) => pid ?? []),
  };
}

export const pairRoles = (
  pair: PairUnderTest,
  { active, passive }: Readonly<Record<'active' | 'passive', ServerName>>,
): Promise<Roles> => rolesOf(pair, { active, passive });

export const aloneRoles = (pair: PairUnderTest): Promise<Roles> => rolesOf(pair, { server: 'primary' });

/** A pair that protects. */
export async function startedPair(
  session: Session,
  sets: readonly string[] = [],
): Promise<
  Subject &
    Readonly<{ pair: PairUnderTest; active: ServerName; passive: ServerName; end: () => Promise<void> }>
> {
  const { pair, end } = await unstartedPair(session, sets);
  const { active, passive } = await pair.startBoth();
  return {
    name: 'pair',
    endpoints: endpointsFrom(pair, active),
    roles: () => pairRoles(pair, { active, passive }),
    ...{ pair, active, passive, end },
  };
}

/** One server, that serves alone. */
export async function startedAlone(
  session: Session,
  sets: readonly string[] = [],
): Promise<Subject & Readonly<{ pair: PairUnderTest; end: () => Promise<void> }>> {
  const { pair, end } = await unstartedPair(session, sets);
  pair.start('primary', ['--new-pair']);
  await pair.reaches('primary', 'STANDALONE');
  return {
    name: 'standalone',
    endpoints: [endpoint(pair, 'primary')],
    roles: () => aloneRoles(pair),
    ...{ pair, end },
  };
}
