import type { Address } from './address.js';
import type { Cluster, Member } from './cluster.js';
import { eventOf } from './events.js';
import { leaderless } from './evidence.js';
import {
  answeredLately,
  hasLease,
  isLive,
  isStable,
  isUnreachable,
  presenceOf,
  silence,
  sinceAlive,
} from './lease.js';
import { isKnownToAll, type RuleContext, type Transition } from './rule-context.js';
import { notFollowed, quorumOf } from './quorum.js';
import { isRepairing } from './repairing.js';
import { LATE_POLL, REPLACED_EVICT_AFTER } from './rules.js';
import { isUnproven } from './unproven.js';

/**
 * R5: evicts one unreachable member at a time, late, while Raft can still remove it. The live members must
 * have been a majority for long enough to have a leader. No other member may just have died, since it may
 * have been that leader: without a leader at that moment the removal is lost, and the address stays a voter
 * for ever (2.5.1 JRaftServer.peerChange).
 */
export function evict(cluster: Cluster, moment: RuleContext): Transition {
  const { now, rules, graceUntil } = moment;
  if (now < graceUntil || isRepairing(cluster, now)) return { cluster, events: [] };
  const all = [...cluster.members.values()];
  // A member whose polls were lost may have died only now, however long its silence.
  const gone = all.filter(
    (member) =>
      sinceAlive(member, now) >= REPLACED_EVICT_AFTER &&
      isKnownToAll(member, moment) &&
      isUnreachable(member, rules, now),
  );
  if (gone.length === 0) return { cluster, events: [] };
  const replacementOf = replacements(cluster, moment);
  const due = gone
    .map((member) => ({ member, replacement: replacementOf(member) }))
    .filter(({ member, replacement }) => {
      // A newcomer never had a place that another could have taken. But one that polls has polled from its
      // start on, so it is gone, and it keeps others at the gate. One that a POST registered may still boot.
      const soon = member.settled ? replacement !== undefined : member.lease.polls;
      const after = soon ? Math.min(rules.evictAfter, REPLACED_EVICT_AFTER) : rules.evictAfter;
      return silence(member, now) >= after;
    })
    .sort((a, b) => a.member.lease.heardAt - b.member.lease.heardAt)[0];
  if (due === undefined) return { cluster, events: [] };
  if (!quorumOf(cluster, moment, isStable).held) return { cluster, events: [] };
  const following = notFollowed(cluster, cluster.revision, moment).map((one) => cluster.members.get(one));
  if (following.some((one) => one && !isUnproven(one, moment))) return { cluster, events: [] };
  // Raft was seen to lack a leader there: the removal would be lost.
  if (leaderless(moment).length > 0) return { cluster, events: [] };
  const others = all.filter((member) => member !== due.member);
  if (others.some((member) => hasJustDied(member, moment))) return { cluster, events: [] };

  const { member, replacement } = due;
  const members = new Map(cluster.members);
  members.delete(member.address);
  const next: Cluster = { ...cluster, members, revision: cluster.revision + 1, changedAt: now };
  const why = `not heard for ${Math.round(silence(member, now) / 1_000)} s${rules.probe ? ' and its port does not answer' : ''}`;
  const event =
    typeof replacement === 'string'
      ? eventOf(next, 'replaced', `${why}; ${replacement} has taken its place`, member.address)
      : eventOf(next, 'evicted', why, member.address);
  return { cluster: next, events: [event] };
}

/**
 * Whether a member may have died so lately that, if it led, the others have no new leader yet. An eviction of
 * another member would then leave that one a voter for ever (injury 4).
 */
export function hasJustDied(member: Member, moment: RuleContext): boolean {
  const { now, rules } = moment;
  // A node that is no voter leads nothing.
  if (isUnproven(member, moment)) return false;
  // It is alive or starting again, so its previous process died not long ago.
  const isBack = member.presence === 'live' && member.presenceSince > member.joinedAt;
  if (isBack && now - member.presenceSince < REPLACED_EVICT_AFTER) return true;
  if (!hasLease(member) || sinceAlive(member, now) >= REPLACED_EVICT_AFTER) return false;
  if (answeredLately(member, now)) return false;
  return (
    presenceOf(member, rules, now) !== 'live' || (member.lease.polls && silence(member, now) > LATE_POLL)
  );
}

/**
 * Finds what replaced a member: the live and settled member with the same id, or `true` when as many members
 * as the cluster should have are live and settled without it.
 */
function replacements(
  { members, size }: Cluster,
  { now, rules }: RuleContext,
): (gone: Member) => Address | true | undefined {
  const able = [...members.values()].filter((member) => member.settled && isLive(member, rules, now));
  const all = new Set(able);
  const byId = new Map<string, Member[]>();
  for (const member of able) {
    if (member.id === undefined) continue;
    const same = byId.get(member.id);
    if (same) same.push(member);
    else byId.set(member.id, [member]);
  }
  return (gone) => {
    const same = gone.id === undefined ? undefined : byId.get(gone.id)?.find((member) => member !== gone);
    const others = able.length - Number(all.has(gone));
    return same?.address ?? (others >= size ? true : undefined);
  };
}
