import type { ClusterHealth } from '../../doctor/health.js';
import type { Client } from '../client.js';

/**
 * How long a server may take to read the nodes. A look under way finishes first, and each look allows 3 s to
 * read the nodes and 3 s to ask them for a leader.
 */
export const READING_LIMIT_MS = 20_000;

/**
 * Reads what a cluster's nodes believe now. `path` is the cluster's, from `clusterPath`. Rejects with
 * ClientError.
 */
export function freshHealth(client: Client, path: string): Promise<ClusterHealth> {
  return client.getJson(`${path}/health?fresh=true`, READING_LIMIT_MS);
}
