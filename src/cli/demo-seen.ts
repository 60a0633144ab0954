import { ClientError } from './client-error.js';
import { Client } from './client.js';
import { clusterPath } from './cluster-name.js';
import type { Seen } from '../demo/story.js';
import type { ClusterHealth } from '../doctor/health.js';
import type { EventPage } from '../http/api/schemas.js';
import type { ClusterView } from '../registry/view.js';

/** Reads a cluster through its server's API, as every operator's program does. */
export function seenBy(url: string, cluster: string): Seen {
  const client = new Client(new URL(url), undefined);
  const path = clusterPath(cluster);
  return {
    cluster: async () => {
      try {
        return await client.getJson<ClusterView>(path);
      } catch (error) {
        if (error instanceof ClientError && error.status === 404) return undefined;
        throw error;
      }
    },
    health: () => client.getJson<ClusterHealth>(`${path}/health`),
    events: async () => (await client.getJson<EventPage>(`${path}/events`)).events,
  };
}
