import type { ClusterHealth } from '../../doctor/health.js';
import type { Client } from '../client.js';

/**
 * How long a server may take to read the nodes: a look that is under way comes first, and in each the nodes
 * have 3 s to be read, and 3 s to be asked for a leader.
 */
export const READING_LIMIT_MS = 20_000;

/** What a cluster's nodes believe now. `path`: the cluster's, as `clusterPath` has it. Rejects with ClientError. */
export function freshHealth(client: Client, path: string): Promise<ClusterHealth> {
  return client.getJson(`${path}/health?fresh=true`, READING_LIMIT_MS);
}
