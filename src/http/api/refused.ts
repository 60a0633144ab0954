import { keyOf } from '../../registry/cluster.js';
import { find, keyFrom, unknownCluster, UNKNOWN_CLUSTER } from './clusters.js';
import { clusterParams } from './parameters.js';
import { route } from './route.js';
import { refusedCallers } from './schemas.js';

const BOUNDS =
  'It is what this server saw since it started, the last caller first: a caller is a source address with what it sent as ' +
  '`self`, its path, and why it was refused. A caller that has not come again for a day is forgotten, and when there are ' +
  'too many those that came once go first. ';

export const refusedRoutes = [
  route({
    method: 'get',
    path: '/api/v1/clusters/{product}/{cluster}/refused',
    name: 'listRefusedCallers',
    tag: 'Clusters',
    summary: 'Refused callers that named the cluster',
    description: `${BOUNDS}Of a cluster 50 are kept, 10 of each source, and one more for each member in whose name a caller spoke.`,
    access: 'read',
    params: clusterParams,
    responses: { 200: { description: 'The callers; none is well.', schema: refusedCallers } },
    problems: { 404: UNKNOWN_CLUSTER },
    examples: [
      {
        name: 'callers',
        summary: 'Which URL has a mistake?',
        params: { product: 'nacos', cluster: 'serverlist' },
        status: 200,
      },
    ],
    handle({ service }, { params }) {
      const entry = find(service, params);
      if (!entry) return unknownCluster(params);
      return { status: 200, body: { callers: service.refused.ofCluster(entry, keyOf(keyFrom(params))) } };
    },
  }),

  route({
    method: 'get',
    path: '/api/v1/refused',
    name: 'listStrayCallers',
    tag: 'Clusters',
    summary: 'Refused callers that named no known cluster',
    description: `${BOUNDS}Of these 100 are kept: a path that is not a list’s, or a cluster that did not exist when they came. A caller whose token is for some clusters only is shown none.`,
    access: 'any',
    responses: { 200: { description: 'The callers; none is well.', schema: refusedCallers } },
    examples: [{ name: 'callers', summary: 'Which path has a mistake?', status: 200 }],
    handle({ service, access }, { request }) {
      return { status: 200, body: { callers: access.readsAll(request) ? service.refused.elsewhere() : [] } };
    },
  }),
];
