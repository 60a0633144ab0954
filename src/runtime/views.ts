import { describe, summarize, type ClusterSummary, type ClusterView } from '../registry/view.js';
import type { ClusterEntry } from './entry.js';
import type { RegistryService } from './service.js';

/** What operators see of a cluster now, with what its members are sent meanwhile. */
export function summaryOf(entry: ClusterEntry, service: RegistryService): ClusterSummary {
  return { ...summarize(entry.cluster, service.moment), ...agreement(entry) };
}

/** The same with every member and everybody who waits. */
export function viewOf(entry: ClusterEntry, service: RegistryService): ClusterView {
  return { ...describe(entry.cluster, service.moment), ...agreement(entry) };
}

/** Not every server has the newest list yet, and the members are sent another one. */
function agreement({ isPending, servedRevision }: ClusterEntry): { servedRevision?: number } {
  return isPending && servedRevision !== undefined ? { servedRevision } : {};
}
