/**
 * Every fault there is, with the weight by which it is drawn among those that a run has. Law: only what a pair must survive without an
 * operator; what blocks it on purpose is left out. Source: PROTOCOL.md §2, §4, §6.
 */
import * as clients from './clients.ts';
import * as disk from './disk.ts';
import type { Strike } from './fault.ts';
import * as machine from './machine.ts';
import * as network from './network.ts';
import * as operator from './operator.ts';
import * as process from './process.ts';
import * as share from './share.ts';

type Fault = Readonly<{ weight: number; strike: Strike }>;

export const FAULTS = {
  crash: { weight: 10, strike: process.crash },
  freezeProcess: { weight: 8, strike: process.freezeProcess },

  powerLoss: { weight: 6, strike: machine.powerLoss },
  powerLossOfBoth: { weight: 3, strike: machine.powerLossOfBoth },
  freezeMachine: { weight: 8, strike: machine.freezeMachine },
  wallClockJumps: { weight: 2, strike: machine.wallClockJumps },
  storeLost: { weight: 2, strike: machine.storeLost },

  cut: { weight: 8, strike: network.cut },
  cutOneWay: { weight: 6, strike: network.cutOneWay },
  resetChannel: { weight: 5, strike: network.resetChannel },
  channelLostForOne: { weight: 5, strike: network.channelLostForOne },
  slowChannel: { weight: 6, strike: network.slowChannel },
  isolate: { weight: 6, strike: network.isolate },
  partition: { weight: 8, strike: network.partition },
  gatewaySilent: { weight: 4, strike: network.gatewaySilent },

  shareHung: { weight: 6, strike: share.shareHung },
  leaseLost: { weight: 5, strike: share.leaseLost },
  leaseLostUnseen: { weight: 5, strike: share.leaseLostUnseen },
  leaseLostAtWrite: { weight: 5, strike: share.leaseLostAtWrite },
  recordWriteFails: { weight: 5, strike: share.recordWriteFails },
  shareAnswersLost: { weight: 5, strike: share.shareAnswersLost },
  slowShare: { weight: 4, strike: share.slowShare },
  fileServerRestart: { weight: 5, strike: share.fileServerRestart },
  cachesLie: { weight: 5, strike: share.cachesLie },
  locksLie: { weight: 5, strike: share.locksLie },
  blockCopyRots: { weight: 3, strike: share.blockCopyRots },

  slowDisk: { weight: 4, strike: disk.slowDisk },
  diskHangs: { weight: 3, strike: disk.diskHangs },
  syncFails: { weight: 4, strike: disk.syncFails },
  writeFails: { weight: 3, strike: disk.writeFails },
  diskFull: { weight: 3, strike: disk.diskFull },
  bitFlips: { weight: 3, strike: disk.bitFlips },

  clientsCutOff: { weight: 3, strike: clients.clientsCutOff },
  clientsCutOneWay: { weight: 3, strike: clients.clientsCutOneWay },
  clientStalled: { weight: 4, strike: clients.clientStalled },
  clientLost: { weight: 4, strike: clients.clientLost },
  clientDies: { weight: 4, strike: clients.clientDies },
  consumerLeaves: { weight: 4, strike: clients.consumerLeaves },
  sessionTakenOver: { weight: 4, strike: clients.sessionTakenOver },

  switchover: { weight: 5, strike: operator.switchover },
  restart: { weight: 3, strike: operator.restart },
} as const satisfies Record<string, Fault>;

export type FaultName = keyof typeof FAULTS;

export const FAULT_NAMES = Object.keys(FAULTS) as FaultName[]; // the keys of a constant object
