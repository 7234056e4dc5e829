/**
 * The backchannel: whole frames in order on one connection, which both ends lose in their own time; hellos first. Beats are not said:
 * that the peer is silent for too long is a fault that may come at any time. Source: `runtime/pair/link.ts`, PROTOCOL.md §4.
 */
import { present } from '../base/index.ts';
import {
  followingOf,
  incarnation,
  otherServer,
  servingOf,
  type Hello,
  type ServerName,
  type ShareSight,
  type StateReport,
} from '../core/pair/index.ts';
import { ask } from './calls.ts';
import type { Draft } from './draft.ts';
import { linkDown, reportOf, type Channel, type Frame } from './world.ts';

export const hasMet = (draft: Draft, me: ServerName): boolean =>
  draft[me].link.mine !== null && draft[me].link.theirs !== null;

/** Said only to a peer that was met; on a connection that is cut it goes nowhere. */
export function send(draft: Draft, me: ServerName, frame: Frame): void {
  if (hasMet(draft, me)) put(draft, me, frame);
}

function put(draft: Draft, me: ServerName, frame: Frame): void {
  if (!draft.channel.isWhole) return;
  const peer = otherServer(me);
  const queue = [...draft.channel.to[peer], draft.model.frames.numberOf(frame)];
  draft.channel = withQueue(draft.channel, peer, queue);
}

const withQueue = (channel: Channel, to: ServerName, queue: readonly number[]): Channel => ({
  ...channel,
  to: { ...channel.to, [to]: queue },
});

/** A new connection: nothing of an earlier one is in it. */
export function connect(draft: Draft): void {
  draft.channel = { ...draft.channel, isWhole: true };
  for (const me of ['primary', 'secondary'] as const) {
    draft[me].link = { ...linkDown, isUp: true };
    sayHello(draft, me);
  }
}

/** Looks at the share first; one look at a time. The frame is said in `hello`. */
export function sayHello(draft: Draft, me: ServerName): void {
  const { link } = draft[me];
  if (!link.isUp || link.isGreeting) return;
  draft[me].link = { ...link, isGreeting: true };
  ask(draft, me, { type: 'read', wants: 'hello' });
}

/** The look that a hello waited for is over. One that belonged to an earlier connection counts for this one too: it is as fresh. */
export function hello(draft: Draft, me: ServerName, share: ShareSight): void {
  const { link } = draft[me];
  draft[me].link = { ...link, isGreeting: false };
  if (!link.isUp) return;
  const mine: Hello = {
    protocol: 1,
    server: me,
    incarnation: incarnation(`run ${draft[me].desk.run}`),
    store: draft.view(me),
    share,
    wasPassive: draft.memory(me).wasPassive,
    following: followingOf(draft.model.machines.snapshot(draft[me].machine)),
    report: reportNow(draft, me),
  };
  const isNew = !hasMet(draft, me);
  draft[me].link = { ...draft[me].link, mine };
  put(draft, me, { type: 'hello', hello: mine });
  meet(draft, me, isNew);
}

export function heardHello(draft: Draft, me: ServerName, theirs: Hello): void {
  const isNew = !hasMet(draft, me);
  draft[me].link = { ...draft[me].link, theirs };
  meet(draft, me, isNew);
}

/** What the peer has said last stands in for what it said when they met. */
export function heardReport(draft: Draft, me: ServerName, heard: StateReport): void {
  const { link } = draft[me];
  if (link.theirs !== null) draft[me].link = { ...link, theirs: { ...link.theirs, report: heard } };
  draft.tell(me, { type: 'peerReported', report: heard });
}

function meet(draft: Draft, me: ServerName, isNew: boolean): void {
  const { mine, theirs } = draft[me].link;
  if (mine === null || theirs === null) return;
  // What has changed since the hello was made was told to nobody.
  if (mine.report.present !== draft.state(me) && !draft.without('lateReport')) report(draft, me);
  draft.tell(me, { type: isNew ? 'channelUp' : 'hellosRenewed', mine, theirs });
}

/** The present state goes to the peer. */
export function report(draft: Draft, me: ServerName): void {
  send(draft, me, { type: 'state', report: reportNow(draft, me) });
}

export function reportNow(draft: Draft, me: ServerName): StateReport {
  const serving = servingOf(draft.model.machines.snapshot(draft[me].machine));
  return reportOf(draft.state(me), serving, draft.memory(me).hold !== null, draft.view(me).stamp);
}

/** The next frame that has come to this server. */
export function take(draft: Draft, me: ServerName): Frame {
  const [number, ...left] = draft.channel.to[me];
  draft.channel = withQueue(draft.channel, me, left);
  return draft.model.frames.at(present(number, 'a frame that has come'));
}

/** This end notices that the connection is over; what has not been taken by now never comes. */
export function lose(draft: Draft, me: ServerName): void {
  const hadMet = hasMet(draft, me);
  hangUp(draft, me);
  if (hadMet) draft.tell(me, { type: 'channelLost', why: '' });
}

/** The end is gone, with what was on its way to it. */
export function hangUp(draft: Draft, me: ServerName): void {
  const { isGreeting, isUp } = draft[me].link;
  draft[me].link = { ...linkDown, isGreeting };
  const { channel, model } = draft;
  const outliving = draft.without('connectionEnds')
    ? channel.to[me].filter((number) => 'session' in model.frames.at(number))
    : [];
  const late = { ...channel.late, [me]: [...channel.late[me], ...outliving] };
  draft.channel = withQueue({ ...channel, isWhole: channel.isWhole && !isUp, late }, me, []);
}

/** A frame that has outlived its connection. */
export function takeLate(draft: Draft, me: ServerName): Frame {
  const { channel } = draft;
  const [number, ...left] = channel.late[me];
  draft.channel = { ...channel, late: { ...channel.late, [me]: left } };
  return draft.model.frames.at(present(number, 'a late frame'));
}

export const cut = (draft: Draft): void => {
  draft.channel = { ...draft.channel, isWhole: false };
};
