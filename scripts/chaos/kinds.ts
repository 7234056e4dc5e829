/**
 * The faults: what each does to a server of the pair, what it needs of the machine, and how it is taken back. What a kind doesn't take back is
 * healed with everything else (`Stage.recover`), or stays: a clock that has jumped. What blocks a pair on purpose (PROTOCOL.md §6) is not here.
 */
import { otherServer, type ServerName } from '../../src/core/pair/index.ts';
import type { Abilities } from './isolate.ts';
import type { ClockKind, Stage } from './stage.ts';

export type Role = 'active' | 'passive' | 'both';

export type Kind = Readonly<{
  says: string;
  roles: readonly Role[];
  /** How long it lasts before it is healed, in milliseconds; drawn between the two. */
  holdMs: readonly [number, number];
  /** Takes part in a short run: nothing of it waits for long bounds. */
  isQuick: boolean;
  needs?: 'hosts' | 'disks' | 'clock';
  clock?: ClockKind;
  strike: (stage: Stage, name: ServerName) => unknown;
  heal: (stage: Stage, name: ServerName) => unknown;
}>;

const EVERYONE = ['active', 'passive', 'both'] as const;
const thaw = (stage: Stage): void => stage.thaw();
const revive = (stage: Stage): void => stage.reviveAll();
const healNetwork = (stage: Stage): void => stage.healNetwork();
const nothing = (): void => undefined;

const kinds = {
  kill: {
    says: 'kill -9',
    roles: EVERYONE,
    holdMs: [0, 2_500],
    isQuick: true,
    strike: async (stage, name) => {
      stage.signal(name, 'SIGKILL');
      await stage.pair.server(name).ended;
    },
    heal: revive,
  },
  terminate: {
    says: 'SIGTERM',
    roles: EVERYONE,
    holdMs: [0, 2_500],
    isQuick: true,
    strike: (stage, name) => stage.signal(name, 'SIGTERM'),
    heal: revive,
  },
  freeze: {
    says: 'SIGSTOP of the server; its keeper runs on',
    roles: EVERYONE,
    holdMs: [100, 6_000],
    isQuick: true,
    strike: (stage, name) => stage.signal(name, 'SIGSTOP'),
    heal: thaw,
  },
  pause: {
    says: 'SIGSTOP of server and keeper, as a machine is paused',
    roles: EVERYONE,
    holdMs: [100, 6_000],
    isQuick: true,
    strike: async (stage, name) => {
      await stage.signalKeeper(name, 'SIGSTOP');
      stage.signal(name, 'SIGSTOP');
    },
    heal: thaw,
  },
  keeperKill: {
    says: 'kill -9 of the keeper alone',
    roles: EVERYONE,
    holdMs: [0, 2_000],
    isQuick: true,
    strike: (stage, name) => stage.signalKeeper(name, 'SIGKILL'),
    heal: nothing,
  },
  keeperFreeze: {
    says: 'SIGSTOP of the keeper alone, as a share hangs',
    roles: EVERYONE,
    holdMs: [200, 5_000],
    isQuick: false,
    strike: (stage, name) => stage.signalKeeper(name, 'SIGSTOP'),
    heal: thaw,
  },
  cut: {
    says: 'what it sends over the backchannel is held back: one way, or both',
    roles: EVERYONE,
    holdMs: [100, 5_000],
    isQuick: true,
    strike: (stage, name) => stage.backchannel.cut(name),
    heal: healNetwork,
  },
  reset: {
    says: 'the backchannel breaks and may be dialled again at once',
    roles: ['both'],
    holdMs: [0, 500],
    isQuick: true,
    strike: (stage) => stage.backchannel.reset(),
    heal: nothing,
  },
  switchover: {
    says: 'a switchover is asked for, and what comes next comes in the middle of it',
    roles: ['active', 'passive'],
    holdMs: [0, 300],
    isQuick: true,
    strike: (stage, name) => {
      // Its answer may be late or never come, if the next fault is in its way.
      void stage.pair
        .client(name)
        .switchover('chaos')
        .catch(() => undefined);
    },
    heal: nothing,
  },
  unplug: {
    says: "the host's cable is out",
    roles: EVERYONE,
    holdMs: [200, 6_000],
    isQuick: false,
    needs: 'hosts',
    strike: (stage, name) => stage.unplug(name),
    heal: healNetwork,
  },
  mute: {
    says: 'what the host sends is lost, to anybody',
    roles: EVERYONE,
    holdMs: [200, 6_000],
    isQuick: false,
    needs: 'hosts',
    strike: (stage, name) => stage.mute(name),
    heal: healNetwork,
  },
  deafen: {
    says: 'what is sent to the host is lost, from anybody',
    roles: EVERYONE,
    holdMs: [200, 6_000],
    isQuick: false,
    needs: 'hosts',
    strike: (stage, name) => stage.deafen(name),
    heal: healNetwork,
  },
  fullDisk: {
    says: "no room on the store's disk",
    roles: EVERYONE,
    holdMs: [500, 4_000],
    isQuick: false,
    needs: 'disks',
    strike: (stage, name) => stage.fillDisk(name),
    heal: (stage) => stage.healDisks(),
  },
  wallJump: {
    says: 'the wall clock jumps, back or forth',
    roles: EVERYONE,
    holdMs: [1_200, 3_000],
    isQuick: false,
    needs: 'clock',
    clock: 'wall',
    // Back at the one and forth at the other, so that both jumping is no mere shift.
    strike: (stage, name) => stage.jump(name, name === 'primary' ? -3_600 : 86_400),
    heal: nothing,
  },
  clockJump: {
    says: 'all clocks of the server jump ahead, as after a pause that nobody saw',
    roles: EVERYONE,
    holdMs: [1_200, 3_000],
    isQuick: false,
    needs: 'clock',
    clock: 'whole',
    strike: (stage, name) => stage.jump(name, 45),
    heal: nothing,
  },
} as const satisfies Record<string, Kind>;

export type KindName = keyof typeof kinds;
export const KINDS: Readonly<Record<KindName, Kind>> = kinds;
export const KIND_NAMES = Object.keys(kinds) as readonly KindName[]; // `keys` forgets what they are.

/** The kinds that this machine allows. */
export const possibleKinds = ({ hosts, mayMount, fakeTime }: Abilities): KindName[] =>
  KIND_NAMES.filter((name) => {
    const { needs } = KINDS[name];
    if (needs === 'hosts') return hosts !== null;
    if (needs === 'disks') return mayMount;
    return needs !== 'clock' || fakeTime !== null;
  });

/** Whom a role means, with who was active when last asked. */
export const serversOf = (role: Role, active: ServerName): ServerName[] =>
  role === 'active' ? [active] : role === 'passive' ? [otherServer(active)] : [active, otherServer(active)];
