/*
 * What differs between versions of Nacos, in one table; nothing else in the tests asks for a version.
 */

/** A version as Nacos names its releases, such as `2.3.2`. */
export type NacosVersion = string;

/** What a scenario may need of a version. */
export type Capability =
  /** Every node shows each Raft group with its leader and voters as soon as that has a leader. */
  | 'raft views'
  /** Every node has each persistent instance. A 1.4.x that polls may lack one: see README.md, "Seen with these servers". */
  | 'shared instances'
  /** The Raft command `resetPeers`. */
  | 'resetPeers'
  /** The operations API says of a Raft command whether it was carried out. */
  | 'command answers'
  /** It parses plain text, one address a line; without that it wants `format=json`. */
  | 'text lists'
  /** The API below /nacos/v1 is there and open, readiness included. */
  | 'v1 API'
  /** Its process ends when it has found no list at its start; without that it stays, and serves nobody. */
  | 'exit without a list'
  /**
   * A newcomer asks each second to be added to Raft; without that it asks once, and one that nobody leads just then waits at
   * its start for ever (1.4.1 `JRaftServer.registerSelfToCluster`, `BasePersistentServiceProcessor.waitLeader`).
   */
  | 'asks again';

export interface NacosTraits {
  readonly can: ReadonlySet<Capability>;
  /** How many Raft groups a node has that keeps its naming data itself; only where it has 'raft views'. */
  readonly groups: number;
  readonly paths: NacosPaths;
  /** What one node listens on, as distances from its main port: HTTP, gRPC twice, Raft; 3.x its console, too. */
  readonly portOffsets: readonly number[];
  /** The header that opens its API, where it is closed. */
  readonly identity?: { readonly key: string; readonly value: string };
  /** System properties that are this version's own; the context path is `/nacos` where nothing else is said, or `/`. */
  readonly properties: (port: number, contextPath: string) => Readonly<Record<string, string | number>>;
}

/** Paths and queries of a node's HTTP API. */
export interface NacosPaths {
  /** Its view of the members: `{"data":[…]}`. */
  readonly members: string;
  /** POST of a Raft command. */
  readonly raft: string;
  readonly liveness: string;
  readonly readiness: string;
  /** POST of an instance of a service. */
  readonly instance: string;
  /** GET of a service's instances. */
  readonly instances: string;
}

const OPEN_PATHS: NacosPaths = {
  members: '/nacos/v1/core/cluster/nodes?withInstances=false',
  raft: '/nacos/v1/core/ops/raft',
  liveness: '/nacos/v1/console/health/liveness',
  readiness: '/nacos/v1/console/health/readiness',
  instance: '/nacos/v1/ns/instance',
  instances: '/nacos/v1/ns/instance/list',
};

const OPEN: Pick<NacosTraits, 'paths' | 'portOffsets' | 'properties'> = {
  paths: OPEN_PATHS,
  portOffsets: [0, 1_000, 1_001, -1_000],
  properties: (port, contextPath) => ({ 'server.port': port, 'server.servlet.contextPath': contextPath }),
};

/** From the console's port to the main one: less than lies between the main ports of two nodes. */
const CONSOLE = 10;

/** Reads as `nacos.core.auth.server.identity.key` and `.value`. */
const IDENTITY = { key: 'k', value: 'v' } as const;

const OF_1_4: readonly Capability[] = ['command answers', 'v1 API'];
const OF_2_0: readonly Capability[] = [
  ...OF_1_4,
  'raft views',
  'shared instances',
  'exit without a list',
  'asks again',
];

/** Each version has the traits of the first series that it belongs to. */
const SERIES: readonly { readonly includes: RegExp; readonly traits: NacosTraits }[] = [
  { includes: /^1\.[34]\./, traits: { ...OPEN, can: new Set(OF_1_4), groups: 2 } },
  { includes: /^2\.0\.[0-2]$/, traits: { ...OPEN, can: new Set(OF_2_0), groups: 5 } },
  { includes: /^2\.0\.3$/, traits: { ...OPEN, can: new Set([...OF_2_0, 'text lists']), groups: 5 } },
  {
    includes: /^2\./,
    traits: { ...OPEN, can: new Set([...OF_2_0, 'text lists', 'resetPeers']), groups: 5 },
  },
  {
    includes: /^3\./,
    traits: {
      can: new Set([
        'raft views',
        'shared instances',
        'text lists',
        'resetPeers',
        'exit without a list',
        'asks again',
      ]),
      // With that of its locks.
      groups: 6,
      paths: {
        members: '/nacos/v3/admin/core/cluster/node/list',
        raft: '/nacos/v3/admin/core/ops/raft',
        liveness: '/nacos/v3/admin/core/state/liveness',
        readiness: '/nacos/v3/admin/core/state/readiness',
        instance: '/nacos/v3/admin/ns/instance',
        instances: '/nacos/v3/admin/ns/instance/list',
      },
      portOffsets: [...OPEN.portOffsets, CONSOLE],
      identity: IDENTITY,
      properties: (port, contextPath) => ({
        'nacos.server.main.port': port,
        'nacos.server.contextPath': contextPath,
        'nacos.console.port': port + CONSOLE,
        // Its API is closed, as it is where it is run in earnest.
        'nacos.core.auth.admin.enabled': 'true',
        'nacos.core.auth.server.identity.key': IDENTITY.key,
        'nacos.core.auth.server.identity.value': IDENTITY.value,
        // 32 bytes in base64, of no other use than that it starts.
        'nacos.core.auth.plugin.nacos.token.secret.key': Buffer.from(
          'a key of tests, 32 bytes of it..',
        ).toString('base64'),
      }),
    },
  },
];

/** What a version is like. Throws for one that no series includes: its facts are to be found out first. */
export function traitsOf(version: NacosVersion): NacosTraits {
  const found = SERIES.find(({ includes }) => includes.test(version));
  if (found) return found.traits;
  throw new Error(`Nacos ${version} is in no series of test/nacos/servers/versions.ts: add what it is like`);
}
