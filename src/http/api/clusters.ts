import { isKnown, keyOf, type ClusterKey } from '../../registry/cluster.js';
import type { ServedCluster } from '../../runtime/served-cluster.js';
import type { RegistryService } from '../../runtime/registry-service.js';
import { summaryOf, viewOf } from '../../runtime/views.js';
import { clusterParams, clusterQuery, clustersQuery } from './parameters.js';
import { problem, route } from './route.js';
import { clusterPage, clusterView } from './schemas.js';

export const UNKNOWN_CLUSTER = 'The cluster is unknown: no address was ever listed or waits.';

export const clusterRoutes = [
  route({
    method: 'get',
    path: '/api/v1/clusters',
    name: 'listClusters',
    tag: 'Clusters',
    summary: 'All clusters at a glance',
    description: 'Those that the caller may read about, in pages in the order of their names.',
    access: 'any',
    query: clustersQuery,
    responses: { 200: { description: 'A page.', schema: clusterPage } },
    examples: [
      { name: 'all', summary: 'The first 100', status: 200 },
      {
        name: 'page',
        summary: 'The next page',
        query: { after: 'nacos/serverlist', limit: '20' },
        status: 200,
      },
    ],
    handle({ service, access }, { query: { after = '', limit }, request }) {
      const may = access.readable(request);
      const names = [...service.entries]
        .flatMap(({ cluster }) => (isKnown(cluster) && may(cluster) ? [keyOf(cluster)] : []))
        .filter((name) => name > after)
        .sort();
      const page = names.slice(0, limit);
      const clusters = page.flatMap((name) => {
        const entry = service.find(name);
        return entry ? [summaryOf(entry, service)] : [];
      });
      const last = page.at(-1);
      const more = names.length > page.length && last !== undefined;
      return { status: 200, body: { clusters, ...(more ? { next: last } : {}) } };
    },
  }),

  route({
    method: 'get',
    path: '/api/v1/clusters/{product}/{cluster}',
    name: 'getCluster',
    tag: 'Clusters',
    summary: 'One cluster, with its members and the addresses that wait',
    description:
      'With `revision` and `wait` it is a long poll: it is answered as soon as the list has another revision than that ' +
      'one, or after the wait, with the cluster as it is then. A program asks again with the revision that it got.',
    access: 'read',
    params: clusterParams,
    query: clusterQuery,
    responses: { 200: { description: 'The cluster as it is now.', schema: clusterView } },
    problems: { 404: UNKNOWN_CLUSTER },
    examples: [
      {
        name: 'now',
        summary: 'As it is now',
        params: { product: 'nacos', cluster: 'serverlist' },
        status: 200,
      },
      {
        name: 'change',
        summary: 'As soon as its revision is no longer 1',
        params: { product: 'nacos', cluster: 'serverlist' },
        query: { revision: '1', wait: '2s' },
        status: 200,
      },
    ],
    async handle({ service, heldRequests }, { params, query: { revision, wait }, response }) {
      const entry = find(service, params);
      if (!entry) return unknownCluster(params);
      if (revision !== undefined) {
        await entry.until((cluster) => cluster.revision !== revision, wait, heldRequests.of(response));
      }
      return { status: 200, body: viewOf(entry, service) };
    },
  }),
];

export interface NamedCluster {
  readonly product: string;
  readonly cluster: string;
}

export function keyFrom({ product, cluster }: NamedCluster): ClusterKey {
  return { product, name: cluster };
}

/** A cluster that exists for API callers. */
export function find(service: RegistryService, named: NamedCluster): ServedCluster | undefined {
  const entry = service.find(keyOf(keyFrom(named)));
  return entry && isKnown(entry.cluster) ? entry : undefined;
}

export function unknownCluster(named: NamedCluster) {
  return problem(404, `the cluster ${keyOf(keyFrom(named))} is unknown: no address was ever listed or waits`);
}
