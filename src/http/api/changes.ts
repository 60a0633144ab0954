import { viewOf } from '../../runtime/views.js';
import { find, keyFrom, UNKNOWN_CLUSTER, unknownCluster } from './clusters.js';
import { clusterParams, leaveQuery, memberParams, recoverQuery } from './parameters.js';
import { problem, route } from './route.js';
import { clusterView, leaveAnswer, adoptAnswer } from './schemas.js';

const SERVERLIST = { product: 'nacos', cluster: 'serverlist' };

export const changeRoutes = [
  route({
    method: 'delete',
    path: '/api/v1/clusters/{product}/{cluster}/members/{address}',
    name: 'removeMember',
    tag: 'Clusters',
    summary: 'Takes an address off the list',
    description:
      "An operator's leave (R4), also of an address that waits. A member that is live should run until `wait` is over. " +
      'One that is not is only taken off when Raft can remove it: 30 s after its last sign of life (a poll, an open ' +
      'port, the end of its connection), and while a majority is live. `force=true` does it all the same, and the ' +
      "address may stay a voter in Nacos's Raft groups for ever.",
    access: 'change',
    params: memberParams,
    query: leaveQuery,
    responses: {
      200: {
        description: 'It is off the list; without `wait`, others may lack that list.',
        schema: leaveAnswer,
      },
      202: {
        description: 'It is off the list; when `wait` was over, some lacked that list.',
        schema: leaveAnswer,
      },
    },
    problems: {
      404: 'The address is neither listed nor waiting, nor did it leave lately.',
      409: 'The member is not live, and Raft could not remove it now: the detail says why, and what to do.',
    },
    examples: [
      {
        name: 'gone',
        summary: 'A member that is gone for good',
        params: { ...SERVERLIST, address: '10.0.0.5:8848' },
        query: { wait: '5s' },
        status: 200,
      },
    ],
    async handle({ service, heldRequests }, { params, query: { wait, force }, response }) {
      const { address } = params;
      const key = keyFrom(params);
      const left = await service.leave(key, address, wait, heldRequests.of(response), { force });
      const { revision, pendingMembers, votes } = left;
      if (!left.known) {
        const name = `${params.product}/${params.cluster}`;
        return problem(
          404,
          `${address} is not a member of ${name}, nor did it leave lately; the list is unchanged`,
        );
      }
      if (left.refused !== undefined) {
        return problem(409, `${left.refused}; force=true takes it off all the same`);
      }
      const body = {
        address,
        revision,
        pendingMembers: [...pendingMembers],
        ...(votes.length > 0 ? { voterIn: [...votes] } : {}),
      };
      const isDone = pendingMembers.length === 0 && votes.length === 0;
      return { status: wait > 0 && !isDone ? 202 : 200, body };
    },
  }),

  route({
    method: 'post',
    path: '/api/v1/clusters/{product}/{cluster}/adopt',
    name: 'adoptMembers',
    tag: 'Clusters',
    summary: 'Gives static members a lease: the end of a migration',
    description:
      'Every static member that is being heard, by polls with `self` or by heartbeats, gets a lease: it may be ' +
      'evicted (R5) and replaced like any other. The list and its revision stay as they are. Those that are not heard stay ' +
      'static; repeat the request when they are.',
    access: 'change',
    params: clusterParams,
    responses: {
      200: {
        description: 'The adopted members, and those that were not adopted, with the reason.',
        schema: adoptAnswer,
      },
    },
    problems: { 404: UNKNOWN_CLUSTER, 409: 'What is stored of the cluster is damaged.' },
    examples: [
      { name: 'adopt', summary: 'The members that poll with self', params: SERVERLIST, status: 200 },
    ],
    async handle({ service }, { params }) {
      const entry = find(service, params);
      if (!entry) return unknownCluster(params);
      const { reply, cluster } = await service.command(keyFrom(params), { type: 'adopt' });
      if (reply.type === 'refused') return problem(409, reply.reason);
      if (reply.type !== 'adopted') throw new Error(`an adoption is not answered ${reply.type}`);
      const { members } = viewOf(entry, service);
      const kept = reply.kept.map(({ address, reason }) => {
        const refused = members.find((member) => member.address === address)?.refused;
        return {
          address,
          reason: refused === undefined ? reason : `${reason}. Its polls are refused: ${refused}`,
        };
      });
      return { status: 200, body: { revision: cluster.revision, adopted: [...reply.adopted], kept } };
    },
  }),

  route({
    method: 'post',
    path: '/api/v1/clusters/{product}/{cluster}/recover',
    name: 'recoverCluster',
    tag: 'Clusters',
    summary: 'Decides the list after a lost majority',
    description:
      'The list becomes the members that are live or still answer on their port (R7). Raft of those must be repaired ' +
      'afterwards (see repair); then the waiting nodes join, one by one. Only for a cluster that is quorum-lost; or for one ' +
      'without a list whose nodes have a higher revision than the database (`set-back`): the waiting nodes become its list.',
    access: 'change',
    params: clusterParams,
    query: recoverQuery,
    responses: { 200: { description: 'The cluster with its new list.', schema: clusterView } },
    problems: {
      404: UNKNOWN_CLUSTER,
      409: 'There is a majority, or no member to recover with; with `repaired`: no repair is awaited.',
    },
    examples: [
      { name: 'recover', summary: 'The majority is gone for good', params: SERVERLIST, status: 200 },
    ],
    async handle({ service }, { params, query: { repaired } }) {
      const entry = find(service, params);
      if (!entry) return unknownCluster(params);
      const { reply } = await service.command(keyFrom(params), { type: 'recover', repaired });
      if (reply.type === 'refused') return problem(409, reply.reason);
      return { status: 200, body: viewOf(entry, service) };
    },
  }),
];
