import type { Cluster } from '../registry/cluster.js';

const SECOND = 1_000;

/** Interval of looks at a quiet cluster. */
const QUIET_INTERVAL_MS = 30 * SECOND;

/** Interval after a recent change of the list, or while something may pass by itself. */
const SOON = 3 * SECOND;

/** Interval just after a leave: its caller may wait until Raft has dropped the member. */
const LEAVING = SECOND;

/** How long a change counts as recent, and a leave as just made. */
const LATELY = 60 * SECOND;
const JUST = 30 * SECOND;

/** Minimum interval a member, so that large clusters are not read all the time. */
const EACH = 20;

/** Longest interval of a quiet cluster in which no node can be read: it usually has dead addresses only. */
const BLIND = 120 * SECOND;

/**
 * Milliseconds from one look to the next. `now`: on the lease clock. `blind`: consecutive looks in which no
 * node could be read. `isUnsure`: whether the last look showed something transient.
 */
export function paceOf(cluster: Cluster, now: number, blind: number, isUnsure: boolean): number {
  const wanted = wantedOf(cluster, now, isUnsure);
  const patient = Math.min(
    wanted === QUIET_INTERVAL_MS ? BLIND : QUIET_INTERVAL_MS,
    wanted * 2 ** Math.min(blind, 10),
  );
  return Math.max(patient, cluster.members.size * EACH);
}

/** Whether a cluster is quiet, so that its next look may take its time. */
export function isQuietPace(cluster: Cluster, now: number, blind: number, isUnsure: boolean): boolean {
  return blind === 0 && wantedOf(cluster, now, isUnsure) === QUIET_INTERVAL_MS;
}

function wantedOf(cluster: Cluster, now: number, isUnsure: boolean): number {
  const isLeaving = [...cluster.tombstones.values()].some(({ leftAt }) => now - leftAt < JUST);
  const isSoon = isUnsure || now - cluster.changedAt < LATELY || cluster.repair !== undefined;
  return isLeaving ? LEAVING : isSoon ? SOON : QUIET_INTERVAL_MS;
}
