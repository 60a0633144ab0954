import { joinLimited } from './address.js';
import { filterMap, joined, keyOf, majority, type Cluster, type Member, type Waiting } from './cluster.js';
import { eventOf, type RegistryEvent } from './events.js';
import { hasLeaders } from './evidence.js';
import { isJustBack, isLive, silence } from './lease.js';
import type { RuleContext, Transition } from './rule-context.js';
import { quorumOf } from './quorum.js';
import { isRepairing } from './repairing.js';
import { LATE_POLL, STABLE_AFTER_MS } from './rules.js';
import { revisionAhead, setBackAdvice } from './set-back.js';

/** How many must wait at once before those waiting become the list. */
export function requiredToBootstrap(
  cluster: Cluster,
  waiting: Iterable<Waiting> = cluster.waiting.values(),
): number {
  if (cluster.members.size > 0) return Math.max(1, cluster.size);
  return Math.max(1, ...[...waiting].map(({ expect }) => expect ?? 1));
}

/**
 * Those who wait and count for a bootstrap: a poll is repeated as soon as it was held in vain, so one that was not was no
 * node's, or its node is gone (injury 3). A POST may be a node's only one. Where there is a list nobody counts at once.
 */
export function initialMembers({ members, waiting }: Cluster, { now, rules }: RuleContext): Waiting[] {
  return [...waiting.values()].filter(
    (one) =>
      one.source === 'heartbeat' ||
      one.lease.heardAt > one.since ||
      (members.size === 0 && silence(one, now) <= rules.pollHold),
  );
}

/** Admitted in one pass, at most: each looks at the whole list. The next pass comes within a moment. */
const ADMITTED_AT_ONCE = 20;

/** R3: whoever waits and is being heard comes in, first come first served, as long as the gate is open. */
export function admit(cluster: Cluster, moment: RuleContext): Transition {
  const { now, rules } = moment;
  let current = cluster;
  const events: RegistryEvent[] = [];
  if (cluster.members.size === 0) return { cluster, events };
  for (const waiting of cluster.waiting.values()) {
    if (events.length >= ADMITTED_AT_ONCE || gate(current, moment) !== undefined) break;
    // One that is neither held nor about to try again may be dead; it comes in with its next poll.
    if (silence(waiting, now) > rules.pollHold) continue;
    const revision = current.revision + 1;
    current = {
      ...current,
      members: new Map(current.members).set(waiting.address, joined(waiting, revision, false, now)),
      waiting: filterMap(current.waiting, (_, address) => address !== waiting.address),
      tombstones: filterMap(current.tombstones, (_, address) => address !== waiting.address),
      revision,
      changedAt: now,
    };
    events.push(eventOf(current, 'admitted', admission(current, waiting), waiting.address));
  }
  return { cluster: current, events };
}

function admission(cluster: Cluster, waiting: Waiting): string {
  const predecessor = [...cluster.members.values()].find(
    (member) => member.id !== undefined && member.id === waiting.id && member.address !== waiting.address,
  );
  return predecessor ? `passed the gate, to replace ${predecessor.address}` : 'passed the gate';
}

/** Why a new address is not on the list yet, for programs; for people there is a sentence. */
export type WaitingCode =
  /** There is no list: too few wait to bootstrap one (R1). */
  | 'bootstrapping'
  /** No majority is live, and Raft could not add it (R3). */
  | 'no-majority'
  /** Too many joined or came back only just, or the initial members have not been sent their list yet (R3). */
  | 'unsettled'
  /** Raft is being repaired, and the list holds still; or must be, since the list was recovered (R7). */
  | 'repairing'
  /** The gate is open: it comes in with its next poll, or after those before it. */
  | 'queued';

/** What is to be done about a list that was recovered. */
export const REPAIR_AWAITED =
  'the list was recovered, and Raft of those that are left must be repaired first (doctor --repair), or blank nodes would outvote their data';

interface Closed {
  readonly code: 'no-majority' | 'unsettled' | 'repairing';
  readonly finding: string;
}

/** Why the gate is closed; undefined when it is open. */
function gate(cluster: Cluster, moment: Pick<RuleContext, 'now' | 'rules' | 'raft'>): Closed | undefined {
  if (isRepairing(cluster, moment.now)) {
    const finding = 'Raft is being repaired, and the list must hold still meanwhile';
    return { code: 'repairing', finding };
  }
  if (cluster.awaitsRepair) return { code: 'repairing', finding: REPAIR_AWAITED };
  const all = [...cluster.members.values()];
  const { held, finding } = quorumOf(cluster, moment);
  if (!held) return { code: 'no-majority', finding: `${finding()}, and Raft needs a majority to add one` };
  const listless = all.filter((member) => startsWithTheNewest(member, moment));
  if (listless.length > 0) {
    const finding = `${joinLimited(listless.map(({ address }) => address))} bootstrap the cluster and must have its list first`;
    return { code: 'unsettled', finding };
  }
  const unsettled = all.filter((member) => !member.settled);
  // So that a majority of the list lives whatever becomes of the newcomers. Where nobody is new, one may always come.
  if (unsettled.length === 0) return undefined;
  const newest = `${joinLimited(unsettled.map(({ address }) => address))} joined only just, and`;
  const settled = all.filter((member) => member.settled);
  const wanted = majority(all.length + 1);
  if (settled.length < wanted) {
    return { code: 'unsettled', finding: `${newest} those that have settled must stay a majority` };
  }
  const blank = settled.filter((member) => mayBeBlank(member, moment)).map(({ address }) => address);
  if (settled.length - blank.length < wanted) {
    const finding = `${newest} ${joinLimited(blank)} ${blank.length === 1 ? 'is' : 'are'} not live, or had a break less than ${STABLE_AFTER_MS / 1_000} s ago: those that have their data for certain must stay a majority`;
    return { code: 'unsettled', finding };
  }
  return undefined;
}

/**
 * An initial member that died before Raft had elected anybody is as blank as a newcomer when it comes back, and takes the list of then
 * for the voters: with two newcomers beside it, three blank ones would be a majority of five, and might elect one of
 * themselves when those that have the data start again, too (found by the simulation). A leader gives it its data. One blank
 * one more than the initial members that Raft did not need is no majority yet, so a first newcomer may come.
 */
function mayBeBlank(member: Member, moment: Pick<RuleContext, 'now' | 'rules' | 'raft'>): boolean {
  const { now, rules } = moment;
  if (!isLive(member, rules, now)) return true;
  return isJustBack(member, now) && !hasLeaders(moment, member.presenceSince);
}

/**
 * Whether an initial member has not been sent a list yet: whoever is on the one with which it starts is a voter at once, without
 * having asked for it (2.5.1 JRaftServer, the first configuration), also who never comes again. An initial member that polls has it
 * within some seconds; after that another server may have sent it, which could not say so.
 */
function startsWithTheNewest(member: Member, { now, rules }: Pick<RuleContext, 'now' | 'rules'>): boolean {
  const { settled, lease, joinedAt, joinedRevision } = member;
  const isListless = settled && lease.polls && lease.delivered < joinedRevision;
  return isListless && now - joinedAt < LATE_POLL && isLive(member, rules, now);
}

/** Why those who wait do so. The gate is looked at once for all of them. */
export function whyWaiting(
  cluster: Cluster,
  moment: RuleContext,
): (waiting: Waiting) => { readonly code: WaitingCode; readonly reason: string } {
  const name = keyOf(cluster);
  if (cluster.members.size === 0) {
    const ahead = revisionAhead(cluster);
    const reason =
      ahead !== undefined
        ? setBackAdvice(cluster, ahead)
        : `${name} is bootstrapping: ${cluster.waiting.size} of ${requiredToBootstrap(cluster)} members wait`;
    return () => ({ code: 'bootstrapping', reason });
  }
  const closed = gate(cluster, moment);
  return ({ address }) =>
    closed === undefined
      ? { code: 'queued', reason: `${address} waits for its turn to join ${name}` }
      : { code: closed.code, reason: `${address} waits to join ${name}: ${closed.finding}` };
}

/** The sentence that a waiting caller gets. */
export function explainWaiting(cluster: Cluster, waiting: Waiting, moment: RuleContext): string {
  return whyWaiting(cluster, moment)(waiting).reason;
}
