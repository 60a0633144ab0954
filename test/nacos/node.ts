import { execFile, spawn, type ChildProcess } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CLI } from '../support/process.js';
import { atProcessEnd } from '../support/processes.js';
import { groupsIn, type Believer, type GroupCopy, type MemberCopy } from './beliefs.js';
import { PATIENCE } from './patience.js';
import { imageCommand, type OfficialImage } from './official-image.js';
import { launch } from './servers/launch.js';
import { traitsOf, type NacosTraits, type NacosVersion } from './servers/versions.js';

export interface NodeSettings {
  readonly version: NacosVersion;
  readonly port: number;
  /** A folder of its own: empty, or the one that it had before a restart. */
  readonly home: string;
  readonly lookup: PolledLookup | FileLookup | GivenEnvironment | AgentLookup;
  /** `/nacos` if left out; `/` for none. */
  readonly contextPath?: string | undefined;
  /** On 127.0.0.1, as everything here, if left out. */
  readonly network?: NodeNetwork | undefined;
  /** As `launch` has it. */
  readonly archiveTo?: string | undefined;
  /** Started as its container would be; then `lookup` has the variables of the container. */
  readonly image?: OfficialImage | undefined;
}

/** A network namespace of the node's. */
export interface NodeNetwork {
  /** The node's address in it. */
  readonly host: string;
  /** What makes a command run in it, such as `ip netns exec NAME`. */
  readonly through: readonly string[];
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

/** How long a node may take to answer, in milliseconds. */
const ANSWER = 10_000;

/** What a node printed that ended at its own start for no fault of its list's, and that a service manager would start again. */
const MACHINE_IS_SLOW = /Login timeout exceeded/;

/**
 * After how many milliseconds a node that has not come up is taken for one that never will, and is started again, as a
 * startup probe would have it; only of a version that does not ask again.
 */
const HANGS_AFTER = 5 * 60_000;

/** How often a node is started again for that. */
const TRIES = 10;

/** Nodes that are started again take turns: it is the start of many at once that each takes too long. */
let turn: Promise<void> = Promise.resolve();

export interface AskInit {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** One real Nacos server, set up by its environment alone, as a user would. */
export class NacosNode implements Believer {
  readonly port: number;
  readonly address: string;
  readonly voter: string;
  readonly url: string;
  readonly version: NacosVersion;
  readonly traits: NacosTraits;
  readonly home: string;
  /** Resolves with the exit status, or the signal's name. */
  readonly exited: Promise<number | string>;
  /** How often it was started again because it ended at its own start, or hung there, on a slow machine. */
  startedAgain = 0;
  readonly #settings: NodeSettings;
  readonly #told: (status: number | string) => void;
  #child: ChildProcess;
  #isToEnd = false;
  /** Whether it waits to be started again. */
  #waits = false;
  /** Whether it was ended since it hung at its start. */
  #hung = false;

  constructor(settings: NodeSettings) {
    const { version, port, home, lookup, network } = settings;
    const host = network?.host ?? '127.0.0.1';
    this.#settings = settings;
    this.version = version;
    this.traits = traitsOf(version);
    this.port = port;
    this.address = `${host}:${port}`;
    this.voter = `${host}:${port - 1_000}`;
    this.url = `http://${this.address}`;
    this.home = home;
    if (lookup.type === 'file' && lookup.members) writeClusterConf(home, lookup.members);
    const { promise, resolve } = withResolver<number | string>();
    this.exited = promise;
    this.#told = resolve;
    this.#child = this.#start();
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get showsGroups(): boolean {
    return this.traits.can.has('raft views');
  }

  /** Nothing restarts a node that had started, so this also says that it never ended. */
  get isRunning(): boolean {
    return this.#waits || this.#lives;
  }

  /** Whether it says that it is up. */
  get hasStarted(): boolean {
    return this.#printed().includes('started successfully');
  }

  /** Sends a signal and waits for the process's end. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    this.#isToEnd = true;
    if (signal === 'SIGKILL') killGroup(this.#child);
    else if (this.#lives) this.#child.kill(signal);
    if (this.#waits) this.#told(signal);
    await this.exited;
  }

  /** Asks it for a path, with what opens its API; rejects when it does not answer. */
  async ask(path: string, init: AskInit = {}): Promise<Response> {
    const { identity } = this.traits;
    const headers = { ...(identity ? { [identity.key]: identity.value } : {}), ...init.headers };
    return fetch(this.#at(path), { signal: AbortSignal.timeout(ANSWER), ...init, headers });
  }

  /** Says a Raft command of its operations API; resolves with its answer. */
  async tellRaft(command: { command: string; value: string; groupId?: string }): Promise<string> {
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify(command);
    return (await this.ask(this.traits.paths.raft, { method: 'POST', headers, body })).text();
  }

  /** Whether its HTTP port answers at all: a node that found no members never gets there. */
  async serves(): Promise<boolean> {
    return this.ask(this.traits.paths.liveness).then(
      () => true,
      () => false,
    );
  }

  /** Nacos's own readiness, as Kubernetes would ask for it; it does not look at Raft. */
  async isReady(): Promise<boolean> {
    return this.ask(this.traits.paths.readiness).then(
      ({ ok }) => ok,
      () => false,
    );
  }

  /** The members that it believes in, in order. */
  async members(): Promise<string[]> {
    return (await this.view()).map(({ address }) => address).sort();
  }

  /** Its own copy of every Raft group; none of a version whose copies come and go. */
  async groups(): Promise<Readonly<Record<string, GroupCopy>>> {
    return this.showsGroups ? groupsIn(await this.view(), this.address) : {};
  }

  async view(): Promise<readonly MemberCopy[]> {
    const { members } = this.traits.paths;
    const through = this.#settings.network?.through;
    const { identity } = this.traits;
    const text = through
      ? await get(through, this.#at(members), identity && `${identity.key}: ${identity.value}`)
      : await (await this.ask(members)).text();
    return (JSON.parse(text) as { data: MemberCopy[] }).data;
  }

  /** The end of what it printed. */
  log(lines = 12): string {
    return this.#printed().trimEnd().split('\n').slice(-lines).join('\n');
  }

  /** All that it has logged, whichever file its version writes it to. */
  logged(): string {
    const folder = join(this.home, 'logs');
    const files = readdirSync(folder).filter((name) => /\.(log|out)$/.test(name));
    return files.map((name) => textOf(join(folder, name))).join('\n');
  }

  /** The URL of a path, which begins with the usual context path. */
  #at(path: string): string {
    const { contextPath = '/nacos' } = this.#settings;
    return this.url + path.replace(/^\/nacos\//, `${contextPath.replace(/\/$/, '')}/`);
  }

  #printed(): string {
    return textOf(join(this.home, 'logs', 'start.out'));
  }

  #start(): ChildProcess {
    const { version, port, home, lookup, network, archiveTo, image, contextPath } = this.#settings;
    const start = image
      ? imageCommand(image, version, home)
      : launch({ version, port, home, host: network?.host, contextPath, archiveTo });
    const around = lookup.type === 'agent' ? aroundBy(lookup, this, start) : start;
    const [file = '', ...args] = [...(network?.through ?? []), ...around];
    const log = lookup.type === 'agent' ? openSync(agentLogOf(home), 'a') : undefined;
    const child = spawn(file, args, {
      stdio: log === undefined ? 'ignore' : ['ignore', 'ignore', log],
      // A group of its own, so that nothing is left of it when the agent is killed.
      detached: true,
      env: {
        PATH: process.env.PATH ?? '',
        ...(process.env.JAVA_HOME === undefined ? {} : { JAVA_HOME: process.env.JAVA_HOME }),
        ...environmentOf(lookup),
      },
    });
    if (log !== undefined) closeSync(log);
    const forget = atProcessEnd(() => killGroup(child));
    const watch = this.#watchStart(child);
    child.once('error', (error) => this.#told(error.message));
    child.once('exit', (code, signal) => {
      clearTimeout(watch);
      forget();
      if (!this.#isToBeStartedAgain()) return this.#told(code ?? signal ?? 'nobody knows');
      this.startedAgain++;
      this.#waits = true;
      turn = turn.then(() => this.#startAgain());
    });
    return child;
  }

  get #lives(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Resolves when it is up or has ended again; then the next one's turn has come. */
  async #startAgain(): Promise<void> {
    if (this.#isToEnd) return;
    console.log(
      `# Nacos ${this.version} at ${this.port} is started again: it ${this.#hung ? 'hung' : 'ended'} at its own start on a slow machine`,
    );
    this.#hung = false;
    removeUnfinishedDatabase(this.home);
    this.#child = this.#start();
    this.#waits = false;
    const until = performance.now() + PATIENCE;
    while (this.#lives && !this.hasStarted && performance.now() < until) await sleep(250);
  }

  /** Only of a node that never ran, and for a reason that no list has a part in: no death that a test is about. */
  #isToBeStartedAgain(): boolean {
    if (this.#isToEnd || this.startedAgain >= TRIES) return false;
    return (this.#hung || MACHINE_IS_SLOW.test(this.#printed())) && !this.hasStarted;
  }

  /** Ends one that hangs at its start. */
  #watchStart(child: ChildProcess): NodeJS.Timeout | undefined {
    if (this.traits.can.has('asks again')) return undefined;
    return setTimeout(() => {
      // Without its list it only waits, as a test may want it; with an agent around it nothing of it runs before.
      if (this.hasStarted || this.#isToEnd || !existsSync(join(this.home, 'data', 'protocol'))) return;
      this.#hung = true;
      killGroup(child);
    }, HANGS_AFTER).unref();
  }
}

/** One whose creation was broken off holds nothing yet, and Derby refuses to start with it. */
function removeUnfinishedDatabase(home: string): void {
  const database = join(home, 'data', 'derby-data');
  if (!existsSync(join(database, 'service.properties'))) rmSync(database, { recursive: true, force: true });
}

/** What the agents around a node with this home have logged. */
export function agentLogOf(home: string): string {
  return join(home, 'agent.log');
}

/** A file's text; empty when there is none. */
export function textOf(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

/** What a URL answers in a network namespace, to a request with a header where one is wanted. */
export function get(through: readonly string[], url: string, header?: string): Promise<string> {
  const [command = '', ...rest] = through;
  const headers = header === undefined ? [] : ['--header', header];
  const args = [...rest, 'curl', '-sSf', '--max-time', String(ANSWER / 1_000), ...headers, url];
  return new Promise((resolve, reject) => {
    execFile(command, args, { maxBuffer: 1 << 24 }, (error, stdout, stderr) =>
      error ? reject(new Error(stderr.trim() || error.message)) : resolve(stdout),
    );
  });
}

function killGroup({ pid }: ChildProcess): void {
  // It could not be started (no such file): 0 would be the group of this very process.
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

function withResolver<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((done) => (resolve = done));
  return { promise, resolve };
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
  const own = ['--self', address, '--cluster-conf', clusterConfOf(home)];
  return [process.execPath, CLI, 'agent', ...own, ...given, '--', ...start];
}

function writeClusterConf(home: string, members: readonly string[]): void {
  mkdirSync(join(home, 'conf'), { recursive: true });
  writeFileSync(clusterConfOf(home), members.map((member) => `${member}\n`).join(''));
}
