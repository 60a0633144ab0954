import type { EventType } from '../../registry/events.js';
import type { Link } from '../model/stream.js';
import type { MemberState } from '../model/order.js';
import type { SnippetForm } from '../../node-setup.js';
import type { ClusterState, MemberView, WaitingView } from '../model/types.js';
import { callersEn } from './callers-en.js';
import { healthEn } from './health-en.js';

const s = (count: number, one: string, many = `${one}s`): string => (count === 1 ? one : many);

/**
 * All English texts of the page. {@link Texts} is their type, so a text that another language lacks is a
 * compile error.
 */
export const en = {
  title: 'Nacos address server',
  titleTroubled: (count: string, title: string) => `(${count}) ${title}`,
  skip: 'Skip to content',
  otherLanguage: '中文',
  otherLanguageLabel: '中文: show this page in Chinese',
  theme: {
    system: 'Theme: system',
    light: 'Theme: light',
    dark: 'Theme: dark',
  },
  close: 'Close',
  cancel: 'Cancel',
  copy: 'Copy',
  copied: 'Copied',
  copyFailed: 'Select and copy it yourself',
  again: 'Try again',
  loading: 'Loading …',
  comma: ', ',
  duration: {
    seconds: (n: string) => `${n} s`,
    minutes: (n: string) => `${n} min`,
    hours: (n: string) => `${n} h`,
    days: (n: string) => `${n} d`,
  },

  link: {
    connecting: 'Connecting',
    live: 'Live',
    lost: 'Connection lost',
    paused: 'Paused',
  } satisfies Record<Link['status'], string>,
  lost: (ago: string) =>
    `Connection lost. The last update came ${ago} ago; everything below dates from then.`,
  lostNever: 'The server cannot be reached.',
  retryIn: (time: string) => `Next try in ${time}.`,
  retrying: 'Trying …',
  retryNow: 'Try now',
  connectionBack: 'The connection is back.',

  notices: 'Notices',
  openChanges: 'Anyone can make changes.',
  openChangesDo: 'To require a token, set AUTH_TOKEN instead of AUTH_MODE=open.',
  serverStatus: {
    up: 'The server is up.',
    degraded: 'Degraded: the store is unavailable. Lists are served from memory, and no change is accepted.',
    unavailable: 'Unavailable: the server has no list that it may send to new callers.',
  },
  since: (time: string) => `for ${time}`,
  grace: (time: string) =>
    `Grace: no member is evicted for another ${time}, because the server could not receive polls for a while.`,

  clusters: 'Clusters',
  allClusters: 'All clusters',
  searchClusters: 'Search clusters',
  searchHint: 'Name or state',
  states: 'Filter by state',
  all: 'All',
  noneMatch: 'Nothing matches.',
  clearFilters: 'Clear the filters',
  shown: (shown: string, all: string) => `${shown} of ${all}`,
  state: {
    empty: 'Empty',
    bootstrapping: 'Bootstrapping',
    whole: 'Whole',
    impaired: 'Impaired',
    'quorum-lost': 'Quorum lost',
    damaged: 'Damaged',
  } satisfies Record<ClusterState, string>,
  bootstrappingOf: (waiting: string, requiredMembers: string) =>
    `Bootstrapping ${waiting} of ${requiredMembers}`,
  /** What a state means; undefined in the language of the server's own sentences. */
  summary: undefined as
    | undefined
    | Record<
        ClusterState,
        (of: { live: string; members: string; unsettled: string; waiting: string }) => string
      >,
  liveOf: (live: string, members: string) => `${live} of ${members} live`,
  waitingCount: (count: number, text: string) => `${text} ${s(count, 'waits', 'wait')}`,
  revision: 'Revision',
  revisionShort: (revision: string) => `rev ${revision}`,
  cluster: 'Cluster',

  noClusters: 'No clusters yet',
  noClustersDo:
    'A cluster appears here when a Nacos node first polls. Start the nodes with this configuration:',
  noClustersDemo:
    'No Nacos at hand? Run this in a terminal to watch fake nodes bootstrap a cluster, lose a member and replace it:',
  demo: 'Demo',
  unknown: (key: string) => `${key} is unknown: no node was ever listed, and none is waiting.`,
  unknownDo: 'To bootstrap it, start Nacos nodes with this configuration:',

  facts: {
    revision: 'Revision',
    epoch: 'Epoch',
    size: 'Size',
    live: 'Live',
    settled: 'Settled',
    newest: 'Newest list',
  },
  factsHelp: {
    revision: 'Counts the changes of the list',
    epoch: 'Counts the bootstraps of the cluster',
    size: 'How many members the cluster is meant to have',
    live: 'Heard within the TTL',
    settled: 'Initial members, and members that all others have known for long enough',
    newest: 'Members that have the current revision',
  },
  ofAll: (count: string, all: string) => `${count} of ${all}`,
  majority: (count: string) => `majority: ${count}`,
  pending: (revision: string, served: string) =>
    `Revision ${revision} has not reached every server yet. Until it has, members get revision ${served}.`,
  refused: 'Polls in its name are refused:',
  unhealthy: 'Its agent reports that its Nacos does not answer:',
  unprobed: 'It stays listed, because this server cannot tell whether it is dead:',

  lostSteps: (missing: string, waiting: string) => [
    `Restart the missing nodes at their addresses: ${missing}. Members that come back simply carry on.`,
    `If they are gone for good, start new ones. They wait at the gate (${waiting} now).`,
    'Then recover the cluster: the list becomes the members that answer. Once their Raft is repaired, the waiting nodes join.',
  ],
  recover: 'Recover …',
  recovered: (time: string) =>
    `This cluster was recovered at ${time}. Repair Raft now, unless that is already done.`,
  giveUp: 'If this cluster is no longer needed, you can delete it.',
  delete: 'Delete …',
  showRepair: 'Show how',
  repaired: 'Already done',

  members: 'Members',
  searchMembers: 'Search members',
  memberHint: 'Address or id',
  memberStates: 'Filter by state',
  memberState: {
    live: 'live',
    silent: 'silent',
    down: 'down',
    static: 'static',
  } satisfies Record<MemberState, string>,
  memberStateHelp: {
    live: 'Heard within its TTL',
    silent: 'Not heard within its TTL',
    down: 'Its port refuses connections',
    static: 'Added by an operator; listed until deleted',
  } satisfies Record<MemberState, string>,
  source: {
    poll: 'polls',
    heartbeat: 'heartbeats',
    static: 'static',
  } satisfies Record<MemberView['source'], string>,
  sourceHelp: {
    poll: 'Its own Nacos polls the list',
    heartbeat: 'A script or sidecar sends heartbeats for it',
    static: 'Added through the official API',
  } satisfies Record<MemberView['source'], string>,
  memberColumns: {
    state: 'State',
    member: 'Address',
    heard: 'Last heard',
    delivered: 'List',
    settled: 'Settled',
    action: 'Action',
  },
  heardAgo: (time: string) => time,
  heardAgoLong: (time: string, ttl: string) => `last heard ${time} ago, the TTL is ${ttl}`,
  neverHeard: 'never heard',
  wasHeard: (time: string) => `was ${time}`,
  current: 'has the newest list',
  behind: (revisions: string) => `${revisions} behind`,
  notSent: 'none yet',
  delivered: (revision: string) => `last sent revision ${revision}`,
  settled: 'settled',
  notSettled: 'not yet settled',
  takeOff: 'Take off …',
  takeOffLabel: (address: string) => `Take off … ${address}`,

  health: healthEn,
  callers: callersEn,

  waiting: 'Waiting',
  waitingFor: (time: string) => `for ${time}`,
  waitingCode: undefined as undefined | Record<WaitingView['code'], string>,
  expects: (count: string) => `expects ${count}`,

  history: 'History',
  historyAll: 'History of all clusters',
  events: 'Events',
  zone: (zone: string) => `Times in ${zone}`,
  today: 'Today',
  yesterday: 'Yesterday',
  eventType: 'Event',
  everyType: 'All events',
  searchEvents: 'Search events',
  eventHint: 'Address or a word',
  searchedBack: (time: string) => `Searched back to ${time}.`,
  older: 'Load older',
  olderSearch: 'Search older',
  noOlder: 'There are no older events.',
  noEvents: 'Nothing has happened yet.',
  full: (count: string) =>
    `The page keeps ${count} events; older ones are in the API and on the command line.`,
  historyProblem: 'The history cannot be read:',
  event: {
    bootstrapped: 'Bootstrapped',
    waiting: 'Waiting',
    admitted: 'Admitted',
    left: 'Left',
    unhealthy: 'Unhealthy',
    down: 'Down',
    silent: 'Silent',
    returned: 'Returned',
    adopted: 'Adopted',
    evicted: 'Evicted',
    replaced: 'Replaced',
    'quorum-lost': 'Quorum lost',
    'quorum-regained': 'Quorum regained',
    rebootstrapped: 'Rebootstrapped',
    'set-back': 'Database set back',
    recovered: 'Recovered',
    repairing: 'Repair started',
    'repair-step': 'Repair step',
    repaired: 'Repaired',
    deleted: 'Deleted',
    'repair-stopped': 'Repair stopped',
    refused: 'Refused',
  } satisfies Record<EventType, string>,
  /** What an event means; undefined in the language of the server's own sentences. */
  eventSays: undefined as undefined | Record<EventType, string>,

  setup: 'Configuration of a node',
  setupForm: {
    shell: 'Shell',
    envFile: 'Env file',
    properties: 'application.properties',
    kubernetes: 'Kubernetes',
  } satisfies Record<SnippetForm, string>,
  setupNode: 'Replace NODE_IP with the node’s own address, exactly as Nacos knows itself.',
  setupPod: 'POD_IP is the pod’s own address; Kubernetes fills it in.',
  setupShell:
    'For a terminal or a script: the quotes are for the shell. Leave them out of files that docker or systemd read.',
  setupEnvFile:
    'For docker run --env-file, env_file in compose and EnvironmentFile in systemd, which take each line as it stands: docker would keep quotes.',
  setupToken: 'Replace TOKEN with a token that may change this cluster.',
  setupLoopback: (host: string) => `Replace ${host} with the address at which the nodes reach this server.`,
  setupHttps: 'Nacos polls over plain HTTP only: name the address server itself, not a proxy in front of it.',
  setupLegacy: 'Nacos 1.3.0 to 2.0.2 needs &format=json at the end of the URL.',

  localChanges:
    'No token is set (AUTH_TOKEN), so the server accepts this only from its own machine, unless AUTH_MODE=open.',
  token: 'Token',
  tokenHelp: 'Sent with this change only, and kept in this page’s memory until it is closed.',
  takeOffDialog: {
    title: (address: string) => `Take ${address} off the list?`,
    will: (key: string, revision: string) =>
      `It leaves the list of ${key} at once, with revision ${revision}. Live members get the new list with their next poll, and Nacos then removes the node from its Raft groups, which takes a leader.`,
    before: 'Stop its Nacos for good first. If it still runs, it polls and comes back as a new address.',
    after:
      'Once every live member has the new list, nothing is left to do. You will see which members lack it.',
    confirm: 'Its Nacos is stopped and will not come back.',
    submit: 'Take it off',
    done: (address: string, revision: string) => `${address} is off the list, revision ${revision}.`,
    allHave: 'Every live member has the new list.',
    back: (address: string) => `${address} is live again: there is nothing to take off.`,
    pendingMembers: (who: string) => `Without the new list so far: ${who}. They get it with their next poll.`,
    voterIn: (groups: string) =>
      `Still a voter of Raft groups: ${groups}. “${healthEn.title}” shows whether that lasts.`,
  },
  typeName: (key: string) => `Type ${key} to confirm`,
  recoverDialog: {
    title: (key: string) => `Recover ${key}?`,
    will: (live: string, gone: string, waiting: string) =>
      `The list becomes the members that are live or still answer a probe (${live} live now). Members that do not answer are dropped: ${gone}. Waiting nodes (${waiting} now) join once Raft is repaired.`,
    before:
      'Do this only if the missing nodes are gone for good. A node that merely cannot be reached from here would lose its place in Raft.',
    after: 'Repair Raft right afterwards. You will get the command.',
    nobody: 'none',
    submit: 'Recover the list',
    doneTitle: (key: string) => `${key} is recovered`,
    done: (revision: string) => `The list is recovered, revision ${revision}. Raft is not repaired yet.`,
    repair:
      'Now repair Raft; until then no node joins. This command shows every step and what may be lost, and asks before it starts:',
    repairTitle: 'Repair Raft',
    byHand: 'By hand instead',
    resetPeers:
      'Tell one survivor that still has the data that it is the only voter; it then adds the other survivors. Run this once, from a machine that reaches it:',
    survivor: 'Survivor',
    repairNotes: [
      'Within about 12 s there is a leader. The waiting nodes then join and get the survivor’s data.',
      'If this server cannot read the nodes, tell it afterwards that Raft is repaired: nacos-address-server recover PRODUCT/CLUSTER --repaired',
      'Nacos 3.x: /nacos/v3/admin/core/ops/raft, with admin rights. Nacos 1.4.2 and 2.0.3 have no resetPeers.',
    ],
  },
  deleteDialog: {
    title: (key: string) => `Delete ${key}?`,
    will: (members: string, waiting: string) =>
      `Its list (members: ${members}) and its waiting nodes (${waiting} now) are gone at once. Its history stays.`,
    before:
      'Stop its nodes for good first, or give them another configuration. Nodes that still poll would bootstrap a new cluster in its place, with other members.',
    after: 'For a cluster that was bootstrapped by mistake, or is empty or dead.',
    submit: 'Delete it',
    back: (key: string) => `A member of ${key} is live: it cannot be deleted.`,
    doneTitle: (key: string) => `${key} is deleted`,
    done: 'Its list is no longer served.',
    history: 'Its history can still be read:',
  },
  wrongToken: 'The server requires another token:',
  refusedBecause: 'The server refused:',
  unreachable: 'The server could not be reached, so it is not known whether anything changed:',
  working: 'Working …',

  changed: (key: string, state: string) => `${key}: ${state}`,
  gone: (key: string) => `${key} is gone`,
  manyChanged: (count: string) => `${count} clusters changed state`,

  version: (version: string) => `Version ${version}`,
  servers: (count: number, text: string) => `${text} ${s(count, 'server')}`,
  apiLink: 'API',
  metricsLink: 'Metrics',
  keys: '/ search · ↑ ↓ move · Esc close',
};

export type Texts = typeof en;
