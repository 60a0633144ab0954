import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readConf } from '../src/agent/member-list.js';
import { Cluster } from '../test/nacos/cluster.js';
import { clusterConfOf, type NacosNode } from '../test/nacos/node.js';
import { endWithThisProcess } from '../test/support/processes.js';
import { missingServer, testedVersions } from '../test/nacos/servers/installed.js';
import type { NacosVersion } from '../test/nacos/servers/versions.js';
import { createDatabase, testDatabases } from '../test/support/databases.js';
import { eventually } from '../test/support/eventually.js';
import { startCli, type ServerProcess } from '../test/support/process.js';
import { describeMachine, loadAverage } from './machine.js';
import { table } from './report.js';

/*
 * How long a change of the list takes until real Nacos nodes have it: nodes in file lookup with agents beside them, and
 * nodes that poll, in one run and in turns.
 */

/** How long a change may take, in milliseconds; then something is broken. */
const PATIENCE = 60_000;

/** Between two looks at a file and at a node's view, in milliseconds: what a measured time may be too long by. */
const LOOK_AT_FILE = 2;
const LOOK_AT_VIEW = 5;

const TARGETS = { file: 250, view: 1_000 } as const;

const RESULTS = fileURLToPath(new URL('../../bench/CHANGES.md', import.meta.url));

type Scope = { after: (release: () => unknown) => void };

/** Three nodes, and how they learn of changes. */
interface Mode {
  readonly title: string;
  /** The server that changes are sent to. */
  readonly server: ServerProcess;
  readonly nodes: readonly NacosNode[];
  /** Changes in each turn, and the longest random pause before one, so that no clock of theirs is met by rule. */
  readonly changes: number;
  readonly pause: number;
}

/** Milliseconds from the sending of a change. */
interface Times {
  /** The server answered. */
  readonly answered: number;
  /** Every node's cluster.conf had it. */
  readonly file: number;
  /** Every node's own member view had it. */
  readonly view: number;
}

async function polling(cluster: Cluster): Promise<Mode> {
  const server = await cluster.startServer({ file: join(cluster.folder('poll'), 'registry.db') });
  const nodes = await cluster.startNodes(3, { lookupPort: server.port });
  await cluster.agree(nodes);
  return { title: 'poll', server, nodes, changes: 1, pause: 5_000 };
}

/** The agents are spread over the servers, each with the others to fall back on. */
async function withAgents(
  scope: Scope,
  cluster: Cluster,
  title: string,
  servers: readonly ServerProcess[],
): Promise<Mode> {
  const ports = [await cluster.takePort(), await cluster.takePort(), await cluster.takePort()];
  for (const [i, port] of ports.entries()) {
    const conf = clusterConfOf(cluster.homeOf(port));
    mkdirSync(dirname(conf), { recursive: true });
    const first = i % servers.length;
    const urls = [...servers.slice(first), ...servers.slice(0, first)].map(({ url }) => url).join();
    const self = ['--self', `127.0.0.1:${port}`, '--expect', '3', '--cluster-conf', conf];
    endWithThisProcess(startCli(scope, ['agent', '--server', urls, ...self]).child);
  }
  for (const port of ports) {
    await eventually(
      'the agents write the list',
      () => listIn(clusterConfOf(cluster.homeOf(port))).size === 3,
    );
  }
  const nodes = await Promise.all(ports.map((port) => cluster.startNode({ port, lookup: 'file' })));
  await cluster.agree(nodes);
  const [server] = servers;
  if (!server) throw new Error('no server runs');
  return { title, server, nodes, changes: 3, pause: 1_000 };
}

/** Nobody is at the address: Raft is not asked to take up who appears, and to remove who is no voter changes nothing. */
async function measure({ server, nodes }: Mode, method: 'POST' | 'DELETE', guest: string): Promise<Times> {
  const isIn = method === 'POST';
  const sentAt = performance.now();
  const since = (): number => performance.now() - sentAt;
  const when = async (has: () => boolean | Promise<boolean>, every: number): Promise<number> => {
    await eventually(`${method} ${guest}`, async () => (await has()) === isIn, PATIENCE, every);
    return since();
  };
  const answer = fetch(`${server.url}/nacos/v1/as/nodes?ips=${guest}`, { method });
  const answered = answer.then((response) => {
    if (!response.ok) throw new Error(`${method} ${guest}: ${response.status}`);
    return since();
  });
  const files = nodes.map(({ home }) => when(() => listIn(clusterConfOf(home)).has(guest), LOOK_AT_FILE));
  const views = nodes.map((node) => when(async () => (await node.members()).includes(guest), LOOK_AT_VIEW));
  return {
    answered: await answered,
    file: Math.max(...(await Promise.all(files))),
    view: Math.max(...(await Promise.all(views))),
  };
}

/** Empty while the file is not whole. */
function listIn(file: string): ReadonlySet<string> {
  try {
    const read = readConf(readFileSync(file, 'utf8'));
    return new Set<string>(read.ok ? read.value : []);
  } catch {
    return new Set();
  }
}

function quantile(values: readonly number[], of: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(of * sorted.length) - 1)] ?? NaN;
}

function report(
  load: number,
  version: NacosVersion,
  measured: readonly { title: string; times: readonly Times[] }[],
): string {
  const of = (times: readonly Times[], what: keyof Times, part: number): number =>
    quantile(
      times.map((time) => time[what]),
      part,
    );
  const ms = (value: number): string => `${value.toFixed(0)} ms`;
  const poll = measured[0]?.times ?? [];
  const rows = (what: 'file' | 'view'): string[][] =>
    measured.map(({ title, times }) => [
      title,
      String(times.length),
      ...[0.5, 0.99, 1].map((part) => ms(of(times, what, part))),
      ...[0.5, 0.99].map((part) => (of(poll, what, part) / of(times, what, part)).toFixed(1)),
    ]);
  const head = ['changes', 'p50', 'p99', 'max', 'poll’s p50 to it', 'poll’s p99 to it'];
  const targets = measured.slice(1).flatMap(({ title, times }) =>
    (['file', 'view'] as const).map((what) => {
      const p99 = of(times, what, 0.99);
      const place = what === 'file' ? 'cluster.conf' : 'member view';
      return [
        `${title}: p99 to every ${place}`,
        `< ${TARGETS[what]} ms`,
        ms(p99),
        p99 < TARGETS[what] ? 'pass' : 'MISSED',
      ];
    }),
  );
  return `# From a change to every node

${new Date().toISOString().slice(0, 10)}, ${describeMachine()}. Written by \`npm run bench:changes -- --write\`. Load average before: ${load.toFixed(1)}.

Each mode has three real Nacos ${version} nodes; all run on this one machine at the same time and take turns. A change puts a static member, or deletes it, through \`/nacos/v1/as/nodes\`, at a random moment. It counts from the sending of the request until the last of the three nodes has it. A file is looked at every ${LOOK_AT_FILE} ms, a node’s own view (\`/nacos/v1/core/cluster/nodes\`) ${LOOK_AT_VIEW} ms after the last answer. With two servers the agents are spread over both, and the changes go to one. With ${Math.min(...measured.map(({ times }) => times.length))} changes p99 is near the slowest.

${table([['target', 'wanted', 'measured', ''], ...targets])}

${table([['every node’s own member view', ...head], ...rows('view')])}

${table([['every node’s cluster.conf', ...head], ...rows('file')])}

${table([
  ['the server’s answer to the change', ...head.slice(0, 4)],
  ...measured.map(({ title, times }) => [
    title,
    String(times.length),
    ...[0.5, 0.99, 1].map((part) => ms(of(times, 'answered', part))),
  ]),
])}
`;
}

async function run(scope: Scope, version: NacosVersion, turns: number): Promise<string> {
  const load = loadAverage();
  const cluster = new Cluster(scope, version);
  // The database is dropped when the servers have ended.
  const mysql = testDatabases.find(({ dialect, url }) => dialect === 'mysql' && url !== undefined);
  const databaseUrl = mysql && (await createDatabase(scope, mysql));
  say('three nodes that poll');
  const modes = [await polling(cluster)];
  say('three nodes with agents');
  const file = join(cluster.folder('agents'), 'registry.db');
  modes.push(await withAgents(scope, cluster, 'agents', [await cluster.startServer({ file })]));
  if (databaseUrl === undefined) {
    say('neither TEST_MARIADB_URL nor TEST_MYSQL_8_URL names a server: without MySQL');
  } else {
    say('three nodes with agents, two servers on MySQL');
    const servers = [await cluster.startServer({ databaseUrl }), await cluster.startServer({ databaseUrl })];
    modes.push(await withAgents(scope, cluster, 'agents, two servers on MySQL', servers));
  }
  const measured = modes.map((mode) => ({ ...mode, times: [] as Times[] }));
  for (let turn = 0; turn < turns; turn++) {
    for (const mode of measured) {
      for (let i = 0; i < mode.changes; i++) {
        const number = mode.times.length;
        const pair = number >> 1;
        const guest = `127.0.${1 + (pair >> 8)}.${pair & 255}:8848`;
        await sleep(Math.random() * mode.pause);
        mode.times.push(await measure(mode, number % 2 === 0 ? 'POST' : 'DELETE', guest));
      }
    }
    if (turn % 10 === 9) say(`${turn + 1} of ${turns} turns`);
  }
  // A cluster that the changes had harmed would have measured nothing.
  for (const { nodes, times, server } of measured) {
    const pair = (times.length - 1) >> 1;
    if (times.length % 2 === 1) {
      const guest = `127.0.${1 + (pair >> 8)}.${pair & 255}:8848`;
      await fetch(`${server.url}/nacos/v1/as/nodes?ips=${guest}`, { method: 'DELETE' });
    }
    await cluster.agree(nodes);
  }
  return report(load, version, measured);
}

function say(text: string): void {
  console.error(text);
}

const { values } = parseArgs({
  options: { turns: { type: 'string', default: '30' }, write: { type: 'boolean', default: false } },
});
const turns = Number(values.turns);
const [version = ''] = testedVersions();
const problem =
  !Number.isInteger(turns) || turns < 1 || turns > 1_000
    ? `--turns=${JSON.stringify(values.turns)} is no whole number from 1 to 1000`
    : missingServer(version);
if (problem !== undefined) {
  console.error(problem);
  process.exit(1);
}
const releases: (() => unknown)[] = [];
try {
  const text = await run({ after: (release) => void releases.unshift(release) }, version, turns);
  console.log(text);
  if (values.write) writeFileSync(RESULTS, text);
} finally {
  for (const release of releases) await release();
}
