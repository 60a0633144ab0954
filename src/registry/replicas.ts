import type { Cluster } from './cluster.js';
import { REPLICA_FRESH, REPLICA_LOST_AFTER } from './rules.js';

/*
 * What several servers on one store owe each other.
 *
 * A node polls whichever server the balancer picks. It would take a list older than the one it has for a change, and
 * tell Raft to remove whoever is missing from it: a live node (injury 2). So a change of a list takes effect in two
 * steps. It is decided, and then every server has it and knows of its being decided; only then does any of them send
 * it to a member of the list before. Until then all of them send that, the older one.
 *
 * A server that cannot reach the store keeps sending what it has (R9). The others wait for it, so nothing that it has
 * is out of date; but not for ever: it is given up after REPLICA_LOST_AFTER, and stops a little earlier by itself
 * (see standing.ts).
 */

/** Another server of the same lists, as the store knows it. */
export interface Replica {
  readonly id: string;
  /** What it heard until then is stored, and it has what was decided until then. */
  readonly seenAt: number;
  /** The number of the last change that it has. */
  readonly seenChange: number;
}

/** Whether it has been out of reach for so long that nobody waits for it. */
export function isLost({ seenAt }: Replica, now: number): boolean {
  return now - seenAt > REPLICA_LOST_AFTER;
}

/** Whether all that may still send lists have the change of this number. */
export function isFollowed(others: readonly Replica[], change: number, now: number): boolean {
  return others.every((other) => other.seenChange >= change || isLost(other, now));
}

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
 * Whether all of them have this change, can say so, and have stored what they heard before (see Moment.othersKnow).
 * One that was given up does not count: for it, R5's probes must do.
 */
export function doOthersKnow(others: readonly Replica[], change: number, now: number): boolean {
  return others.every(
    (other) => isLost(other, now) || (other.seenChange >= change && now - other.seenAt <= REPLICA_FRESH),
  );
}
