/**
 * The backchannel: whole frames in order on one connection, which both ends lose in their own time; hellos first. Beats are not said:
 * that the peer is silent for too long is a fault that may come at any time. Source: `runtime/pair/link.ts`, PROTOCOL.md §4.
 */
import {
  followingOf,
  incarnation,
  otherServer,
  servingOf,
  type Hello,
  type ShareSight,
  type StateReport,
} from '../../core/pair/index.ts';
import { ask } from './calls.ts';
import type { Draft } from './draft.ts';
import { linkDown, reportOf, type Frame } from '../world/world.ts';

export const hasMet = (draft: Draft): boolean =>
  draft.own.link.mine !== null && draft.own.link.theirs !== null;

/** Said only to a peer that was met; on a connection that is cut it goes nowhere. */
export function send(draft: Draft, frame: Frame): void {
  if (hasMet(draft)) put(draft, frame);
}

const put = (draft: Draft, frame: Frame): void =>
  draft.changeChannel({
    type: 'sent',
    to: otherServer(draft.me),
    frame: draft.model.frames.numberOf(frame),
  });

/** This end of a new connection: nothing of an earlier one is in it. */
export function connect(draft: Draft): void {
  const { greeting } = draft.own.link;
  draft.own.link = { ...linkDown, isUp: true, greeting };
  sayHello(draft);
}

/** Looks at the share first; one look at a time. The frame is said in `hello`. */
export function sayHello(draft: Draft): void {
  const { link } = draft.own;
  if (!link.isUp || link.greeting !== 'none') return;
  draft.own.link = { ...link, greeting: 'asked' };
  ask(draft, { type: 'read', wants: 'hello' });
}

/** The look that a hello waited for is over. One that belonged to an earlier connection is made again. */
export function hello(draft: Draft, share: ShareSight): void {
  const { link } = draft.own;
  draft.own.link = { ...link, greeting: 'none' };
  if (link.greeting === 'outdated') return sayHello(draft);
  const mine: Hello = {
    protocol: 1,
    server: draft.me,
    incarnation: incarnation(`run ${draft.own.desk.run}`),
    store: draft.view(),
    share,
    wasPassive: draft.memory().wasPassive,
    following: followingOf(draft.model.machines.snapshot(draft.own.machine)),
    report: reportNow(draft),
  };
  const isNew = !hasMet(draft);
  draft.own.link = { ...draft.own.link, mine };
  put(draft, { type: 'hello', hello: mine });
  meet(draft, isNew);
}

export function heardHello(draft: Draft, theirs: Hello): void {
  const isNew = !hasMet(draft);
  draft.own.link = { ...draft.own.link, theirs };
  meet(draft, isNew);
}

/** What the peer has said last stands in for what it said when they met. */
export function heardReport(draft: Draft, heard: StateReport): void {
  const { link } = draft.own;
  if (link.theirs !== null) draft.own.link = { ...link, theirs: { ...link.theirs, report: heard } };
  draft.tell({ type: 'peerReported', report: heard });
}

function meet(draft: Draft, isNew: boolean): void {
  const { mine, theirs } = draft.own.link;
  if (mine === null || theirs === null) return;
  // What has changed since the hello was made was told to nobody.
  if (mine.report.present !== draft.state() && !draft.without('lateReport')) report(draft);
  draft.tell({ type: isNew ? 'channelUp' : 'hellosRenewed', mine, theirs });
}

/** The present state goes to the peer. */
export function report(draft: Draft): void {
  send(draft, { type: 'state', report: reportNow(draft) });
}

export function reportNow(draft: Draft): StateReport {
  const serving = servingOf(draft.model.machines.snapshot(draft.own.machine));
  // Of what is said to be served only the claim is ever looked at.
  const claim = serving === null ? null : { ...serving, number: 0 };
  return reportOf(draft.state(), claim, draft.memory().hold !== null, draft.view().stamp);
}

/** This end notices that the connection is over; what has not been taken by now never comes. */
export function lose(draft: Draft): void {
  const hadMet = hasMet(draft);
  hangUp(draft);
  if (hadMet) draft.tell({ type: 'channelLost', why: '' });
}

/** The end is gone, with what was on its way to it. */
export function hangUp(draft: Draft): void {
  const { greeting, isUp } = draft.own.link;
  draft.own.link = { ...linkDown, greeting: greeting === 'none' ? 'none' : 'outdated' };
  draft.changeChannel({
    type: 'hungUp',
    by: draft.me,
    wasUp: isUp,
    outlives: draft.without('connectionEnds'),
  });
}
