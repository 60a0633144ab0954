import { whyUnsettled } from '../../registry/settling.js';
import { viewOf } from '../../runtime/views.js';
import { find, unknownCluster } from './clusters.js';
import { memberParams, memberQuery } from './parameters.js';
import { problem, route } from './route.js';
import { memberView, waitingView } from './schemas.js';

const SERVERLIST = { product: 'nacos', cluster: 'serverlist' };

export const memberRoutes = [
  route({
    method: 'get',
    path: '/api/v1/clusters/{product}/{cluster}/members/{address}',
    name: 'getMember',
    tag: 'Clusters',
    summary: 'One member, or one waiting address',
    description:
      'With `settled=true` only a listed and settled member is answered 200, and one that waits or has not settled yet is ' +
      "409: a readiness probe for its node (`curl -f`), since Nacos's own do not look at Raft. It does not show whether " +
      'the node answers.',
    access: 'read',
    params: memberParams,
    query: memberQuery,
    responses: {
      200: { description: 'It is listed; with `settled=true`, and has settled.', schema: memberView },
      202: { description: 'It waits at the gate: why.', schema: waitingView },
    },
    problems: {
      404: 'It is neither listed nor waiting, or the cluster is unknown.',
      409: 'Only with `settled=true`: it waits, or has not settled yet. The detail says what is missing.',
    },
    examples: [
      {
        name: 'member',
        summary: 'A listed member',
        params: { ...SERVERLIST, address: '10.0.0.5:8848' },
        status: 200,
      },
      {
        name: 'ready',
        summary: 'Has it settled?',
        params: { ...SERVERLIST, address: '10.0.0.5:8848' },
        query: { settled: 'true' },
        status: 200,
      },
      {
        name: 'waiting',
        summary: 'One that waits elsewhere',
        params: { product: 'nacos', cluster: 'other', address: '10.0.1.5:8848' },
        status: 202,
      },
    ],
    handle({ service }, { params, query: { settled } }) {
      const entry = find(service, params);
      if (!entry) return unknownCluster(params);
      const { address } = params;
      const name = `${params.product}/${params.cluster}`;
      const { members, waiting } = viewOf(entry, service);
      const waits = waiting.find((one) => one.address === address);
      if (waits) {
        if (!settled) return { status: 202, body: waits };
        return problem(
          409,
          `${address} waits at the gate of ${name}: ${waits.reason}. That is normal while its node starts`,
        );
      }
      const view = members.find((one) => one.address === address);
      const member = entry.cluster.members.get(address);
      if (!view || !member) {
        return problem(404, `${address} is neither on the list of ${name} nor waiting for it`);
      }
      const missing = settled ? whyUnsettled(member, entry.cluster, service.contextOf(entry)) : undefined;
      return missing === undefined ? { status: 200, body: view } : problem(409, missing);
    },
  }),
];
