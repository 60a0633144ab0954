import { optional, keyOf } from '../registry/cluster.js';
import { describe, summarize, type ClusterSummary, type ClusterView } from '../registry/view.js';
import type { ServedCluster } from './served-cluster.js';
import type { RegistryService } from './registry-service.js';

/** What operators see of a cluster now, with the revision that its members are sent meanwhile. */
export function summaryOf(entry: ServedCluster, service: RegistryService): ClusterSummary {
  return { ...summarize(entry.cluster, service.contextOf(entry)), ...besides(entry, service) };
}

/** The summary of a cluster with every member and every waiting address. */
export function viewOf(entry: ServedCluster, service: RegistryService): ClusterView {
  const view = describe(entry.cluster, service.contextOf(entry));
  const members = view.members.map((member) => ({
    ...member,
    ...optional('refused', service.refused.reasonOf(entry, member.address, service.rules.memberTtl)),
    ...optional('problem', entry.problemOf(member.address, service.now, service.rules.memberTtl)),
    ...(member.state === 'live'
      ? {}
      : optional('unprobed', entry.unprobedOf(member.address, service.now, service.rules.memberTtl))),
  }));
  return { ...view, members, ...besides(entry, service) };
}

/**
 * Facts from outside the registry: the revision sent while not every server has the newest; Raft problems;
 * refused callers.
 */
function besides(
  entry: ServedCluster,
  { refused }: RegistryService,
): Pick<ClusterSummary, 'servedRevision' | 'raftProblems' | 'refused'> {
  const lately = refused.lately(entry, keyOf(entry.cluster));
  return {
    ...(entry.isPending ? optional('servedRevision', entry.servedRevision) : {}),
    ...(entry.raftProblems > 0 ? { raftProblems: entry.raftProblems } : {}),
    ...(lately > 0 ? { refused: lately } : {}),
  };
}
