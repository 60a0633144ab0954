import { keyOf, type Cluster } from './cluster.js';

/*
 * A database that was replaced by an empty or an older one knows less than the nodes: their agents say which revision of
 * the list they have. As long as one of those that wait says a higher one than there ever was here, nothing is bootstrapped:
 * whoever came first would be a cluster, and the others, which live, none.
 */

/** The highest revision that an agent of those that wait says its Nacos has, where there is no list; else undefined. */
export function revisionAhead(cluster: Cluster): number | undefined {
  if (cluster.members.size > 0) return undefined;
  const said = Math.max(0, ...[...cluster.waiting.values()].map(({ lease }) => lease.delivered));
  return said > cluster.revision ? said : undefined;
}

/** The revision of a first list: a revision that a node has had must never stand for another list. */
export function firstRevision(cluster: Cluster): number {
  return (revisionAhead(cluster) ?? cluster.revision) + 1;
}

/** What was found, and what to do. */
export function setBackAdvice(cluster: Cluster, ahead: number): string {
  const name = keyOf(cluster);
  return (
    `${name} is bootstrapping, and nothing is bootstrapped by itself: a node has its list of revision ${ahead}, which is more than this ` +
    `database's ${cluster.revision}, so the database was replaced or set back. Bring the right one back; or, when all nodes of the cluster wait, ` +
    `let those that wait be the list: recover ${name}`
  );
}
