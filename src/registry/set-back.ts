import { keyOf, type Cluster } from './cluster.js';

/*
 * A database that was replaced by an empty or older one knows less than the nodes, whose agents report their
 * list revision. While a waiting node reports a higher revision than this database ever had, nothing is
 * bootstrapped. Otherwise the first nodes to come would form a cluster without the others, which are alive.
 */

/**
 * The highest revision that a waiting node's agent reports, when it is above the database's and there is no
 * list; else undefined.
 */
export function revisionAhead(cluster: Cluster): number | undefined {
  if (cluster.members.size > 0) return undefined;
  const said = Math.max(0, ...[...cluster.waiting.values()].map(({ lease }) => lease.delivered));
  return said > cluster.revision ? said : undefined;
}

/** The revision for a first list, above every revision that a node had: none may ever stand for two lists. */
export function firstRevision(cluster: Cluster): number {
  return (revisionAhead(cluster) ?? cluster.revision) + 1;
}

/** Explains the set-back and what to do about it. */
export function setBackAdvice(cluster: Cluster, ahead: number): string {
  const name = keyOf(cluster);
  return (
    `${name} is bootstrapping, and nothing is bootstrapped by itself: a node has its list of revision ${ahead}, which is more than this ` +
    `database's ${cluster.revision}, so the database was replaced or set back. Bring the right one back; or, when all nodes of the cluster wait, ` +
    `let those that wait be the list: recover ${name}`
  );
}
