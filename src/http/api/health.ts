import { find, unknownCluster, UNKNOWN_CLUSTER, keyFrom } from './clusters.js';
import { clusterParams, healthQuery, planQuery, repairQuery } from './parameters.js';
import { problem, route } from './route.js';
import { clusterHealth, repairBegun, repairPlan } from './schemas.js';

const SERVERLIST = { product: 'nacos', cluster: 'serverlist' };

export const healthRoutes = [
  route({
    method: 'get',
    path: '/api/v1/clusters/{product}/{cluster}/health',
    name: 'getClusterHealth',
    tag: 'Health',
    summary: 'What the Nacos nodes themselves believe, compared with the list',
    description:
      'The server reads every member now and then (every 30 s, and every 1 to 3 s when something changes): its list of ' +
      "members, and the leader and voters of each Raft group, of which only the leader's copy is trusted. Each difference " +
      'is a finding, with what to do and how long it has lasted; one that is not `lasting` is normal for a moment. It changes nothing. ' +
      'Why a node does not answer is shown only with a token, or on the server’s own machine; `fresh` needs the same.',
    access: 'read',
    params: clusterParams,
    query: healthQuery,
    responses: { 200: { description: 'The findings; none is well.', schema: clusterHealth } },
    problems: { 404: UNKNOWN_CLUSTER },
    examples: [
      { name: 'last', summary: 'As of the last look', params: SERVERLIST, status: 200 },
      {
        name: 'fresh',
        summary: 'Ask the nodes now',
        params: SERVERLIST,
        query: { fresh: 'true' },
        status: 200,
      },
    ],
    async handle({ service, examiner, access }, { params, query: { fresh }, request }) {
      const entry = find(service, params);
      if (!entry) return unknownCluster(params);
      const isTold = access.seesReasons(request, keyFrom(params));
      // The duration of an examination also reveals whether an address answers.
      if (fresh && examiner.isOn && isTold) await examiner.examine(entry);
      return { status: 200, body: examiner.health(entry, isTold) };
    },
  }),

  route({
    method: 'get',
    path: '/api/v1/clusters/{product}/{cluster}/repair',
    name: 'planRepair',
    tag: 'Health',
    summary: 'What would repair the Raft groups',
    description:
      'Asks the nodes now, and says which commands to which nodes would make the voters of every Raft group those of the ' +
      'list, what may be lost by it, and what only people can repair. It changes nothing.',
    access: 'read',
    params: clusterParams,
    query: planQuery,
    responses: {
      200: { description: 'The plan; without steps when there is nothing to do.', schema: repairPlan },
    },
    problems: { 404: UNKNOWN_CLUSTER },
    examples: [{ name: 'plan', summary: 'What would be done', params: SERVERLIST, status: 200 }],
    async handle({ service, examiner }, { params, query: { survivor } }) {
      const entry = find(service, params);
      if (!entry) return unknownCluster(params);
      return { status: 200, body: await examiner.plan(entry, survivor) };
    },
  }),

  route({
    method: 'post',
    path: '/api/v1/clusters/{product}/{cluster}/repair',
    name: 'repairCluster',
    tag: 'Health',
    summary: 'Repairs the Raft groups',
    description:
      'Carries out a plan that the caller has seen, step by step: each must be seen in the views of the nodes before the ' +
      'next, and the first surprise stops it. It goes on in the background, and every step is an event (`repairing`, ' +
      '`repair-step`, `repaired` or `repair-stopped`). One at a time for a cluster, and meanwhile its list holds still: ' +
      'no member is admitted, evicted or put.',
    access: 'change',
    params: clusterParams,
    query: repairQuery,
    responses: { 202: { description: 'It has begun.', schema: repairBegun } },
    problems: {
      404: UNKNOWN_CLUSTER,
      409: 'Another plan would repair it now, there is nothing to repair, it cannot be repaired now, or a repair is under way.',
    },
    examples: [
      {
        name: 'repair',
        summary: 'A plan that is not what would repair it now',
        params: SERVERLIST,
        query: { plan: '5f2b6c0d9a11' },
        status: 409,
      },
    ],
    async handle({ service, examiner }, { params, query: { plan, survivor } }) {
      const entry = find(service, params);
      if (!entry) return unknownCluster(params);
      const [newest] = await service.events({ cluster: keyFrom(params), limit: 1 });
      const begun = await examiner.repair(entry, plan, survivor);
      if ('refused' in begun) return problem(409, begun.refused);
      return {
        status: 202,
        body: { holder: begun.holder, eventsAfter: newest?.seq ?? 0, steps: begun.plan.steps.length },
      };
    },
  }),
];
