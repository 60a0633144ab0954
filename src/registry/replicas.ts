import type { Replica } from './agreement.js';
import type { Cluster } from './cluster.js';
import { REPLICA_FRESH } from './rules.js';

/*
 * Duties of several servers on one store to each other, besides agreeing on changes (agreement.ts).
 */

/**
 * Whether a node may have an older list than the one before the newest. Any server may still send it that
 * one. It would then have every address removed from Raft that is missing there, even one that came back with
 * the newest list. So a node that joins with the newest list must not start before. A node that is down
 * starts again without a list. For a node that never polls itself, nothing is known.
 */
export function isAnyBehind(before: Cluster, newest: Cluster): boolean {
  for (const old of before.members.values()) {
    const { lease, presence } = newest.members.get(old.address) ?? old;
    const isKnown = lease.polls && lease.delivered > 0 && presence !== 'down';
    if (isKnown && lease.delivered < before.revision) return true;
  }
  return false;
}

/**
 * Whether all these servers have the change, can report it, and have stored what they heard before (see
 * RuleContext.othersKnow). Revoked servers are not among them; R5's probes must cover those.
 */
export function doOthersKnow(
  others: readonly Pick<Replica, 'seenAt' | 'seenChange'>[],
  change: number,
  now: number,
): boolean {
  return others.every(({ seenAt, seenChange }) => seenChange >= change && now - seenAt <= REPLICA_FRESH);
}
