import type { ClusterPage, RefusedCallers } from '../http/api/schemas.js';
import type { RefusedCaller } from '../registry/refused.js';
import { ClientError } from './client-error.js';
import type { Client } from './client.js';
import { clusterPath, nameOf } from './cluster-name.js';
import { Columns, wrap } from './table.js';

/** A caller, with the cluster that it named, if known. */
export interface NamedCaller extends RefusedCaller {
  readonly cluster?: string;
}

/** The names of all clusters. Rejects with {@link ClientError}. */
export async function allClusters(client: Client): Promise<string[]> {
  const names: string[] = [];
  let query = '';
  for (;;) {
    const page = await client.getJson<ClusterPage>(`/api/v1/clusters${query}`);
    names.push(...page.clusters.map(nameOf));
    if (page.next === undefined) return names;
    query = `?after=${encodeURIComponent(page.next)}`;
  }
}

/** The refused callers that named a cluster, last one first. Rejects with {@link ClientError}. */
export async function refusedOf(client: Client, cluster: string): Promise<readonly NamedCaller[]> {
  const { callers = [] } = await client.getJson<Partial<RefusedCallers>>(`${clusterPath(cluster)}/refused`);
  return callers.map((caller) => ({ cluster, ...caller }));
}

/**
 * The refused callers that named no known cluster, last one first. Empty if the token does not allow reads
 * about all clusters, or the server is older or of another kind. Rejects with {@link ClientError}.
 */
export async function strays(client: Client): Promise<readonly NamedCaller[]> {
  try {
    return (await client.getJson<Partial<RefusedCallers>>('/api/v1/refused')).callers ?? [];
  } catch (error) {
    if (error instanceof ClientError && error.status === 404) return [];
    throw error;
  }
}

/** All refused callers, last one first. Rejects with {@link ClientError}. */
export async function allRefused(client: Client): Promise<readonly NamedCaller[]> {
  const all = [...(await strays(client))];
  for (const cluster of await allClusters(client)) {
    try {
      all.push(...(await refusedOf(client, cluster)));
    } catch (error) {
      // Deleted meanwhile.
      if (!(error instanceof ClientError) || error.status !== 404) throw error;
    }
  }
  return all.sort((a, b) => a.lastMs - b.lastMs);
}

/** The callers as text, below a title if there is one; `width`: characters in a line. */
export function describeRefused(title: string, callers: readonly NamedCaller[], width: number): string[] {
  const rows = callers.map(({ cluster = '', from = 'unknown', self, path, code, reason, ...when }) => ({
    cells: [
      ago(when.lastMs),
      ago(when.sinceMs),
      String(when.times),
      from,
      self ?? '',
      cluster === '' || path !== `/${cluster}` ? path : '',
      cluster,
      code,
    ],
    note: reason,
  }));
  const head = ['last', 'first', 'times', 'from', 'self', 'path', 'cluster', 'why'];
  return [...(title === '' ? [] : wrap(title, width)), ...new Columns(head, width).lines(rows)];
}

function ago(ms: number): string {
  const s = Math.round(ms / 1_000);
  if (s < 120) return `${s} s ago`;
  return s < 7_200 ? `${Math.round(s / 60)} min ago` : `${Math.round(s / 3_600)} h ago`;
}
