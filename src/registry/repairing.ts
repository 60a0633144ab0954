import type { Cluster } from './cluster.js';
import { eventOf } from './events.js';
import { hasLeaders } from './evidence.js';
import type { RuleContext, Transition } from './rule-context.js';
import { REPAIR_LEASE } from './rules.js';

/*
 * A repair makes Raft's voters equal the list, so the list must hold still meanwhile: no address is admitted,
 * evicted or put. A member may still leave at its own request (R4); the repair notices that and stops.
 */

/** Whether a repair is under way: its lock is held and was renewed lately. */
export function isRepairing({ repair }: Cluster, now: number): boolean {
  return repair !== undefined && now < repair.until;
}

/** Ends a repair whose lock was not renewed in time, whatever step it had reached. */
export function endRepair(cluster: Cluster, { now }: RuleContext): Transition {
  if (cluster.repair === undefined || now < cluster.repair.until) return { cluster, events: [] };
  return abandonRepair(cluster, `nothing was heard of it for ${REPAIR_LEASE / 1_000} s`);
}

/** Lets waiting nodes join a recovered list once its Raft groups are seen to have leaders. */
export function seeRepaired(cluster: Cluster, moment: RuleContext): Transition {
  const isSeen = cluster.awaitsRepair && hasLeaders(moment, cluster.changedAt);
  return { cluster: isSeen ? { ...cluster, awaitsRepair: false } : cluster, events: [] };
}

/** Frees the lock of a repair whose holder will not do so itself. `why` is a clause. */
export function abandonRepair(cluster: Cluster, why: string): Transition {
  const { repair } = cluster;
  if (repair === undefined) return { cluster, events: [] };
  const next = { ...cluster, repair: undefined };
  const reason = `${repair.holder}: ${why}. Look again (doctor), and repair what is left`;
  return { cluster: next, events: [eventOf(next, 'repair-stopped', reason)] };
}
