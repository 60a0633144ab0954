import type { Cluster } from './cluster.js';
import { eventOf } from './events.js';
import { hasLeaders } from './evidence.js';
import type { RuleContext, Transition } from './rule-context.js';
import { REPAIR_LEASE } from './rules.js';

/*
 * A repair changes Raft's voters to those of the list, so the list must hold still meanwhile: nobody is admitted, evicted
 * or put. Who leaves by its own word leaves all the same (R4); the repair sees that and stops.
 */

/** Whether one is under way: somebody has the lock, and was heard of it lately. */
export function isRepairing({ repair }: Cluster, now: number): boolean {
  return repair !== undefined && now < repair.until;
}

/** A repair of which nothing is heard any more is over, wherever it stands. */
export function endRepair(cluster: Cluster, { now }: RuleContext): Transition {
  if (cluster.repair === undefined || now < cluster.repair.until) return { cluster, events: [] };
  return abandonRepair(cluster, `nothing was heard of it for ${REPAIR_LEASE / 1_000} s`);
}

/** Raft of a recovered list has leaders: whoever waits may join. */
export function seeRepaired(cluster: Cluster, moment: RuleContext): Transition {
  const isSeen = cluster.awaitsRepair && hasLeaders(moment, cluster.changedAt);
  return { cluster: isSeen ? { ...cluster, awaitsRepair: false } : cluster, events: [] };
}

/** Gives the lock of a repair free that its holder will not give back; `why`: a clause. */
export function abandonRepair(cluster: Cluster, why: string): Transition {
  const { repair } = cluster;
  if (repair === undefined) return { cluster, events: [] };
  const next = { ...cluster, repair: undefined };
  const reason = `${repair.holder}: ${why}. Look again (doctor), and repair what is left`;
  return { cluster: next, events: [eventOf(next, 'repair-stopped', reason)] };
}
