import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { fileLimit } from '../src/server/file-limit.js';
import { Children, printed, type Child } from './children.js';
import { cpuTime, describeMachine, loadAverage, residentMemory, watchOthers } from './machine.js';
import { ask, registerAll, type Fleet } from './members.js';
import { middleOf, table, thousands } from './report.js';
import { freePort, startAddressServer } from './servers.js';
import { runSteady, whyUnjudged, type SteadyOptions, type SteadyResult } from './steady.js';

/*
 * What the doctor costs: the same quiet members on the same server with RAFT_CHECKS on and off, in turns, and what is kept for
 * each member. Nothing is failed by a number.
 */

type Examine = 'off' | 'on';

interface Scenario {
  readonly name: string;
  readonly title: string;
  readonly clusters: number;
  readonly size: number;
  /** Whether Nacos nodes answer at the members' addresses; they refuse otherwise. */
  readonly answer: boolean;
  /** How often a member polls, in milliseconds. */
  readonly pollEvery: number;
  /** At most; one for each member if there are so many. */
  readonly connections: number;
  /** The most memory that is wanted with the doctor on, in megabytes. */
  readonly most?: number;
}

const SCENARIOS: readonly Scenario[] = [
  { name: 'small', title: '1,000 clusters × 3', clusters: 1_000, size: 3, answer: true },
  { name: 'large', title: '10 clusters × 300', clusters: 10, size: 300, answer: true },
  { name: 'dead', title: '1,000 clusters × 3, dead', clusters: 1_000, size: 3, answer: false },
  {
    name: 'connections',
    title: '10,000 members, a connection each',
    ...{ clusters: 1_000, size: 10, answer: false, connections: 10_000, most: 150 },
  },
  {
    name: 'crowd',
    title: '100,000 members in 10,000 clusters',
    ...{ clusters: 10_000, size: 10, answer: false, pollEvery: 30_000, connections: 500, most: 600 },
  },
].map((one) => ({ pollEvery: 5_000, connections: 3_000, ...one }));

/** Of what RAFT_CHECKS=off takes. */
const WANTED = { memory: 1.15, cpu: 1.3, p99: 1.2 };

/** Cores that others may use beside a run that is judged. */
const OTHERS = 0.25;

/** How long a list that has changed is looked at more often, in milliseconds (src/doctor/schedule.ts). */
const QUIET_AFTER = 60_000;

/** As long as a quiet cluster's look and a bit, in seconds. */
const SETTLE = 40;

const RESULTS = fileURLToPath(new URL('../../bench/DOCTOR.md', import.meta.url));

/** Nobody polls between the turns. */
const PATIENT = ['--member-ttl', '1h', '--evict-after', '2h', '--log-level', 'warn'];

export interface DoctorTurn {
  readonly examine: Examine;
  readonly steady: SteadyResult;
  /** Megabytes at the end of the turn: resident, and of the heap. */
  readonly rss: number;
  readonly heap: number;
  /** The part of one core that the nodes used. */
  readonly nodesCpu: number;
  /** What else computed on this machine, in cores. */
  readonly others: number;
}

interface Measured {
  readonly scenario: Scenario;
  /** Megabytes of a server that has no member. */
  readonly bare: number;
  readonly turns: readonly DoctorTurn[];
}

const script = (name: string): string => fileURLToPath(new URL(`./${name}.js`, import.meta.url));

async function run(children: Children, folder: string, scenario: Scenario): Promise<Measured> {
  const fleet: Fleet = { ...scenario, port: await freePort() };
  const members = fleet.clusters * fleet.size;
  const from = join(folder, `${scenario.name}.db`);
  const start = (file: string, examine: Examine) =>
    startAddressServer(children, {
      databaseUrl: `sqlite:${file}`,
      path: '/healthz',
      nodeFlags: [],
      args: [...PATIENT, '--raft-checks', examine],
    });
  say(`${scenario.title}: registering`);
  const first = await start(from, 'off');
  const bare = residentMemory(first.pid);
  await registerAll(first.port, undefined, fleet);
  await children.end(first.child);
  const quietAt = performance.now() + QUIET_AFTER;
  const nodes = scenario.answer
    ? children.start(process.execPath, [script('nacos-nodes'), JSON.stringify(fleet)])
    : undefined;
  if (nodes) await printed(nodes, 'LISTENING');
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, quietAt - performance.now())));
  const turns: DoctorTurn[] = [];
  for (let turn = 0; turn < values.turns * 2; turn++) {
    const examine: Examine = [1, 2].includes(turn % 4) ? 'on' : 'off';
    const file = join(folder, `${scenario.name}-${turn}.db`);
    copyFileSync(from, file);
    const server = await start(file, examine);
    const options: SteadyOptions = {
      port: server.port,
      seconds: values.seconds,
      settle: Math.max(SETTLE, scenario.pollEvery / 1_000),
      pollEvery: scenario.pollEvery,
      memberConnections: Math.min(members, scenario.connections, fileLimit() - 200),
      plainRate: 0,
      plainConnections: 0,
      fleet,
    };
    turns.push(await takeTurn(children, server, options, examine, nodes));
    say(`  ${told(turns.at(-1) as DoctorTurn)}`);
    await children.end(server.child);
  }
  if (nodes) await children.end(nodes);
  return { scenario, bare, turns };
}

async function takeTurn(
  children: Children,
  server: Awaited<ReturnType<typeof startAddressServer>>,
  options: SteadyOptions,
  examine: Examine,
  nodes: Child | undefined,
): Promise<DoctorTurn> {
  const { settle = 0, seconds } = options;
  let others: (() => number) | undefined;
  let nodesBefore = 0;
  let atEnd: Omit<DoctorTurn, 'steady' | 'examine'> = { rss: NaN, heap: NaN, nodesCpu: NaN, others: NaN };
  const timers: NodeJS.Timeout[] = [];
  const nodesTime = (): number => (nodes ? cpuTime(nodes.pid) : 0);
  const steady = await runSteady(children, server, options, (load) => {
    timers.push(
      setTimeout(() => {
        others = watchOthers([server.pid, load.pid, ...(nodes ? [nodes.pid] : [])]);
        nodesBefore = nodesTime();
      }, settle * 1_000),
      setTimeout(
        () => {
          const taken = {
            rss: residentMemory(server.pid),
            nodesCpu: (nodesTime() - nodesBefore) / (seconds - 3),
            others: others?.() ?? NaN,
          };
          atEnd = { ...taken, heap: NaN };
          void heapOf(server.port).then(
            (heap) => (atEnd = { ...taken, heap }),
            () => undefined,
          );
        },
        (settle + seconds - 3) * 1_000,
      ),
    );
    return Promise.resolve();
  }).finally(() => timers.forEach(clearTimeout));
  return { examine, steady, ...atEnd };
}

async function heapOf(port: number): Promise<number> {
  const { body } = await ask(port, '/metrics');
  return Number(/^nodejs_heap_size_used_bytes (\S+)$/m.exec(body)?.[1] ?? NaN) / 1e6;
}

function told({ examine, steady, rss, heap, nodesCpu, others }: DoctorTurn): string {
  const { polls, cpu, sending, ownCpu, errors } = steady;
  const percent = (part: number): string => `${(part * 100).toFixed(1)} %`;
  return (
    `RAFT_CHECKS=${examine}: ${rss.toFixed(0)} MB (heap ${heap.toFixed(0)} MB, highest ${steady.memory.toFixed(0)} MB), ${percent(cpu)} of a core, ` +
    `polls p50 ${polls.p50.toFixed(2)} p99 ${polls.p99.toFixed(2)} ms (${polls.count}, ${errors} errors); generator late p99 ${sending.p99.toFixed(2)} ms, ` +
    `${percent(ownCpu)}; nodes ${percent(nodesCpu)}; others ${others.toFixed(2)} cores`
  );
}

/** Why a turn says nothing. */
function unjudged({ steady, others }: DoctorTurn): string[] {
  return [
    ...whyUnjudged(steady),
    ...(others > OTHERS
      ? [`the machine was busy: others used ${others.toFixed(2)} cores (${OTHERS} at most)`]
      : []),
    ...(steady.errors > 0 ? [`${steady.errors} errors: ${steady.firstErrors[0]}`] : []),
  ];
}

function report(all: readonly Measured[]): string {
  const of = (turns: readonly DoctorTurn[], examine: Examine, value: (turn: DoctorTurn) => number): number =>
    middleOf(turns.filter((turn) => turn.examine === examine).map(value));
  const values = {
    memory: (turn: DoctorTurn) => turn.rss,
    heap: (turn: DoctorTurn) => turn.heap,
    cpu: (turn: DoctorTurn) => turn.steady.cpu * 100,
    p99: (turn: DoctorTurn) => turn.steady.polls.p99,
  };
  const rows = all.flatMap(({ scenario, turns }) =>
    (['memory', 'heap', 'cpu', 'p99'] as const).map((what) => {
      const [off, on] = [of(turns, 'off', values[what]), of(turns, 'on', values[what])];
      const unit = { memory: ' MB', heap: ' MB', cpu: ' %', p99: ' ms' }[what];
      const wanted = what === 'heap' ? undefined : WANTED[what];
      const ratio = on / off;
      return [
        `${scenario.title}: ${what}`,
        ...[off, on].map((value) => value.toFixed(what === 'p99' ? 2 : 1) + unit),
        ratio.toFixed(2),
        wanted === undefined ? '' : `≤ ${wanted}`,
        wanted === undefined ? '' : ratio <= wanted ? 'met' : 'MISSED',
      ];
    }),
  );
  const each = all.map(({ scenario, bare, turns }) => {
    const members = scenario.clusters * scenario.size;
    const [off, on] = [of(turns, 'off', values.memory), of(turns, 'on', values.memory)];
    const bytes = (value: number): string => thousands(((value - bare) * 1e6) / members);
    const { most } = scenario;
    return [
      scenario.title,
      `${bare.toFixed(0)} MB`,
      ...[off, on].map(bytes),
      most === undefined ? '' : `≤ ${most} MB: ${on.toFixed(0)} MB ${on <= most ? 'met' : 'MISSED'}`,
    ];
  });
  const doubts = all.flatMap(({ scenario, turns }) =>
    turns.flatMap((turn) =>
      unjudged(turn).map((why) => `- ${scenario.title}, RAFT_CHECKS=${turn.examine}: ${why}`),
    ),
  );
  const turns = all.flatMap(({ scenario, turns }) =>
    turns.map((turn) => `- ${scenario.title}: ${told(turn)}`),
  );
  return `# What the doctor costs

${new Date().toISOString().slice(0, 10)}, ${describeMachine()}. Written by \`npm run bench:doctor -- --write\`. Load average before: ${before.toFixed(1)}.

Quiet members poll on a schedule that does not wait for answers: a latency counts from the planned time. Default settings but the patience of tests and \`--probe off\`; each turn begins with a server of its own and is measured after ${SETTLE} s. Medians of ${flags.turns} turns each, alternating.

${doubts.length === 0 ? 'Every turn is judged: the load generators were not the limit, and nothing else computed.' : `**Not to be judged**:\n\n${doubts.join('\n')}`}

${table([['', 'RAFT_CHECKS=off', 'on', 'ratio', 'wanted', ''], ...rows])}

## Memory of a member

Resident bytes for each member beyond what a server without members takes.

${table([['', 'no members', 'RAFT_CHECKS=off, bytes each', 'on, bytes each', ''], ...each])}

## Turns

${turns.join('\n')}
`;
}

function say(text: string): void {
  console.error(text);
}

const { values: flags } = parseArgs({
  options: {
    only: { type: 'string' },
    turns: { type: 'string', default: '2' },
    seconds: { type: 'string', default: '30' },
    write: { type: 'boolean', default: false },
  },
});
const values = { turns: Number(flags.turns), seconds: Number(flags.seconds) };
for (const [name, value] of Object.entries(values)) {
  if (!Number.isInteger(value) || value < 1 || value > 600) {
    console.error(`--${name} is no whole number from 1 to 600`);
    process.exit(1);
  }
}
const wanted = flags.only?.split(',') ?? SCENARIOS.map(({ name }) => name);
const before = loadAverage();
const children = new Children();
const folder = mkdtempSync(join(tmpdir(), 'address-server-doctor-'));
try {
  const all: Measured[] = [];
  for (const one of SCENARIOS) if (wanted.includes(one.name)) all.push(await run(children, folder, one));
  const text = report(all);
  console.log(text);
  if (flags.write) writeFileSync(RESULTS, text);
} finally {
  await children.endAll();
  rmSync(folder, { recursive: true, force: true });
}
