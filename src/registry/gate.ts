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

/** How many addresses must wait at once before they become the list. */
export function requiredToBootstrap(
  cluster: Cluster,
  waiting: Iterable<Waiting> = cluster.waiting.values(),
): number {
  if (cluster.members.size > 0) return Math.max(1, cluster.size);
  return Math.max(1, ...[...waiting].map(({ expect }) => expect ?? 1));
}

/**
 * The waiting addresses that count for a bootstrap. A node repeats its poll as soon as its hold ends, so an
 * address that did not is no node, or its node is gone (injury 3). An address of a POST counts at once, since
 * a POST may be the node's only one. Where there is a list, an address of a poll counts only after its
 * second.
 */
export function initialMembers({ members, waiting }: Cluster, { now, rules }: RuleContext): Waiting[] {
  return [...waiting.values()].filter(
    (one) =>
      one.source === 'heartbeat' ||
      one.lease.heardAt > one.since ||
      (members.size === 0 && silence(one, now) <= rules.pollHold),
  );
}

/**
 * Most addresses that one pass admits, since each needs a look at the whole list. The next pass follows
 * within a moment.
 */
const ADMITTED_AT_ONCE = 20;

/** R3: admits waiting addresses that are being heard, first come, first served, while the gate is open. */
export function admit(cluster: Cluster, moment: RuleContext): Transition {
  const { now, rules } = moment;
  let current = cluster;
  const events: RegistryEvent[] = [];
  if (cluster.members.size === 0) return { cluster, events };
  for (const waiting of cluster.waiting.values()) {
    if (events.length >= ADMITTED_AT_ONCE || gate(current, moment) !== undefined) break;
    // An address that is neither held nor about to retry may be dead. Its next poll admits it.
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

/** Why a new address is not on the list yet, for programs; a sentence says the same for people. */
export type WaitingCode =
  /** There is no list, and too few addresses wait to bootstrap one (R1). */
  | 'bootstrapping'
  /** No majority is live, so Raft could not add it (R3). */
  | 'no-majority'
  /**
   * Too many members only just joined or came back, or initial members have not been sent their list yet
   * (R3).
   */
  | 'unsettled'
  /**
   * Raft is being repaired, so the list holds still; or a repair must come first, since the list was
   * recovered (R7).
   */
  | 'repairing'
  /** The gate is open: its next poll admits it, or it follows those before it. */
  | 'queued';

/** What to do about a recovered list. */
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
  // A majority of the list must survive whatever becomes of the newcomers. Without unsettled members, one may
  // always join.
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
 * Whether a settled member may be blank. An initial member that died before Raft elected a leader comes back
 * as blank as a newcomer, and takes its current list for the voters. With two newcomers beside it, three
 * blank nodes would be a majority of five. They might elect one of themselves when the nodes with data
 * restart too (found by the simulation). A leader, once there is one, sends the node its data. A single blank
 * node beyond the initial members that Raft did not need is no majority yet, so a first newcomer may join.
 */
function mayBeBlank(member: Member, moment: Pick<RuleContext, 'now' | 'rules' | 'raft'>): boolean {
  const { now, rules } = moment;
  if (!isLive(member, rules, now)) return true;
  return isJustBack(member, now) && !hasLeaders(moment, member.presenceSince);
}

/**
 * Whether an initial member has not been sent a list yet. Every address on the list with which it starts
 * becomes a voter at once without asking (2.5.1 JRaftServer, the first configuration), even one that never
 * comes again. A polling initial member has its list within seconds ({@link LATE_POLL}); after that, another
 * server may have sent it without being able to report so.
 */
function startsWithTheNewest(member: Member, { now, rules }: Pick<RuleContext, 'now' | 'rules'>): boolean {
  const { settled, lease, joinedAt, joinedRevision } = member;
  const isListless = settled && lease.polls && lease.delivered < joinedRevision;
  return isListless && now - joinedAt < LATE_POLL && isLive(member, rules, now);
}

/** Explains for each waiting address why it waits. It checks the gate once for all of them. */
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
