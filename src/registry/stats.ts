import type { Cluster } from './cluster.js';
import { memberState, MEMBER_STATES, type MemberState } from './lease.js';
import type { RuleContext } from './rule-context.js';
import { lacking } from './quorum.js';
import { summarize, type ClusterState } from './view.js';

/** A cluster in numbers, for views of many clusters. */
export interface ClusterStats {
  readonly state: ClusterState;
  readonly members: Readonly<Record<MemberState, number>>;
  /** Listed members that have not settled yet. */
  readonly unsettled: number;
  /** Milliseconds since the earliest of them joined; 0 without any. */
  readonly longestUnsettled: number;
  /** Addresses at the gate. */
  readonly waiting: number;
  /** Milliseconds for which the earliest of them has waited; 0 without any. */
  readonly longestWait: number;
  /** Live members that have not been sent the current revision. */
  readonly lacking: number;
  readonly revision: number;
  readonly epoch: number;
  readonly size: number;
}

export function statsOf(cluster: Cluster, moment: RuleContext): ClusterStats {
  const { now, rules } = moment;
  const members = Object.fromEntries(MEMBER_STATES.map((state) => [state, 0])) as Record<MemberState, number>;
  let unsettled = 0;
  let firstJoined = now;
  for (const member of cluster.members.values()) {
    members[memberState(member, rules, now)]++;
    if (member.settled) continue;
    unsettled++;
    firstJoined = Math.min(firstJoined, member.joinedAt);
  }
  let firstWaiting = now;
  for (const { since } of cluster.waiting.values()) firstWaiting = Math.min(firstWaiting, since);
  return {
    state: summarize(cluster, moment).state,
    members,
    unsettled,
    longestUnsettled: now - firstJoined,
    waiting: cluster.waiting.size,
    longestWait: now - firstWaiting,
    lacking: lacking(cluster, cluster.revision, moment).length,
    revision: cluster.revision,
    epoch: cluster.epoch,
    size: cluster.size,
  };
}
