import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Children, printed } from './children.js';
import { cpuTime, describeMachine, loadAverage, residentMemory, watchOthers } from './machine.js';
import { ask, clusterPath, NACOS_HEADERS, pollPath, range, registerAll, type Fleet } from './members.js';
import { findProgram } from './prerequisites.js';
import { middleOf, table, thousands } from './report.js';
import { freePort, startAddressServer, startBareNode, startNginx, type Server } from './servers.js';
import { runSteady, whyUnjudged, type SteadyOptions } from './steady.js';

/*
 * In less than a minute, for every run of CI: what a request costs beside others' servers, what is kept of a member, and how
 * soon the first answer comes, so that a reader sees a jump. It fails by no number, only when it cannot run.
 */

/** The least of each scenario's turn, in seconds and in requests, the most in seconds, and its turns. */
const TURN = 1;
const REQUESTS = 5_000;
const LONGEST_TURN = 5;
const ROUNDS = 2;
const CONNECTIONS = 16;

/** How long the members poll before their memory is taken, in seconds. */
const SETTLE = 8;
const STEADY = 4;

/** How often a start is measured. */
const STARTS = 3;

const PATIENT = ['--member-ttl', '1h', '--evict-after', '2h', '--log-level', 'warn'];
const cli = fileURLToPath(new URL('../src/cli.js', import.meta.url));

interface Scenario {
  readonly title: string;
  readonly server: Server;
  readonly method: 'GET' | 'POST';
  readonly paths: readonly string[];
}

/** Requests that were answered within a turn, on kept-alive connections, each after the answer to the one before. */
async function load({ server, method, paths }: Scenario): Promise<number> {
  const began = performance.now();
  const isOver = (): boolean => {
    const seconds = (performance.now() - began) / 1_000;
    return (seconds >= TURN && answered >= REQUESTS) || seconds >= LONGEST_TURN;
  };
  const head = Object.entries(NACOS_HEADERS)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
  let answered = 0;
  await Promise.all(
    range(CONNECTIONS).map(async (line) => {
      const socket = connect({ port: server.port, host: '127.0.0.1', noDelay: true });
      await once(socket, 'connect');
      socket.setEncoding('latin1');
      let at = line;
      let answer = '';
      await new Promise<void>((resolve, reject) => {
        const next = (): void => {
          at = (at + CONNECTIONS) % paths.length;
          answer = '';
          socket.write(`${method} ${paths[at]} HTTP/1.1\r\nHost: 127.0.0.1\r\n${head}\r\n`);
        };
        socket.on('error', reject);
        socket.on('close', () => reject(new Error('the server closed a connection')));
        socket.on('data', (text: string) => {
          answer += text;
          const end = answer.indexOf('\r\n\r\n');
          const length = Number(/\r\ncontent-length: (\d+)/i.exec(answer)?.[1] ?? NaN);
          if (end < 0 || !(answer.length >= end + 4 + length)) return;
          if (!answer.startsWith('HTTP/1.1 200 ')) reject(new Error(`${paths[at]}: ${answer.slice(0, 200)}`));
          answered++;
          if (isOver()) resolve();
          else next();
        });
        next();
      });
      socket.destroy();
    }),
  );
  return answered;
}

/** Microseconds of CPU that a server spends on a request, by the scenario's title; the scenarios take turns. */
async function requestCosts(scenarios: readonly Scenario[]): Promise<Map<string, number>> {
  for (const scenario of scenarios) await load(scenario);
  const costs = new Map<string, number[]>(scenarios.map(({ title }) => [title, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const scenario of scenarios) {
      const before = cpuTime(scenario.server.pid);
      const requests = await load(scenario);
      costs.get(scenario.title)?.push(((cpuTime(scenario.server.pid) - before) / requests) * 1e6);
    }
  }
  return new Map([...costs].map(([title, values]) => [title, middleOf(values)]));
}

/** Bytes that a member takes beyond a server without any, with the doctor off and on, and why that is not to be judged. */
async function memberCosts(
  children: Children,
  folder: string,
): Promise<{ off: number; on: number; doubts: string[] }> {
  const fleet: Fleet = { clusters: 300, size: 3, port: await freePort() };
  const members = fleet.clusters * fleet.size;
  const file = join(folder, 'members.db');
  const start = (database: string, examine: 'off' | 'on'): Promise<Server> =>
    startAddressServer(children, {
      databaseUrl: `sqlite:${database}`,
      path: '/healthz',
      nodeFlags: [],
      args: [...PATIENT, '--raft-checks', examine],
    });
  const first = await start(file, 'off');
  const bare = residentMemory(first.pid);
  await registerAll(first.port, undefined, fleet);
  await children.end(first.child);
  const nodes = children.start(process.execPath, [
    fileURLToPath(new URL('./nacos-nodes.js', import.meta.url)),
    JSON.stringify(fleet),
  ]);
  await printed(nodes, 'LISTENING');
  const doubts: string[] = [];
  const [off = NaN, on = NaN] = await Promise.all(
    (['off', 'on'] as const).map(async (examine) => {
      const copy = join(folder, `${examine}.db`);
      copyFileSync(file, copy);
      const server = await start(copy, examine);
      const options: SteadyOptions = {
        port: server.port,
        seconds: STEADY,
        settle: SETTLE,
        pollEvery: 5_000,
        memberConnections: members,
        plainRate: 0,
        plainConnections: 0,
        fleet,
      };
      const steady = await runSteady(children, server, options);
      doubts.push(...whyUnjudged(steady).map((why) => `members with RAFT_CHECKS=${examine}: ${why}`));
      await children.end(server.child);
      return ((steady.memory - bare) * 1e6) / members;
    }),
  );
  await children.end(nodes);
  return { off, on, doubts };
}

async function firstAnswers(children: Children, database: string): Promise<number> {
  const took: number[] = [];
  for (let i = 0; i < STARTS; i++) {
    const server = await startAddressServer(children, {
      databaseUrl: `sqlite:${database}`,
      path: clusterPath(0),
      nodeFlags: [],
      args: PATIENT,
    });
    took.push(server.startup);
    await children.end(server.child);
  }
  return middleOf(took);
}

async function help(children: Children): Promise<number> {
  const took: number[] = [];
  for (let i = 0; i < STARTS; i++) {
    const child = children.start(process.execPath, [cli, '--help']);
    if ((await child.ended) !== 0) throw new Error(`--help failed: ${child.stderr()}`);
    took.push(performance.now() - child.startedAt);
  }
  return middleOf(took);
}

async function run(children: Children, folder: string): Promise<string> {
  const before = loadAverage();
  const began = performance.now();
  const others = watchOthers([process.pid]);
  const busy = await new Promise<number>((resolve) => setTimeout(() => resolve(others()), 1_000));
  const nginxProgram = findProgram('nginx');
  const node = await startBareNode(children);
  const nginx = nginxProgram === undefined ? undefined : await startNginx(children, nginxProgram, folder);
  const database = join(folder, 'registry.db');
  const ours = await startAddressServer(children, {
    databaseUrl: `sqlite:${database}`,
    path: '/healthz',
    nodeFlags: [],
    args: PATIENT,
  });
  const fleet: Fleet = { clusters: 100, size: 10, port: 8848 };
  await registerAll(ours.port, undefined, fleet);
  const list = [clusterPath(0)];
  const polls = range(fleet.clusters * fleet.size).map((n) =>
    pollPath(Math.floor(n / fleet.size), n % fleet.size, undefined, fleet),
  );
  const scenarios: Scenario[] = [
    { title: 'bare node:http, a constant', server: node, method: 'GET', paths: list },
    ...(nginx ? [{ title: 'nginx, a file', server: nginx, method: 'GET', paths: list } as const] : []),
    { title: 'GET', server: ours, method: 'GET', paths: list },
    { title: 'GET with self', server: ours, method: 'GET', paths: polls },
    { title: 'POST heartbeat', server: ours, method: 'POST', paths: polls },
  ];
  await ask(ours.port, clusterPath(0));
  const costs = await requestCosts(scenarios);
  await Promise.all([node, ours, ...(nginx ? [nginx] : [])].map(({ child }) => children.end(child)));
  const answer = await firstAnswers(children, database);
  const helped = await help(children);
  const members = await memberCosts(children, folder);
  const [bare = NaN, file = NaN] = ['bare node:http, a constant', 'nginx, a file'].map((title) =>
    costs.get(title),
  );
  const doubts = [
    ...(busy > 0.25 ? [`the machine was busy before the start: others used ${busy.toFixed(2)} cores`] : []),
    ...members.doubts,
  ];
  return `# Guard: what this server costs

${describeMachine()}. Load average before: ${before.toFixed(1)}. It took ${Math.round((performance.now() - began) / 1_000)} s.${nginx ? '' : ' nginx is not installed.'}

${doubts.length === 0 ? 'Nothing else computed, and the load generators were not the limit.' : `Not to be judged:\n\n${doubts.map((why) => `- ${why}`).join('\n')}`}

${table([
  ['', 'CPU a request', 'to bare node', 'to nginx'],
  ...[...costs].map(([title, cost]) => [
    title,
    `${cost.toFixed(1)} µs`,
    (cost / bare).toFixed(2),
    Number.isNaN(file) ? '' : (cost / file).toFixed(2),
  ]),
])}

${table([
  ['', ''],
  ['memory of a member on its connection, RAFT_CHECKS=off', `${thousands(members.off)} bytes`],
  ['and with RAFT_CHECKS=on', `${thousands(members.on)} bytes`],
  [`first answer, ${thousands(fleet.clusters * fleet.size)} members stored`, `${answer.toFixed(0)} ms`],
  ['--help', `${helped.toFixed(0)} ms`],
])}
`;
}

const children = new Children();
const folder = mkdtempSync(join(tmpdir(), 'address-server-guard-'));
try {
  console.log(await run(children, folder));
} finally {
  await children.endAll();
  rmSync(folder, { recursive: true, force: true });
}
