import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { NORMAL_FOR } from '../../src/doctor/findings.js';
import type { RegistryEvent } from '../../src/registry/events.js';
import type { ClusterView } from '../../src/registry/view.js';
import { startServerProcess, type ServerProcess } from '../support/process.js';
import { alarmsOf } from './doctor.js';
import { judge } from './beliefs.js';
import type { OfficialImage } from './official-image.js';
import { agentLogOf, NacosNode, textOf, type NodeNetwork, type NodeSettings } from './node.js';
import { Ports } from './ports.js';
import { atProcessEnd, endWithThisProcess } from '../support/processes.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { traitsOf, type NacosTraits, type NacosVersion } from './servers/versions.js';
import { patiently } from './patience.js';

export type NodeOptions = LookupOptions & {
  /** A new one if left out. One that a node had before is a restart of that node, with its disk. */
  readonly port?: number;
  readonly network?: NodeNetwork;
  /** Where its API is, and where it asks for its list by itself; `/nacos` if left out. */
  readonly contextPath?: string;
  readonly image?: OfficialImage;
  /** {@link Cluster.homeOf} its port if left out. */
  readonly home?: string;
};

/** How a node finds the others. */
export type LookupOptions =
  | {
      readonly lookup?: 'address-server';
      /** The server's port, or a proxy's before it. */
      readonly lookupPort: number;
      /** The query of the polled URL; with `self` and `expect=3` if left out. */
      readonly query?: (address: string) => string;
      /** Tries at its start; {@link RETRY} if left out. */
      readonly retry?: number;
    }
  | {
      readonly lookup: 'file';
      /** Written to its cluster.conf before it starts; left out when somebody else writes that (`clusterConfOf`). */
      readonly members?: readonly string[];
    }
  | {
      readonly lookup: 'agent';
      /** The address servers. */
      readonly servers: readonly { readonly url: string }[];
      /** With `--expect 3` if left out. */
      readonly more?: readonly string[];
    }
  | {
      readonly lookup: 'environment';
      /** All that is set for it. */
      readonly environment: Readonly<Record<string, string>>;
    };

/**
 * Nodes that agree later than this, in milliseconds, may have started so slowly that the doctor told of it: an eviction, a
 * start and an election take less on two idle cores.
 */
const SLOW = NORMAL_FOR['no-voter'] + 30_000;

/** All that one test runs on this machine: address servers, real nodes, and what judges them. */
export class Cluster {
  /** What its nodes are. */
  readonly version: NacosVersion;
  readonly traits: NacosTraits;
  readonly #t: Pick<TestContext, 'after'>;
  readonly #folder = mkdtempSync(join(tmpdir(), 'address-server-nacos-'));
  readonly #ports = new Ports();
  readonly #servers: ServerProcess[] = [];
  readonly #nodes: NacosNode[] = [];
  readonly #proxies: TcpProxy[] = [];
  readonly #releases: (() => void)[] = [];
  /** Whether nodes took longer to agree than one may, by the doctor, take to become a voter. */
  #isSlow = false;

  constructor(t: Pick<TestContext, 'after'>, version: NacosVersion) {
    this.#t = t;
    this.version = version;
    this.traits = traitsOf(version);
    const removed = atProcessEnd(() => this.#removeFolder());
    t.after(async () => {
      await this.#end();
      removed();
    });
  }

  /** A folder of the test's own, removed with it. */
  folder(name: string): string {
    const folder = join(this.#folder, name);
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  /** Starts the built command on a port that it can be restarted on, or restarts it there. */
  async startServer(
    options: {
      port?: number;
      file?: string;
      databaseUrl?: string;
      args?: readonly string[];
      through?: readonly string[];
    } = {},
  ): Promise<ServerProcess> {
    const port = options.port ?? (await this.#ports.take());
    const file = options.file ?? join(this.#folder, 'registry.db');
    const { databaseUrl, args = [], through = [] } = options;
    const place = databaseUrl === undefined ? { file } : { databaseUrl };
    const env = identityFor(this.traits);
    const server = await startServerProcess(this.#t, { ...place, port, args, env, through });
    endWithThisProcess(server.child);
    this.#servers.push(server);
    return server;
  }

  /** A main port of which a node can take all its ports. */
  takePort(): Promise<number> {
    return this.#ports.take();
  }

  /** The folder of the node with this main port, before it is started and after it has ended. */
  homeOf(port: number): string {
    return this.folder(`node-${port}`);
  }

  /** Starts a node: unless a port is given, with a new address and an empty disk. */
  async startNode(options: NodeOptions): Promise<NacosNode> {
    const port = options.port ?? (await this.takePort());
    const { network, contextPath, image, home = this.homeOf(port) } = options;
    const lookup = lookupOf(
      options,
      (address) => this.query(address),
      `${network?.host ?? '127.0.0.1'}:${port}`,
    );
    const { version } = this;
    const node = new NacosNode({ version, port, home, lookup, network, contextPath, image });
    this.#nodes.push(node);
    return node;
  }

  /** Ends a node by SIGTERM and starts it again at its address and with its disk, perhaps with another lookup. */
  async restartNode(node: NacosNode, lookup: LookupOptions): Promise<NacosNode> {
    await node.end('SIGTERM');
    return this.startNode({ ...lookup, port: node.port });
  }

  /** Starts several at once. */
  async startNodes(count: number, options: NodeOptions): Promise<NacosNode[]> {
    const nodes: NacosNode[] = [];
    for (let i = 0; i < count; i++) nodes.push(await this.startNode(options));
    return nodes;
  }

  /** The query that the README tells users of this version to poll with; without `expect` if that is 0. */
  query(address: string, expect = 3): string {
    return [`self=${address}`, ...(expect === 0 ? [] : [`expect=${expect}`]), ...this.formatQuery].join('&');
  }

  /** What the query says of the list's format: nothing where text is right. */
  get formatQuery(): string[] {
    return this.traits.can.has('text lists') ? [] : ['format=json'];
  }

  async proxyTo(server: ServerProcess): Promise<TcpProxy> {
    const proxy = await TcpProxy.open({ port: server.port });
    this.#proxies.push(proxy);
    return proxy;
  }

  /** Waits until the nodes themselves say that exactly they are the members and (2.x) the voters of every group. */
  async agree(nodes: readonly NacosNode[]): Promise<void> {
    let last = '';
    const since = performance.now();
    await patiently(
      `the nodes agree on ${nodes.map(({ port }) => port).join(', ')}`,
      async () => {
        assertRunning(nodes);
        const { agreed, output } = await judge(nodes);
        last = output;
        return agreed;
      },
      1_000,
    ).catch((error: unknown) => {
      throw new Error(`${(error as Error).message}; the last verdict was\n${last}`);
    });
    if (performance.now() - since > SLOW) this.#isSlow = true;
  }

  /**
   * What these events, of some types, tell of harm; but for nodes that a slow machine had ended at their own start, of whom
   * nobody heard for a while.
   */
  harmIn(events: readonly HistoryEvent[], types: readonly HistoryEvent['type'][]): string[] {
    const slow = this.#nodes.filter(({ startedAgain }) => startedAgain > 0).map(({ address }) => address);
    const isExcused = ({ address }: HistoryEvent): boolean =>
      address === undefined ? slow.length > 0 : slow.includes(address);
    return events
      .filter((event) => types.includes(event.type) && !isExcused(event))
      .map(({ type, address = '' }) => `${type} ${address}`);
  }

  /**
   * What the server's doctor found to last for longer than is normal, which must be nothing without an injury. A node that a
   * slow machine had ended at its own start is one, so of a cluster with such a node nothing is said; nor, where nodes took
   * long to agree, that one was no voter yet.
   */
  alarmsOf(server: Pick<ServerProcess, 'stdout'>): string[] {
    if (this.#nodes.some(({ startedAgain }) => startedAgain > 0)) return [];
    return alarmsOf(server).filter((line) => !this.#isSlow || !line.includes('"finding":"no-voter"'));
  }

  /** To be done when all processes have ended, and before the folders go. */
  atEnd(release: () => void): void {
    this.#releases.push(release);
  }

  /**
   * What a failed test should say beside what went wrong: first what tells most, in few lines, since of a run's output only
   * the end may be kept.
   */
  async describe(): Promise<string> {
    const running = this.#nodes.filter((node) => node.isRunning);
    const { output } = running.length > 0 ? await judge(running) : { output: 'no node runs' };
    const views = await Promise.all(this.#servers.map(summaryOf));
    const servers = this.#servers.map((server) => tail(server.stdout() + server.stderr(), 30));
    const nodes = this.#nodes.map(
      (node) => `--- node ${node.port}, ${node.isRunning ? 'running' : 'ended'}:\n${node.log()}`,
    );
    const agents = this.#nodes
      .filter(({ home }) => existsSync(agentLogOf(home)))
      .map(({ home, port }) => `--- agent of ${port}:\n${tail(textOf(agentLogOf(home)), 6)}`);
    return [
      '--- the lists:',
      ...views.flat(),
      '--- members of the running nodes:',
      output,
      ...agents,
      ...nodes,
      '--- address server:',
      ...servers,
    ].join('\n');
  }

  async #end(): Promise<void> {
    for (const proxy of this.#proxies) proxy.close();
    for (const { child } of this.#servers) child.kill('SIGKILL');
    await Promise.all(this.#nodes.map((node) => node.end('SIGKILL')));
    await Promise.all(this.#servers.map(({ exited }) => exited));
    for (const release of this.#releases) release();
    this.#removeFolder();
  }

  /** A killed java may write on for a moment. */
  #removeFolder(): void {
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

/** How often a starting node asks, as the README has it; Nacos's own 5 are over before a slow machine has started the others. */
const RETRY = 150;

/** The lists that nodes ask for by themselves, by their context paths. */
export const LISTS = { '/nacos': 'nacos/serverlist', '/foo': 'foo/serverlist' } as const;

/** Where nodes may be that the servers tell the identity: on this machine, and in its namespaces. */
const MEMBERS_ARE_IN = '127.0.0.0/8,10.77.0.0/16';

/** What a server needs to read nodes of a version whose API is closed. */
function identityFor({ identity }: NacosTraits): Record<string, string> {
  if (!identity) return {};
  const header = `${identity.key}:${identity.value}`;
  const each = Object.values(LISTS).map((list) => `${list}=${header}`);
  return { NACOS_IDENTITY: each.join(), ALLOWED_MEMBERS: MEMBERS_ARE_IN };
}

function lookupOf(
  options: LookupOptions & Pick<NodeOptions, 'contextPath'>,
  usual: (address: string) => string,
  address: string,
): NodeSettings['lookup'] {
  if (options.lookup === 'agent') {
    const { servers, more = ['--expect', '3'] } = options;
    return { type: 'agent', arguments: ['--server', servers.map(({ url }) => url).join(), ...more] };
  }
  if (options.lookup === 'environment') return { type: 'environment', environment: options.environment };
  if (options.lookup === 'file') return { type: 'file', members: options.members };
  const { lookupPort, query = usual, retry = RETRY } = options;
  return {
    type: 'address-server',
    port: lookupPort,
    url: `${(options.contextPath ?? '/nacos').replace(/\/$/, '')}/serverlist?${query(address)}`,
    retry,
  };
}

export function assertRunning(nodes: readonly NacosNode[]): void {
  for (const node of nodes) assert.ok(node.isRunning, `node ${node.port} ended:\n${node.log(40)}`);
}

/** The server's own view of the usual cluster. */
export async function viewOf(server: Pick<ServerProcess, 'url'>): Promise<ClusterView> {
  const response = await fetch(`${server.url}/api/v1/clusters/nacos/serverlist`);
  assert.equal(response.status, 200);
  return (await response.json()) as ClusterView;
}

/** The addresses that the server lists. */
export async function listOf(server: Pick<ServerProcess, 'url'>): Promise<string[]> {
  return (await viewOf(server)).members.map(({ address }) => address).sort();
}

/** An address's leave, as `curl -X DELETE` sends it. */
export async function leave(
  server: Pick<ServerProcess, 'url'>,
  address: string,
  wait: string,
): Promise<{ status: number; text: string }> {
  const url = `${server.url}/nacos/serverlist?self=${address}&wait=${wait}`;
  const response = await fetch(url, { method: 'DELETE' });
  return { status: response.status, text: await response.text() };
}

/** The usual cluster's history, oldest first. */
export async function eventsOf(server: Pick<ServerProcess, 'url'>): Promise<HistoryEvent[]> {
  const response = await fetch(`${server.url}/api/v1/clusters/nacos/serverlist/events?limit=1000`);
  return ((await response.json()) as { events: HistoryEvent[] }).events.reverse();
}

/** An event as the API tells it. */
export interface HistoryEvent extends Pick<RegistryEvent, 'type' | 'address' | 'revision' | 'reason'> {
  readonly time: string;
}

/** A server's list and who waits for it, a line each; why there is none when it does not answer. */
async function summaryOf(server: Pick<ServerProcess, 'url'>): Promise<string[]> {
  try {
    const { state, revision, members, waiting } = await viewOf(server);
    return [
      `${server.url}: ${state}, revision ${revision}`,
      ...members.map(
        ({ address, state, settled, deliveredRevision: delivered, problem = '' }) =>
          `${address} ${state}, ${settled ? 'settled' : 'not settled'}, has ${delivered} ${problem}`,
      ),
      ...waiting.map(({ reason, waitingMs }) => `${reason} (${waitingMs} ms)`),
    ];
  } catch (error) {
    return [`${server.url}: ${(error as Error).message}`];
  }
}

function tail(text: string, lines: number): string {
  return text.trimEnd().split('\n').slice(-lines).join('\n');
}
