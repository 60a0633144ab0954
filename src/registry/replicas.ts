import type { Replica } from './agreement.js';
import type { Cluster } from './cluster.js';
import { REPLICA_FRESH } from './rules.js';

/*
 * What several servers on one store owe each other besides their agreement on changes (agreement.ts).
 */

/**
 * Whether a node may have an older list than the one before the newest. It may still be sent that one, by whichever server,
 * and would have everybody removed from Raft who is missing there, an address that has come back with the newest list
 * included. So who joins with that must not run before it. A node that is down starts anew, without a list; of one that
 * never polls for itself nothing is known.
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
 * Whether all of them have this change, can say so, and have stored what they heard before (see Moment.othersKnow). One
 * that was revoked is not among them: for it, R5's probes must do.
 */
export function doOthersKnow(
  others: readonly Pick<Replica, 'seenAt' | 'seenChange'>[],
  change: number,
  now: number,
): boolean {
  return others.every(({ seenAt, seenChange }) => seenChange >= change && now - seenAt <= REPLICA_FRESH);
}
