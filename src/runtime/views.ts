import { given, keyOf } from '../registry/cluster.js';
import { describe, summarize, type ClusterSummary, type ClusterView } from '../registry/view.js';
import type { ClusterEntry } from './entry.js';
import type { RegistryService } from './service.js';

/** What operators see of a cluster now, with what its members are sent meanwhile. */
export function summaryOf(entry: ClusterEntry, service: RegistryService): ClusterSummary {
  return { ...summarize(entry.cluster, service.momentOf(entry)), ...besides(entry, service) };
}

/** The same with every member and everybody who waits. */
export function viewOf(entry: ClusterEntry, service: RegistryService): ClusterView {
  const view = describe(entry.cluster, service.momentOf(entry));
  const members = view.members.map((member) => ({
    ...member,
    ...given('refused', service.refused.reasonOf(entry, member.address, service.rules.memberTtl)),
    ...given('problem', entry.problemOf(member.address, service.now, service.rules.memberTtl)),
    ...(member.state === 'live'
      ? {}
      : given('unprobed', entry.unprobedOf(member.address, service.now, service.rules.memberTtl))),
  }));
  return { ...view, members, ...besides(entry, service) };
}

/** What the server knows besides: members are sent another list while not every server has the newest; Raft problems; refusals. */
function besides(
  entry: ClusterEntry,
  { refused }: RegistryService,
): Pick<ClusterSummary, 'servedRevision' | 'raftProblems' | 'refused'> {
  const lately = refused.lately(entry, keyOf(entry.cluster));
  return {
    ...(entry.isPending ? given('servedRevision', entry.servedRevision) : {}),
    ...(entry.raftProblems > 0 ? { raftProblems: entry.raftProblems } : {}),
    ...(lately > 0 ? { refused: lately } : {}),
  };
}
