import type { Cluster } from '../registry/cluster.js';

const SECOND = 1_000;

/** Between two looks at a quiet cluster. */
const QUIET_INTERVAL_MS = 30 * SECOND;

/** When its list has changed lately, or something may pass. */
const SOON = 3 * SECOND;

/** When somebody has just left, and perhaps waits to hear that Raft has let go of it. */
const LEAVING = SECOND;

/** For how long a change is lately, a leave just. */
const LATELY = 60 * SECOND;
const JUST = 30 * SECOND;

/** What each member adds, so that large clusters are not asked all the time. */
const EACH = 20;

/** The longest pause of a quiet cluster of which nothing can be read: dead addresses are left so for longer. */
const BLIND = 120 * SECOND;

/**
 * How long after a look the next one is due, in milliseconds. `now`: on the lease clock. `blind`: looks in a row in
 * which no node could be read. `isUnsure`: whether the last one showed what may pass.
 */
export function paceOf(cluster: Cluster, now: number, blind: number, isUnsure: boolean): number {
  const wanted = wantedOf(cluster, now, isUnsure);
  const patient = Math.min(
    wanted === QUIET_INTERVAL_MS ? BLIND : QUIET_INTERVAL_MS,
    wanted * 2 ** Math.min(blind, 10),
  );
  return Math.max(patient, cluster.members.size * EACH);
}

/** Whether nothing is expected of a cluster, so that its next look comes no sooner than others. */
export function isQuietPace(cluster: Cluster, now: number, blind: number, isUnsure: boolean): boolean {
  return blind === 0 && wantedOf(cluster, now, isUnsure) === QUIET_INTERVAL_MS;
}

function wantedOf(cluster: Cluster, now: number, isUnsure: boolean): number {
  const isLeaving = [...cluster.tombstones.values()].some(({ leftAt }) => now - leftAt < JUST);
  const isSoon = isUnsure || now - cluster.changedAt < LATELY || cluster.repair !== undefined;
  return isLeaving ? LEAVING : isSoon ? SOON : QUIET_INTERVAL_MS;
}
