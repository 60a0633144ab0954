import { emptyCluster, isKnown, keyOf, type Cluster, type Member } from './cluster.js';
import type { CommandContext, Decision } from './commands.js';
import { eventOf } from './events.js';
import { hasLease, isLive, isUnreachable, silence, sinceAlive } from './lease.js';
import { isKnownToAll, type RuleContext, type Transition } from './rule-context.js';
import { refusal, unchanged } from './decision.js';
import { refuseInRepair } from './repair.js';
import { isRepairing } from './repairing.js';
import { DEAD_FORGOTTEN, EMPTY_FORGOTTEN, LONE_FORGOTTEN } from './rules.js';

/*
 * How clusters that are gone are forgotten: those bootstrapped by mistake, or dead for long. A list that a
 * node may still use is never given up, since the next poll would bootstrap another with other members
 * (injury 2).
 */

/** Deletes a cluster with all waiting addresses at an operator's request. */
export function forget(cluster: Cluster, context: CommandContext): Decision {
  if (!isKnown(cluster)) return unchanged(cluster, { type: 'unknown' });
  const busy = refuseInRepair(cluster, context);
  if (busy) return unchanged(cluster, busy);
  const reason = whyInUse(cluster, context);
  if (reason !== undefined) return unchanged(cluster, refusal('in-use', reason));
  const { cluster: next, events } = forgotten(cluster, 'deleted by an operator', context);
  return { cluster: next, events, reply: { type: 'done' } };
}

/**
 * Why a cluster must not be deleted; undefined when none of its nodes was heard for as long as R5 demands.
 */
function whyInUse(cluster: Cluster, context: CommandContext): string | undefined {
  const { now, rules, graceUntil } = context;
  const stays = `${keyOf(cluster)} is not deleted`;
  const all = [...cluster.members.values()];
  if (all.length === 0) return undefined;
  const alive = all.find((member) => hasLease(member) && isLive(member, rules, now));
  if (alive) {
    return `${stays}: ${alive.address} is being heard, and would go on with a list of which nothing is known any more. Stop its node, or take it off first`;
  }
  const since = Math.min(...all.map((member) => silenceOf(member, now)));
  if (since < rules.evictAfter) {
    const left = Math.ceil((rules.evictAfter - since) / 1_000);
    return `${stays}: one of its members was heard, or put, ${Math.floor(since / 1_000)} s ago. Try again in ${left} s, or take them off first`;
  }
  if (now < graceUntil) {
    const left = Math.ceil((Math.min(graceUntil, now + 3_600_000) - now) / 1_000);
    return `${stays}: this server could not hear for a while. Try again in ${left} s`;
  }
  if (!all.every((member) => !hasLease(member) || isKnownToAll(member, context))) {
    return `${stays}: not every server knows yet that its members are silent. Try again in some seconds`;
  }
  return undefined;
}

function silenceOf(member: Member, now: number): number {
  return Math.min(silence(member, now), sinceAlive(member, now));
}

/** Forgets a cluster that was silent for so long that its nodes will not come back. */
export function fade(cluster: Cluster, moment: RuleContext): Transition {
  const { now, graceUntil } = moment;
  const same = { cluster, events: [] };
  if (cluster.epoch === 0 || cluster.waiting.size + cluster.tombstones.size > 0) return same;
  if (now < graceUntil || isRepairing(cluster, now) || !hasFaded(cluster, moment)) return same;
  return forgotten(cluster, 'nothing was heard of it for very long', moment);
}

/** A check that is cheap enough for every tick. */
export function hasFaded(
  { members, changedAt, size }: Cluster,
  moment: Pick<RuleContext, 'now' | 'rules'>,
): boolean {
  const { now, rules } = moment;
  if (members.size === 0) return now - changedAt >= EMPTY_FORGOTTEN;
  const limit = members.size === 1 && size <= 1 ? LONE_FORGOTTEN : DEAD_FORGOTTEN;
  for (const member of members.values()) {
    // What an operator put stays until an operator deletes it.
    if (member.source === 'static' || silenceOf(member, now) < limit) return false;
    if (!isUnreachable(member, rules, now) || !isKnownToAll(member, moment as RuleContext)) return false;
  }
  return true;
}

/**
 * Leaves only the revision of the cluster. So no later list is taken for an earlier one, and a node that
 * comes back with its old list does not seem to know more than the database (set-back.ts).
 */
function forgotten(cluster: Cluster, reason: string, { now }: Pick<RuleContext, 'now'>): Transition {
  const revision = cluster.epoch > 0 ? cluster.revision + 1 : cluster.revision;
  const next: Cluster = { ...emptyCluster(cluster), revision, changedAt: now };
  const had = cluster.members.size === 0 ? 'it had no members' : `it had ${cluster.members.size} member(s)`;
  return { cluster: next, events: [eventOf(next, 'deleted', `${reason}; ${had}`)] };
}
