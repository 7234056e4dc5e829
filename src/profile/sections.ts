/**
 * Every option there is, by the place it has in a profile: each folder says its own options, and this page puts them together.
 * Nothing here repeats a meaning, a default or a bound.
 */
import type { AnyOption, Options } from '../base/index.ts';
import { pairOptions } from '../core/pair/options.ts';
import { backchannelOptions, pairIdentityOptions, peerOptions } from '../io/channel/options.ts';
import { journalOptions } from '../io/journal/options.ts';
import { listenerOptions, tlsOptions } from '../io/net/options.ts';
import { accessOptions } from '../runtime/access/options.ts';
import { connectionOptions } from '../runtime/connections/options.ts';
import {
  adminOptions,
  gatewayOptions,
  kindOption,
  lockOptions,
  logOptions,
  serverOption,
  storeOptions,
} from './options.ts';

export const profileOptions = {
  server: serverOption,
  kind: kindOption,
  pair: pairIdentityOptions,
  peer: peerOptions,
  backchannel: backchannelOptions,
  lock: lockOptions,
  gateway: gatewayOptions,
  store: storeOptions,
  journal: journalOptions,
  listeners: listenerOptions,
  tls: tlsOptions,
  mqtt: connectionOptions,
  access: accessOptions,
  admin: adminOptions,
  log: logOptions,
  timing: pairOptions,
} as const;

/** What a section is for: the heading above its keys. */
export const sectionMeanings: Readonly<Record<string, string>> = {
  pair: 'The pair. Both servers give the same name and the same secret.',
  peer: 'The other server of the pair, as this one reaches it, and as clients do.',
  backchannel: 'The private connection between the two servers: heartbeats, states, replication.',
  lock: 'The lock that decides who may serve.',
  gateway: 'The machine that hosts the lock file.',
  store: "This server's own copy of everything.",
  journal: 'The files into which everything goes first.',
  listeners: 'Where clients connect. All of it is closed while this server does not serve.',
  tls: 'Certificates, for listeners.mqtts and listeners.wss. `lockstep reload` reads the files anew.',
  mqtt: 'Bounds for MQTT clients.',
  access:
    'Who may connect. Users and rules are not here: `lockstep user` and `lockstep rule` change them while the servers run.',
  admin: 'Where operators give orders.',
  log: 'What the server tells.',
  timing: 'The times by which the pair decides. Both servers give the same ones.',
};

/** Keys that operators know and that are not built yet: refused with a sentence, never ignored. */
export const laterKeys: Readonly<Record<string, string>> = {
  'enterprise.primaryUrl':
    'the primary of the enterprise pair that keeps the configuration of this peer server',
  'enterprise.backupUrls': 'the other servers of the enterprise pair',
  'repositories.applications.path': 'the repository of applications',
  'repositories.applications.sync': 'how applications are copied to the other server: full, partial or none',
  'repositories.components.path': 'the repository of components',
  'repositories.components.sync': 'how components are copied to the other server: full, partial or none',
  'repositories.peers.path': "the repository of peer servers' configurations",
  'repositories.peers.sync':
    "how peer servers' configurations are copied to the other server: full, partial or none",
};

/** Words of an option that are not built yet, by key: known, and refused with a sentence. */
export const laterChoices: Readonly<Record<string, readonly string[]>> = { kind: ['enterprise'] };

export type OptionTree = { readonly [key: string]: AnyOption | OptionTree };
type ValuesOf<T> = {
  readonly [K in keyof T]: T[K] extends AnyOption ? Options<{ value: T[K] }>['value'] : ValuesOf<T[K]>;
};

/** A checked profile: every key has its value, paths are absolute, sizes are bytes. Frozen through and through. */
export type Profile = ValuesOf<typeof profileOptions>;

export const isOption = (node: AnyOption | OptionTree): node is AnyOption => typeof node.kind === 'string';

export type Leaf = Readonly<{ path: readonly string[]; key: string; option: AnyOption }>;

/** Every option with its place, in the order of the profile. */
export function leaves(tree: OptionTree = profileOptions, above: readonly string[] = []): Leaf[] {
  return Object.entries(tree).flatMap(([name, node]) => {
    const path = [...above, name];
    return isOption(node) ? [{ path, key: path.join('.'), option: node }] : leaves(node, path);
  });
}
