import { z } from 'zod';
import { CHANGES_NEED } from '../access/access.js';
import type { ClusterSummary, ClusterView, MemberView, WaitingView } from '../../registry/view.js';
import { EVENT_TYPES } from '../../registry/events.js';
import { REFUSED_CODES, type RefusedCaller } from '../../registry/refused.js';
import { FINDING_CODES } from '../../doctor/findings.js';
import { HEALTH_STATES, type ClusterHealth } from '../../doctor/health.js';
import type { RepairPlan } from '../../doctor/plan.js';
import type { HealthView } from '../../runtime/health-view.js';

/**
 * The answers of the operators' side. `id` is the name in the OpenAPI document; times are in milliseconds
 * unless stated otherwise. The check at the end ties these schemas to the registry's own types.
 */

const ms = (description: string, example: number) =>
  z
    .int()
    .min(0)
    .meta({ description: `${description}, in milliseconds.`, examples: [example] });
const count = (description: string, example: number) =>
  z
    .int()
    .min(0)
    .meta({ description, examples: [example] });

const product = z.string().meta({ description: 'The first part of its name.', examples: ['nacos'] });
const cluster = z.string().meta({ description: 'The second part of its name.', examples: ['serverlist'] });
const address = z.string().meta({ description: '`HOST:PORT`.', examples: ['10.0.0.5:8848'] });
const id = z
  .string()
  .exactOptional()
  .meta({ description: 'Its stable identity, which outlives the address.', examples: ['nacos-0'] });
const revision = count('Counts the changes of the list.', 4);

const ofCluster = {
  product,
  cluster,
  state: z.enum(['empty', 'bootstrapping', 'whole', 'impaired', 'quorum-lost', 'damaged']).meta({
    description:
      '*empty*: no list, and no address waits. *bootstrapping*: no list yet. *whole*: every member is live and settled, and ' +
      'none waits. *impaired*: a majority is live. *quorum-lost*: none is. *damaged*: what is stored of it cannot be its state, and none of it is served.',
  }),
  summary: z.string().meta({
    description: 'What the state means here, and what to do.',
    examples: ['all 3 members are live and settled'],
  }),
  epoch: count('Counts the bootstraps; 0 before the first.', 1),
  revision,
  size: count('How many members the cluster is meant to have; 0 without a list.', 3),
};
const live = count('Members that count towards a majority.', 3);
const unsettled = count('Listed members that have not settled yet.', 0);
const requiredMembers = count(
  'While bootstrapping: how many must wait at once before they become the list (R1).',
  3,
).exactOptional();
const servedRevision = count(
  'What members are sent meanwhile, when not every server has the newest list yet.',
  3,
).exactOptional();

const raftProblems = count(
  'Findings that last and harm the cluster, whatever its state is (see its health); absent without any.',
  1,
).exactOptional();

const refused = count(
  'Callers that named it and were refused in the last 10 minutes (see refused); absent without any.',
  1,
).exactOptional();

export const clusterSummary = z
  .strictObject({
    ...ofCluster,
    members: count('Addresses on the list.', 3),
    live,
    unsettled,
    waiting: count('New addresses held at the gate.', 0),
    requiredMembers,
    servedRevision,
    raftProblems,
    refused,
  })
  .meta({ id: 'ClusterSummary', description: 'A cluster at a glance.' });

export const memberView = z
  .strictObject({
    address,
    id,
    source: z.enum(['poll', 'heartbeat', 'static']).meta({
      description:
        'How it is heard. *poll*: its own Nacos polls with `self`. *heartbeat*: a script sends it. ' +
        '*static*: put through the official API, and listed until it is deleted.',
    }),
    state: z.enum(['live', 'silent', 'down', 'static']).meta({
      description:
        '*live*: heard within its lease. *silent*: not. *down*: its port refuses connections. *static*: put by ' +
        'an operator, and counted as live.',
    }),
    settled: z.boolean().meta({ description: 'An initial member, or known to all for long enough (R3).' }),
    silentMs: ms('Since it was last heard; absent for a static member that never was', 2_000).exactOptional(),
    leaseMs: ms('Left of its lease, 0 when that ran out', 13_000).exactOptional(),
    deliveredRevision: count('The revision that it was last sent; 0 for none.', 4),
    upToDate: z.boolean().meta({ description: 'Live, and known or presumed to have the current revision.' }),
    refused: z
      .string()
      .exactOptional()
      .meta({
        description: 'Polls in its name are refused: the sentence that they get.',
        examples: ['a token is needed to change nacos/serverlist, and none was given'],
      }),
    problem: z
      .string()
      .exactOptional()
      .meta({
        description: 'Its agent’s report that its Nacos does not answer; it is not renewed meanwhile.',
        examples: ['its port has not answered for 6 s'],
      }),
    unprobed: z
      .string()
      .exactOptional()
      .meta({
        description:
          'It is not heard, and this server cannot tell whether it is dead: why. While that lasts it stays listed.',
        examples: ['nacos-2.example.org cannot be reached by its name: its look-up failed (ESERVFAIL)'],
      }),
  })
  .meta({ id: 'Member', description: 'An address on the list.' });

export const waitingView = z
  .strictObject({
    address,
    id,
    expect: count('The cluster size that it asked for.', 3).exactOptional(),
    waitingMs: ms('Since it came', 1_500),
    code: z.enum(['bootstrapping', 'no-majority', 'unsettled', 'repairing', 'queued']).meta({
      description:
        'Why it waits. *bootstrapping*: too few wait for the first list (R1). *no-majority*: Raft could not add it. ' +
        '*unsettled*: others joined or came back only just, or the initial members have not been sent their list yet (R3). *repairing*: Raft is being repaired. *turn*: it comes in with its next poll.',
    }),
    reason: z.string().meta({
      description: 'The same as a sentence.',
      examples: ['nacos/serverlist is bootstrapping: 1 of 3 members wait'],
    }),
  })
  .meta({ id: 'Waiting', description: 'A new address that is held at the gate and not on the list.' });

export const clusterView = z
  .strictObject({
    ...ofCluster,
    live,
    unsettled,
    ttlMs: ms("A member's lease (`MEMBER_TTL`): `silentMs` runs up to it", 15_000),
    requiredMembers,
    servedRevision,
    raftProblems,
    refused,
    members: z.array(memberView).meta({ description: 'In the order of joining.' }),
    waiting: z.array(waitingView).meta({ description: 'In the order of arrival.' }),
  })
  .meta({ id: 'Cluster', description: 'A cluster with its members and the addresses that wait.' });

export const refusedCaller = z
  .strictObject({
    from: z
      .string()
      .exactOptional()
      .meta({
        description: 'Where it comes from; absent when a proxy does not say.',
        examples: ['10.0.0.5'],
      }),
    self: z
      .string()
      .exactOptional()
      .meta({
        description: 'What it sent as `self`, cut to 120 characters; absent without.',
        examples: ['$(POD_IP):8848'],
      }),
    path: z.string().meta({ description: 'The path that it asked for.', examples: ['/nacos/serverlist'] }),
    code: z.enum(REFUSED_CODES).meta({
      description:
        'Why, for programs. *path*: the path is not a list’s. *astray*: a Nacos asks the operators’ side. *self*: `self` is not an ' +
        'address. *unexpanded*: it holds a variable that was not expanded, or was empty. *parameter*: another parameter is wrong. ' +
        '*no-self*: `self` is missing. *unknown-cluster*: the cluster does not exist, and there is no `self` to bootstrap it. *not-listed*: a ' +
        'leave, or an agent’s report, of an address that is not listed. *id-in-use*, *other-spelling*, *no-member-address*: the rules ' +
        'refuse the address (R3). *too-many-addresses*, *too-many-clusters*, *too-many-of-one*: a limit is reached. *token*, *scope*, ' +
        '*source*, *member*, *rate*: access control refuses it.',
    }),
    reason: z.string().meta({
      description: 'The sentence that it was answered with last.',
      examples: ['self="10.0.0.5:x" has no port from 1 to 65535'],
    }),
    times: count('How often it was refused.', 12),
    sinceMs: ms('Since the first time', 61_000),
    lastMs: ms('Since the last time', 4_000),
  })
  .meta({ id: 'RefusedCaller', description: 'A caller that was refused.' });

export const refusedCallers = z
  .strictObject({ callers: z.array(refusedCaller).meta({ description: 'The last one first.' }) })
  .meta({ id: 'RefusedCallers', description: 'Callers that were refused.' });
export type RefusedCallers = z.output<typeof refusedCallers>;

export const eventView = z
  .strictObject({
    seq: count('Its number: rising through all clusters, gaps are possible.', 41),
    time: z.iso
      .datetime()
      .meta({ description: "By the server's wall clock.", examples: ['2026-01-01T08:00:00.000Z'] }),
    type: z.enum(EVENT_TYPES).meta({ description: 'What happened.' }),
    product,
    cluster,
    address: address.exactOptional().meta({ description: 'Absent when it is about the whole cluster.' }),
    revision: count("The list's revision after it.", 4),
    reason: z.string().meta({ description: 'A sentence.', examples: ['passed the gate'] }),
  })
  .meta({ id: 'Event', description: 'One change of a cluster.' });
export type EventView = z.output<typeof eventView>;

const health = {
  status: z.enum(['up', 'degraded', 'unavailable']).meta({
    description:
      '*up*: all is well. *degraded*: the store is out of reach and the last lists are served (R9). *unavailable*: ' +
      'nothing can be answered, since there is no list, or other servers may have changed it.',
  }),
  reason: z
    .string()
    .exactOptional()
    .meta({
      description: "The store's error.",
      examples: ['the store has not answered for 2 s'],
    }),
  sinceMs: ms('For how long the store has been out of reach', 1_000).exactOptional(),
  servers: count(
    'How many servers keep these lists, this one included; absent for a store of its own.',
    2,
  ).exactOptional(),
  damaged: count(
    'How many clusters are not served since what is stored of them cannot be their state; absent without any.',
    1,
  ).exactOptional(),
  graceMs: ms('For how long no member is evicted yet (R8)', 0),
};

export const healthAnswer = z
  .strictObject(health)
  .meta({ id: 'Health', description: 'Whether the server can answer.' });

export const serverView = z
  .strictObject({
    ...health,
    version: z.string().meta({ description: "The server's version.", examples: ['0.1.0'] }),
    changes: z.enum(CHANGES_NEED).meta({
      description:
        'What a change needs: `token`; without any token `local`, to come from the right place (an operator’s request from ' +
        'the server’s own machine, a leave from the member’s address); or nothing, `open`.',
      examples: ['token'],
    }),
    reads: z
      .enum(['open', 'token'])
      .meta({ description: 'Whether reading this API needs a token.', examples: ['open'] }),
  })
  .meta({ id: 'Server', description: 'The server that answers.' });
export type ServerView = z.output<typeof serverView>;

export const aliveAnswer = z
  .strictObject({ status: z.literal('up').meta({ description: 'Always.' }) })
  .meta({ id: 'Alive', description: 'The process answers.' });

const next = (what: string) =>
  `The end of this page; absent on the last. The next one is asked for with ${what}.`;

export const clusterPage = z
  .strictObject({
    clusters: z.array(clusterSummary).meta({ description: 'In the order of their names.' }),
    next: z
      .string()
      .exactOptional()
      .meta({ description: next('it as `after`'), examples: ['nacos/serverlist'] }),
  })
  .meta({ id: 'ClusterPage', description: 'Some of the clusters.' });
export type ClusterPage = z.output<typeof clusterPage>;

export const eventPage = z
  .strictObject({
    events: z.array(eventView).meta({ description: 'Newest first; oldest first with `after`.' }),
    next: count(next('it as `before`, or as `after` if that was given'), 41).exactOptional(),
  })
  .meta({ id: 'EventPage', description: 'Some of the history, which is bounded: 1,000 events a cluster.' });
export type EventPage = z.output<typeof eventPage>;

export const leaveAnswer = z
  .strictObject({
    address,
    revision,
    pendingMembers: z.array(address).meta({
      description: 'Live members that lack the list without it, or had no time yet to tell Raft (R4).',
    }),
    voterIn: z
      .array(z.string())
      .exactOptional()
      .meta({
        description: 'Raft groups of Nacos that were seen to have it as a voter still; absent without any.',
        examples: [['naming_service_metadata']],
      }),
  })
  .meta({ id: 'Left', description: 'An address was taken off the list or from the gate.' });
export type LeaveAnswerView = z.output<typeof leaveAnswer>;

export const deletedCluster = z
  .strictObject({
    product: z.string().meta({ description: 'Its product.', examples: ['nacos'] }),
    cluster: z.string().meta({ description: 'Its name.', examples: ['serverlist'] }),
  })
  .meta({ id: 'DeletedCluster', description: 'A cluster that was deleted.' });

export const adoptAnswer = z
  .strictObject({
    revision,
    adopted: z.array(address).meta({ description: 'Static members that have a lease from now on.' }),
    kept: z
      .array(
        z.strictObject({
          address,
          reason: z.string().meta({
            description: 'A sentence: why, and what to do.',
            examples: [
              '10.0.0.7:8848 has never been heard: its node must poll with self=10.0.0.7:8848, or a heartbeat be sent for it',
            ],
          }),
        }),
      )
      .meta({ description: 'Members that stay static, and why.' }),
  })
  .meta({ id: 'Adopted', description: 'Static members were adopted.' });
export type AdoptAnswerView = z.output<typeof adoptAnswer>;

const group = z
  .string()
  .meta({ description: 'A Raft group of Nacos.', examples: ['naming_service_metadata'] });
const sentences = (description: string) => z.array(z.string()).meta({ description });

export const findingView = z
  .strictObject({
    code: z.enum(FINDING_CODES).meta({ description: 'What is wrong, for programs.' }),
    node: z
      .string()
      .exactOptional()
      .meta({
        description: 'The member that it is about, or for `phantom-voter` the voter (`HOST:RAFTPORT`).',
        examples: ['10.0.0.5:8848'],
      }),
    groups: z.array(group).exactOptional().meta({ description: 'The Raft groups that it is about.' }),
    sentence: z.string().meta({ description: 'What was found.' }),
    advice: z.string().meta({ description: 'What to do.' }),
    sinceMs: ms('For how long it has been seen', 42_000),
    persistent: z.boolean().meta({
      description:
        'Whether that is longer than is normal: a list on its way, an election, a node that starts.',
    }),
    severity: z.enum(['harm', 'notice']).meta({ description: 'Whether it harms the cluster, or only may.' }),
  })
  .meta({ id: 'Finding', description: 'One difference between the list and what the nodes believe.' });

export const nodeHealth = z
  .strictObject({
    address,
    reason: z.string().exactOptional().meta({ description: 'Why it cannot be read.' }),
    version: z
      .string()
      .exactOptional()
      .meta({ description: 'Its version of Nacos.', examples: ['2.5.1'] }),
    leads: z.array(group).meta({ description: 'The Raft groups that it leads.' }),
    voterIn: z
      .array(group)
      .meta({ description: 'The Raft groups that it is a voter of, as their leaders report.' }),
  })
  .meta({ id: 'NodeHealth', description: 'One node, as the server read it.' });

export const clusterHealth = z
  .strictObject({
    product,
    cluster,
    revision: count('The list that the nodes were compared with.', 4),
    state: z.enum(HEALTH_STATES).meta({
      description:
        '*healthy*: every node believes what is listed, and every Raft group has a leader and exactly these voters. ' +
        '*transient*: something differs, not yet for longer than is normal. *attention*: something lasts that does not harm ' +
        'the cluster yet. *unhealthy*: something lasts that harms the cluster. *unknown*: nothing could be judged.',
    }),
    summary: z.string().meta({ description: 'The state as a sentence.' }),
    readMs: ms(
      'Since the nodes were asked; absent before the first time, and where reading is off',
      1_200,
    ).exactOptional(),
    findings: z.array(findingView),
    unknown: sentences('What could not be judged, and why.'),
    nodes: z.array(nodeHealth).meta({ description: 'In the order of the list.' }),
    groups: z.array(group).meta({ description: 'The Raft groups that were seen.' }),
    repair: z
      .strictObject({
        holder: z.string().meta({ description: 'Who repairs.' }),
        leftMs: ms('For how long it may stay without an event', 28_000),
      })
      .exactOptional()
      .meta({ description: 'A repair that is under way.' }),
  })
  .meta({ id: 'ClusterHealth', description: 'What Nacos itself believes, compared with the list.' });

export const repairStep = z
  .strictObject({
    command: z.enum(['removePeer', 'restRaftCluster', 'resetPeers']).meta({
      description: "As Nacos's operations API spells it.",
    }),
    node: address.meta({ description: 'The node that gets it.' }),
    group: group.exactOptional().meta({ description: 'Absent when it is for every group of that node.' }),
    value: z.string().meta({
      description: 'One voter, or all of them, separated by commas.',
      examples: ['10.0.0.5:7848'],
    }),
    isAwaited: z.literal(true).exactOptional().meta({
      description:
        'Most nodes become voters by themselves: the repair waits for that, and sends the command only to one that does not.',
    }),
    sentence: z.string().meta({ description: 'The same as a sentence.' }),
  })
  .meta({ id: 'RepairStep', description: 'A command to one node.' });

export const repairPlan = z
  .strictObject({
    id: z.string().meta({ description: 'Changes with the plan.', examples: ['5f2b6c0d9a11'] }),
    steps: z
      .array(repairStep)
      .meta({ description: 'In order. Empty when there is nothing that a command repairs.' }),
    dataLossRisks: sentences('What may be lost by it.'),
    manualSteps: sentences('What no command repairs, and how people do, in order.'),
    refused: z
      .string()
      .exactOptional()
      .meta({ description: 'Why nothing can be planned now, and what to do.' }),
    isPassing: z.literal(true).exactOptional().meta({
      description: 'That what refuses it may pass by itself within a minute: ask again.',
    }),
  })
  .meta({ id: 'RepairPlan', description: 'What would repair the Raft groups of a cluster.' });

export const repairBegun = z
  .strictObject({
    holder: z.string().meta({ description: 'The repairer, as its events name it.' }),
    eventsAfter: count('The number of the last event before it: its own events come after that one.', 41),
    steps: count('How many steps it has.', 5),
  })
  .meta({ id: 'RepairBegun', description: 'A repair has begun.' });
export type RepairBegun = z.output<typeof repairBegun>;

export const problemDetails = z
  .strictObject({
    type: z.literal('about:blank').meta({ description: 'So the title is the status.' }),
    title: z.string().meta({ description: 'What the status is called.', examples: ['Not Found'] }),
    status: z
      .int()
      .min(400)
      .max(599)
      .meta({ description: 'The status of the answer.', examples: [404] }),
    detail: z.string().meta({
      description: 'What was found, why it is refused, and what to do.',
      examples: ['the cluster nacos/none is unknown: no address was ever listed or waits'],
    }),
  })
  .meta({ id: 'Problem', description: 'Problem details (RFC 9457).' });

/** The messages of the stream, by name. */
export const streamSnapshot = z
  .strictObject({ clusters: z.array(clusterSummary), server: serverView })
  .meta({ id: 'StreamSnapshot', description: '`event: snapshot`: everything as it is now.' });
export const streamClusters = z
  .strictObject({
    changed: z.array(clusterSummary).meta({ description: 'As they are now.' }),
    gone: z.array(z.string()).meta({ description: 'As `product/cluster`.', examples: [['nacos/test']] }),
  })
  .meta({ id: 'StreamClusters', description: '`event: clusters`: the clusters that changed.' });
export const streamEvents = z
  .strictObject({ events: z.array(eventView).meta({ description: 'Oldest first.' }) })
  .meta({ id: 'StreamEvents', description: '`event: events`: what happened.' });

/** All schemas with a name in the OpenAPI document. */
export const NAMED = [
  clusterPage,
  clusterSummary,
  clusterView,
  memberView,
  waitingView,
  refusedCaller,
  refusedCallers,
  eventPage,
  eventView,
  serverView,
  healthAnswer,
  aliveAnswer,
  leaveAnswer,
  deletedCluster,
  adoptAnswer,
  clusterHealth,
  findingView,
  nodeHealth,
  repairPlan,
  repairStep,
  repairBegun,
  problemDetails,
  streamSnapshot,
  streamClusters,
  streamEvents,
] as const;

/** Removes `readonly` at all depths, so that two types can be compared exactly. */
type Plain<T> = T extends readonly (infer E)[]
  ? Plain<E>[]
  : T extends object
    ? { -readonly [K in keyof T]: Plain<T[K]> }
    : T;
type Same<A, B> =
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- so the compiler compares identity
  (<T>() => T extends Plain<A> ? 1 : 2) extends <T>() => T extends Plain<B> ? 1 : 2 ? true : false;

type Assert<T extends true> = T;

/** A schema that differs from its view is a compile error here. */
export type Checks = [
  Assert<Same<z.output<typeof clusterSummary>, ClusterSummary>>,
  Assert<Same<z.output<typeof clusterView>, ClusterView>>,
  Assert<Same<z.output<typeof memberView>, MemberView>>,
  Assert<Same<z.output<typeof waitingView>, WaitingView>>,
  Assert<Same<z.output<typeof refusedCaller>, RefusedCaller>>,
  Assert<Same<z.output<typeof healthAnswer>, HealthView>>,
  Assert<Same<z.output<typeof clusterHealth>, ClusterHealth>>,
  Assert<Same<z.output<typeof repairPlan>, RepairPlan>>,
];
