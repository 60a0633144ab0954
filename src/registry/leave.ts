import { joinLimited, type Address } from './address.js';
import { keyOf, type Cluster, type Member } from './cluster.js';
import type { Command, CommandContext, Decision, Reply } from './commands.js';
import { eventOf, type RegistryEvent } from './events.js';
import { votesAfter } from './evidence.js';
import { hasJustDied } from './evict.js';
import { hasLease, isLive, presenceOf, silence, sinceAlive } from './lease.js';
import type { RuleContext } from './rule-context.js';
import { conclude, refusal, unchanged } from './decision.js';
import { isBehind, lacking, lacks, notFollowed, quorumOf } from './quorum.js';
import { refuseInRepair } from './repair.js';
import { LATE_POLL, QUIET_AFTER_LEAVE, REPLACED_EVICT_AFTER } from './rules.js';
import { isUnproven } from './unproven.js';

/** R4: a member leaves at its own or an operator's request. */

export function leave(
  cluster: Cluster,
  { address, wait = 0, operator }: Extract<Command, { type: 'leave' }>,
  context: CommandContext,
): Decision {
  const member = cluster.members.get(address);
  const refused =
    member && operator && !operator.force
      ? (refuseInRepair(cluster, context) ?? refuseOperator(cluster, member, context))
      : undefined;
  if (refused) return unchanged(cluster, refused);
  const rejoinBlockedUntil = context.now + wait + QUIET_AFTER_LEAVE;
  if (!cluster.members.has(address) && !cluster.waiting.has(address)) {
    const tombstone = cluster.tombstones.get(address);
    if (!tombstone) return unchanged(cluster, { type: 'unknown' });
    // A repeated leave: the node still runs, so its quiet time restarts.
    return {
      cluster: {
        ...cluster,
        tombstones: new Map(cluster.tombstones).set(address, {
          ...tombstone,
          leftAt: context.now,
          rejoinBlockedUntil,
        }),
      },
      events: [],
      reply: { type: 'left' },
    };
  }
  const { cluster: next, events } = takeOff(
    cluster,
    [address],
    'left by its own or an operator’s request',
    context,
    rejoinBlockedUntil,
  );
  return conclude(next, events, context, cluster, () => ({ type: 'left' }));
}

/**
 * Refuses an operator's leave that Raft may not be able to apply. When the member is not live, or may not be,
 * its removal needs a leader, as an eviction does (R5). The member itself may have led until just now (injury
 * 4).
 */
function refuseOperator(cluster: Cluster, member: Member, context: CommandContext): Reply | undefined {
  const { now, rules } = context;
  // Its next poll is late. It may have died with its host, as the operator knows.
  const isLate = hasLease(member) && member.lease.polls && silence(member, now) > LATE_POLL;
  if (isLive(member, rules, now) && !isLate) return undefined;
  const stays = `${member.address} stays on ${keyOf(cluster)}`;
  const { held, finding } = quorumOf(cluster, context);
  if (!held) {
    return refusal(
      'quorum-lost',
      `${stays}: ${finding()}, no majority, and Raft could not remove it. Restart the missing nodes at their addresses; if they are gone for good, start new ones and recover the cluster`,
    );
  }
  const other = [...cluster.members.values()].find((one) => one !== member && hasJustDied(one, context));
  if (other) {
    return refusal(
      'heard-lately',
      `${stays}: ${other.address} may just have died, and if it led Raft and the others have no new leader yet, ${member.address} would stay a voter for ever. Try again in ${REPLACED_EVICT_AFTER / 1_000} s`,
    );
  }
  const since = sinceAlive(member, now);
  if (since >= REPLACED_EVICT_AFTER) return refuseUnseen(cluster, member, context);
  const left = Math.ceil((REPLACED_EVICT_AFTER - since) / 1_000);
  return refusal(
    'heard-lately',
    `${stays}: its last sign of life was ${Math.floor(since / 1_000)} s ago, and if it led Raft and the others have no new leader yet, it would stay a voter for ever. Try again in ${left} s`,
  );
}

/**
 * A node has an address removed from Raft when the address vanishes from its list. A node that never had the
 * address would not do so, while the member itself had that list and may have become a voter (found by the
 * simulation: several servers had not agreed on its joining yet).
 */
function refuseUnseen(cluster: Cluster, member: Member, context: CommandContext): Reply | undefined {
  const { now, rules } = context;
  const isUnaware = (one: Member): boolean =>
    lacks(one, member.joinedRevision, cluster, context) &&
    presenceOf(one, rules, now) === 'live' &&
    !isUnproven(one, context);
  const unaware = [...cluster.members.values()].filter(isUnaware).map(({ address }) => address);
  if (unaware.length === 0) return undefined;
  return refusal(
    'heard-lately',
    `${member.address} stays on ${keyOf(cluster)}: ${joinLimited(unaware)} ${unaware.length === 1 ? 'has' : 'have'} not been sent the list with it yet, and if it is a voter of Raft, nobody would see it vanish and have it removed. Try again in some seconds`,
  );
}

/** A leave that took effect. */
export interface Left {
  readonly address: Address;
  /** The first revision without the address. */
  readonly revision: number;
}

/** What a leave still lacks. Until it lacks nothing, its node should keep running (injury 4). */
export interface Unfollowed {
  /** Live members that were not sent the list without it, or had no time yet to pass the change to Raft. */
  readonly pendingMembers: readonly Address[];
  /** Raft groups in which it was still seen to be a voter; empty when the nodes cannot be read. */
  readonly votes: readonly string[];
}

/**
 * What the leave still lacks. Where the nodes can be read, Raft itself shows that it dropped the address;
 * elsewhere, the members get {@link LIST_DIGESTED} to apply the list.
 */
export function unfollowed(cluster: Cluster, { address, revision }: Left, moment: RuleContext): Unfollowed {
  // Counted from the last change of the list, not from the latest leave request, which may be repeated.
  const votes = votesAfter(address, cluster.changedAt, moment);
  return votes === undefined
    ? { pendingMembers: notFollowed(cluster, revision, moment), votes: [] }
    : { pendingMembers: lacking(cluster, revision, moment), votes };
}

export function isLeaveComplete({ pendingMembers, votes }: Unfollowed): boolean {
  return pendingMembers.length === 0 && votes.length === 0;
}

/**
 * Returns a check whether the leave is complete, for repeated calls after each delivery and tick. The check
 * looks only at members that were behind, one after another, and at all members again once none of those is.
 * Its total cost is one look at every member for each time that members were behind, not for each call.
 */
export function followed({ address, revision }: Left): (cluster: Cluster, moment: RuleContext) => boolean {
  let behind: Address[] = [];
  return (cluster, moment) => {
    const votes = votesAfter(address, cluster.changedAt, moment);
    if (votes !== undefined && votes.length > 0) return false;
    const isOpen = votes === undefined ? isBehind : lacks;
    for (let last = behind.at(-1); last !== undefined; last = behind.at(-1)) {
      const member = cluster.members.get(last);
      if (member && isOpen(member, revision, cluster, moment)) return false;
      behind.pop();
    }
    const lack = unfollowed(cluster, { address, revision }, moment);
    behind = [...lack.pendingMembers];
    return isLeaveComplete(lack);
  };
}

export function remove(cluster: Cluster, addresses: readonly Address[], context: CommandContext): Decision {
  const busy = refuseInRepair(cluster, context);
  if (busy) return unchanged(cluster, busy);
  const { cluster: next, events } = takeOff(
    cluster,
    addresses,
    'deleted through the official API',
    context,
    context.now + QUIET_AFTER_LEAVE,
  );
  return conclude(next, events, context, cluster, () => ({ type: 'done' }));
}

function takeOff(
  cluster: Cluster,
  addresses: readonly Address[],
  reason: string,
  context: CommandContext,
  rejoinBlockedUntil: number,
): { cluster: Cluster; events: RegistryEvent[] } {
  const members = new Map(cluster.members);
  const waiting = new Map(cluster.waiting);
  const tombstones = new Map(cluster.tombstones);
  const listed = addresses.filter((address) => members.delete(address));
  for (const address of addresses) {
    const known = cluster.members.get(address) ?? cluster.waiting.get(address);
    waiting.delete(address);
    if (known)
      tombstones.set(address, {
        leftAt: context.now,
        rejoinBlockedUntil,
        lease: known.lease,
      });
  }
  if (listed.length === 0) return { cluster: { ...cluster, waiting, tombstones }, events: [] };
  const remaining = members.size;
  const next: Cluster = {
    ...cluster,
    members,
    waiting,
    tombstones,
    revision: cluster.revision + 1,
    changedAt: context.now,
    // Fewer by the members that left, but not fewer than remain: a replacement may have joined first.
    size: remaining === 0 ? 0 : Math.max(cluster.size - listed.length, Math.min(cluster.size, remaining)),
    quorumLost: remaining > 0 && cluster.quorumLost,
    awaitsRepair: remaining > 0 && cluster.awaitsRepair,
  };
  return { cluster: next, events: listed.map((address) => eventOf(next, 'left', reason, address)) };
}
