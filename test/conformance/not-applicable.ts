/**
 * Statements that no test of a server can cite, each with why, and with what the server does where its client breaks one. What a client must not
 * do and a server can see is not here: there is a test of what follows.
 */
import type { Reasons } from './ledger.ts';

export const notApplicable: Reasons = {
  'MQTT-2.3.1-2':
    'the client chooses its identifiers; one that is still in use is answered as a repeat (MQTT-4.3.3-2) or as a new message (MQTT-4.3.2-2).',
  'MQTT-2.3.1-3':
    'the client chooses its identifiers; a message that it sends again under another one is a new message to every server.',
  'MQTT-3.1.2-23': 'the client sends PINGREQ; one that does not is disconnected (MQTT-3.1.2-24).',
  'MQTT-3.8.3-2': 'filters with wildcards are supported.',
  'MQTT-4.5.0-2':
    'the client acknowledges; what it does not acknowledge keeps its place in the window and comes again on its next connection (MQTT-4.4.0-1).',
  'MQTT-7.0.0-1':
    'a Lockstep server connects to no other MQTT server; its peer is reached by a protocol of its own.',
  'MQTT-7.1.2-1': 'binds clients only.',

  'MQTT5-3.1.2-20': 'the client sends PINGREQ; one that does not is disconnected (MQTT5-3.1.2-22).',
  'MQTT5-3.1.2-21':
    'the client takes up the server keep-alive; one that does not is disconnected after one and a half of it (MQTT5-3.1.2-22).',
  'MQTT5-3.2.2-4': 'the client compares; a server can’t see what it remembers.',
  'MQTT5-3.2.2-5': 'the client discards; a server can’t see what it remembers.',
  'MQTT5-3.2.2-9': 'QoS 1 and 2 are supported, so that CONNACK names no maximum.',
  'MQTT5-3.2.2-10': 'QoS 1 and 2 are supported.',
  'MQTT5-3.2.2-11': 'QoS 1 and 2 are supported: no client is told a maximum.',
  'MQTT5-3.2.2-12': 'QoS 1 and 2 are supported, for wills too.',
  'MQTT5-3.2.2-13': 'retained messages are supported, wills among them.',
  'MQTT5-3.2.2-14': 'retained messages are supported: no client is told otherwise.',
  'MQTT5-3.2.2-21':
    'the client takes up the server keep-alive; one that does not is disconnected after one and a half of it (MQTT5-3.1.2-22).',
  'MQTT5-3.3.2-10':
    'binds clients only; the server uses no alias beyond what the client allows (MQTT5-3.3.2-11).',
  'MQTT5-3.3.4-5':
    'a message comes in one copy to a session whose filters overlap, with all their identifiers (MQTT5-3.3.4-4).',
  'MQTT5-3.3.4-8': 'the client may send; a server can’t see what it holds back.',
  'MQTT5-4.5.0-2':
    'the client acknowledges; what it does not acknowledge keeps its place in the receive maximum and comes again on its next connection (MQTT5-4.4.0-1).',
  'MQTT5-4.6.0-1': 'binds clients only; messages are taken in the order in which they come.',
  'MQTT5-4.6.0-2': 'binds clients only; PUBACKs are taken in any order.',
  'MQTT5-4.6.0-3': 'binds clients only; PUBRECs are taken in any order.',
  'MQTT5-4.6.0-4': 'binds clients only; PUBRELs are taken in any order.',
};
