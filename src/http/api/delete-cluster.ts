import { keyFrom, unknownCluster, UNKNOWN_CLUSTER } from './clusters.js';
import { clusterParams } from './parameters.js';
import { problem, route } from './route.js';
import { deletedCluster } from './schemas.js';

export const deleteClusterRoute = route({
  method: 'delete',
  path: '/api/v1/clusters/{product}/{cluster}',
  name: 'deleteCluster',
  tag: 'Clusters',
  summary: 'Deletes a cluster that has no live member',
  description:
    'For one that was bootstrapped by mistake, or that is empty or dead: its list, and the waiting addresses. Its history stays. A cluster ' +
    'with a member that was heard, or put, within `EVICT_AFTER` is not deleted: take its members off first.',
  access: 'change',
  params: clusterParams,
  responses: { 200: { description: 'It is gone.', schema: deletedCluster } },
  problems: {
    404: UNKNOWN_CLUSTER,
    409: 'One of its members is live, or may be: the detail says which, and what to do.',
  },
  examples: [
    {
      name: 'slip',
      summary: 'A cluster that lives',
      params: { product: 'nacos', cluster: 'serverlist' },
      status: 409,
    },
  ],
  async handle({ service }, { params }) {
    const { reply, cluster } = await service.command(keyFrom(params), { type: 'forget' });
    if (reply.type === 'unknown') return unknownCluster(params);
    if (reply.type === 'refused') return problem(409, reply.reason);
    return { status: 200, body: { product: cluster.product, cluster: cluster.name } };
  },
});
