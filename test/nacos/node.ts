import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CLI } from '../support/process.js';
import { atProcessEnd } from '../support/processes.js';
import { START_NODE, type NacosVersion } from './servers.js';

export interface NodeSettings {
  readonly version: NacosVersion;
  readonly port: number;
  /** A folder of its own: empty, or the one that it had before a restart. */
  readonly home: string;
  readonly lookup: PolledLookup | FileLookup | GivenEnvironment | AgentLookup;
}

/** It polls an address server. */
export interface PolledLookup {
  readonly type: 'address-server';
  /** On 127.0.0.1. */
  readonly port: number;
  /** The path and query that it polls. */
  readonly url: string;
  /** Tries at start-up; Nacos's own default is 5. */
  readonly retry?: number | undefined;
}

/** It reads its `conf/cluster.conf`, and watches it. */
export interface FileLookup {
  readonly type: 'file';
  /** What is written there before it starts; undefined when somebody else writes it. */
  readonly members: readonly string[] | undefined;
}

/** The agent is around it, and writes its `conf/cluster.conf`. */
export interface AgentLookup {
  readonly type: 'agent';
  /** The agent's, but for what follows from the node: its address and files. */
  readonly arguments: readonly string[];
}

/** As a manifest has it. */
export interface GivenEnvironment {
  readonly type: 'environment';
  readonly environment: Readonly<Record<string, string>>;
}

/** The list of a node with this home in file lookup; Nacos writes it too, in either lookup. */
export function clusterConfOf(home: string): string {
  return join(home, 'conf', 'cluster.conf');
}

/** What a node says of one Raft group. */
export interface GroupCopy {
  readonly leader?: string;
  readonly term?: number;
  readonly raftGroupMember?: readonly string[];
}

/** What a node says of one member. */
export interface MemberCopy {
  readonly address: string;
  readonly state: string;
  readonly extendInfo?: {
    readonly raftMetaData?: { readonly metaDataMap?: Readonly<Record<string, GroupCopy>> };
  };
}

/** Where a node tells its view of the members: `{"data":[MemberCopy, …]}`. */
export const VIEW_PATH = '/nacos/v1/core/cluster/nodes?withInstances=false';

/** One real Nacos server, set up by its environment alone, as a user would. */
export class NacosNode {
  readonly port: number;
  readonly address: string;
  /** Its address in Raft groups. */
  readonly voter: string;
  readonly url: string;
  readonly pid: number;
  /** Resolves with the exit status, or the signal's name. */
  readonly exited: Promise<number | string>;
  readonly #child: ChildProcess;
  readonly version: NacosVersion;
  readonly home: string;

  constructor({ version, port, home, lookup }: NodeSettings) {
    this.version = version;
    this.port = port;
    this.address = `127.0.0.1:${port}`;
    this.voter = `127.0.0.1:${port - 1_000}`;
    this.url = `http://${this.address}`;
    this.home = home;
    if (lookup.type === 'file' && lookup.members) writeClusterConf(home, lookup.members);
    const start = [START_NODE, version, String(port), home] as const;
    const [file, ...args] = lookup.type === 'agent' ? aroundBy(lookup, this, start) : start;
    this.#child = spawn(file, args, {
      stdio:
        lookup.type === 'agent' ? ['ignore', 'ignore', openSync(join(home, 'agent.log'), 'a')] : 'ignore',
      // A group of its own, so that nothing is left of it when the agent is killed.
      detached: true,
      env: {
        PATH: process.env.PATH ?? '',
        ...(process.env.JAVA_HOME === undefined ? {} : { JAVA_HOME: process.env.JAVA_HOME }),
        ...environmentOf(lookup),
      },
    });
    const forget = atProcessEnd(() => this.#killAll());
    this.#child.once('exit', forget);
    this.pid = this.#child.pid ?? 0;
    this.exited = once(this.#child, 'exit').then(([code, signal]) => (code ?? signal) as number | string);
  }

  /** The process it was started as; nothing restarts a node, so this also says that it never did. */
  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Sends a signal and waits for the process's end. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (signal === 'SIGKILL') this.#killAll();
    else if (this.isRunning) this.#child.kill(signal);
    await this.exited;
  }

  #killAll(): void {
    // It could not be started (no such file): 0 would be the group of this very process.
    if (this.pid === 0) return;
    try {
      process.kill(-this.pid, 'SIGKILL');
    } catch {
      // It has ended.
    }
  }

  /** Whether its HTTP port answers at all: a node that found no members never gets there. */
  async serves(): Promise<boolean> {
    try {
      await fetch(`${this.url}/nacos/v1/console/health/liveness`, { signal: AbortSignal.timeout(3_000) });
      return true;
    } catch {
      return false;
    }
  }

  /** Nacos's own readiness, as Kubernetes would ask for it; it does not look at Raft. */
  async isReady(): Promise<boolean> {
    try {
      const url = `${this.url}/nacos/v1/console/health/readiness`;
      return (await fetch(url, { signal: AbortSignal.timeout(3_000) })).ok;
    } catch {
      return false;
    }
  }

  /** The members that it believes in, in order. */
  async members(): Promise<string[]> {
    return (await this.#view()).map(({ address }) => address).sort();
  }

  /** Its own copy of every Raft group. */
  async groups(): Promise<Readonly<Record<string, GroupCopy>>> {
    return groupsIn(await this.#view(), this.address);
  }

  /** The end of what it printed. */
  log(lines = 12): string {
    const file = join(this.home, 'logs', 'start.out');
    return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines).join('\n') : '';
  }

  async #view(): Promise<MemberCopy[]> {
    const response = await fetch(`${this.url}${VIEW_PATH}`, { signal: AbortSignal.timeout(5_000) });
    return ((await response.json()) as { data: MemberCopy[] }).data;
  }
}

/** Its own copy of every Raft group, in the view of the node with this address. */
export function groupsIn(view: readonly MemberCopy[], address: string): Readonly<Record<string, GroupCopy>> {
  const own = view.find((member) => member.address === address);
  return own?.extendInfo?.raftMetaData?.metaDataMap ?? {};
}

function environmentOf(lookup: NodeSettings['lookup']): Readonly<Record<string, string>> {
  if (lookup.type === 'environment') return lookup.environment;
  if (lookup.type !== 'address-server') return { NACOS_CORE_MEMBER_LOOKUP_TYPE: 'file' };
  const { port, url, retry } = lookup;
  return {
    NACOS_CORE_MEMBER_LOOKUP_TYPE: 'address-server',
    address_server_domain: '127.0.0.1',
    address_server_port: String(port),
    address_server_url: url,
    ...(retry === undefined ? {} : { NACOS_CORE_ADDRESS_SERVER_RETRY: String(retry) }),
  };
}

/** The agent's command line around a node's. */
function aroundBy(
  { arguments: given }: AgentLookup,
  { address, home }: Pick<NacosNode, 'address' | 'home'>,
  start: readonly string[],
): [string, ...string[]] {
  mkdirSync(join(home, 'conf'), { recursive: true });
  const own = ['--self', address, '--cluster-conf', clusterConfOf(home)];
  return [process.execPath, CLI, 'agent', ...own, ...given, '--', ...start];
}

function writeClusterConf(home: string, members: readonly string[]): void {
  mkdirSync(join(home, 'conf'), { recursive: true });
  writeFileSync(clusterConfOf(home), members.map((member) => `${member}\n`).join(''));
}
