import type { Flags } from './flags.js';
import { describeMachine } from './machine.js';
import { CLUSTERS, SIZE } from './members.js';
import type { ScenarioName, ScenarioResult, Turn } from './scenarios.js';
import type { SteadyResult } from './steady.js';

export interface Results {
  readonly flags: Flags;
  /** Of the last minute before the start. */
  readonly loadBefore: number;
  readonly rounds: readonly ScenarioResult[];
  readonly steady: SteadyResult;
  /** Milliseconds from the start of the process to the first answer. */
  readonly startup: {
    readonly nginx: number;
    readonly node: number;
    /** With a new database, and with all members in it. */
    readonly empty: number;
    readonly full: number;
  };
}

interface Target {
  readonly what: string;
  readonly wanted: string;
  readonly measured: string;
  readonly met: boolean;
}

/** What the last report measured for each target, by its name, and that report's date. */
export interface Former {
  readonly date: string;
  readonly measured: ReadonlyMap<string, string>;
}

/** Reads the targets of a report; empty when it has none. */
export function formerOf(text: string): Former {
  const date = /^(\d{4}-\d{2}-\d{2}),/m.exec(text)?.[1] ?? 'before';
  const [, section = ''] = text.split('\n## Targets\n');
  const rows = section.split('\n## ')[0]?.split('\n') ?? [];
  const cells = rows.map((row) => row.split('|').map((cell) => cell.trim()));
  return {
    date,
    measured: new Map(
      cells.flatMap(([, what = '', , measured]): [string, string][] =>
        what === '' || measured === undefined ? [] : [[what, measured]],
      ),
    ),
  };
}

function targetsOf({ rounds, steady, startup }: Results): Target[] {
  const rate = (name: ScenarioName): number => medianOf(rounds, name, 'requestsPerSecond');
  const least = (what: string, value: number, wanted: number): Target => ({
    what,
    wanted: `≥ ${wanted}`,
    measured: value.toFixed(2),
    met: value >= wanted,
  });
  const most = (what: string, value: number, wanted: number, unit: string): Target => ({
    what,
    wanted: `< ${wanted} ${unit}`,
    measured: `${value.toFixed(value < 10 ? 2 : 0)} ${unit}`,
    met: value < wanted,
  });
  const cpu = (name: ScenarioName): number =>
    medianOf(rounds, name, 'cpu') / medianOf(rounds, 'nginx', 'cpu');
  return [
    most('CPU of GET, to nginx', cpu('get'), 1.4, '×'),
    most('CPU of GET with self, to nginx', cpu('self'), 1.8, '×'),
    most('CPU of POST heartbeat, to nginx', cpu('heartbeat'), 1.9, '×'),
    least('GET, to nginx', rate('get') / rate('nginx'), 0.5),
    least('GET, to bare node:http', rate('get') / rate('node'), 0.9),
    least('GET with self, to nginx', rate('self') / rate('nginx'), 0.45),
    most('p99 in the steady load', steady.all.p99, 10, 'ms'),
    most('memory in the steady load', steady.memory, 150, 'MB'),
    most('first answer, all members stored', startup.full, 1_000, 'ms'),
  ];
}

/** The whole report in Markdown, for the terminal and for RESULTS.md. */
export function report(results: Results, former: Former): string {
  const { flags, loadBefore, rounds, steady, startup } = results;
  const of = (name: ScenarioName): number => medianOf(rounds, name, 'requestsPerSecond');
  const cpuOf = (name: ScenarioName): number => medianOf(rounds, name, 'cpu');
  const startups: Partial<Record<ScenarioName, string>> = {
    nginx: `${startup.nginx.toFixed(0)} ms`,
    node: `${startup.node.toFixed(0)} ms`,
    get: `${startup.empty.toFixed(0)} ms`,
  };
  const throughput = table([
    [
      '',
      'requests/s',
      'to nginx',
      'to node',
      'p50',
      'p99',
      'CPU a request',
      'CPU to nginx',
      'memory',
      'first answer',
    ],
    ...rounds.map((result) => {
      const rate = median(result, 'requestsPerSecond');
      return [
        result.scenario.title,
        thousands(rate),
        (rate / of('nginx')).toFixed(2),
        (rate / of('node')).toFixed(2),
        `${median(result, 'p50').toFixed(2)} ms`,
        `${median(result, 'p99').toFixed(2)} ms`,
        `${median(result, 'cpu').toFixed(1)} µs`,
        (median(result, 'cpu') / cpuOf('nginx')).toFixed(2),
        `${result.memory.toFixed(0)} MB`,
        startups[result.scenario.name] ?? '',
      ];
    }),
  ]);
  const { options } = steady;
  const latency = table([
    ['', 'requests', 'p50', 'p99', 'p99.9', 'max'],
    ...(
      [
        ['all', steady.all],
        ['polls with self', steady.polls],
        ['plain GETs', steady.plain],
        ['of which the generator was late in sending', steady.sending],
      ] as const
    ).map(([title, { count, p50, p99, p999, max }]) => [
      title,
      thousands(count),
      ...[p50, p99, p999, max].map((ms) => `${ms.toFixed(2)} ms`),
    ]),
  ]);
  const targets = table([
    ['target', 'wanted', 'measured', former.date, ''],
    ...targetsOf(results).map(({ what, wanted, measured, met }) => [
      what,
      wanted,
      measured,
      former.measured.get(what) ?? '',
      met ? 'pass' : 'FAIL',
    ]),
  ]);
  const members = CLUSTERS * SIZE;
  const onEach =
    options.memberConnections === members
      ? 'each on its own kept-alive connection'
      : `on ${thousands(options.memberConnections)} kept-alive connections (the limit of open files allows no more)`;
  const rounding = `${flags.rounds} rounds of ${flags.seconds} s each, the scenarios taking turns, medians`;
  return `# Benchmark results

${new Date().toISOString().slice(0, 10)}, ${describeMachine()}. Written by \`npm run bench -- --write\`.${flags.nodeFlags.length > 0 ? ` This server ran with \`node ${flags.nodeFlags.join(' ')}\`.` : ''}

How soon a change of the list is with every node, with agents and in poll mode: [CHANGES.md](CHANGES.md). Polls beside a flood: [FLOOD.md](FLOOD.md).

Everything ran on one machine, over loopback, load generators included, and machines are noisy: absolute numbers say little, the ratios between servers measured side by side count, and neighbours disturb the CPU time a request least. The load average before the start was ${loadBefore.toFixed(1)}; on a machine that does nothing else it is near 0.

## Targets

${targets}

## Requests a second

wrk with 1 thread and ${flags.connections} connections; ${rounding}. Every request carries the headers that Nacos sends; every answer is the list of one cluster of ${SIZE}. The first three scenarios repeat one request. The last two pick one of ${thousands(members)} members in ${thousands(CLUSTERS)} clusters at random each time and renew it, which costs wrk some time too. A heartbeat is a POST, without a body. No request failed.

${throughput}

Memory is that of the answering process after its last turn (of nginx: the worker). The first answer counts from the start of the process; with all ${thousands(members)} members in the database this server took ${startup.full.toFixed(0)} ms.

## Steady load

${thousands(members)} members, ${onEach}, poll every ${options.pollEvery / 1_000} s (${thousands(members / (options.pollEvery / 1_000))}/s), and ${thousands(options.plainRate)} plain GETs a second come on ${options.plainConnections} more connections; ${options.seconds} s, default settings but \`--probe off\`. The schedule does not wait for answers, and a latency counts from the planned time of sending.

${latency}

Errors: ${steady.errors}. The server used at most ${steady.memory.toFixed(0)} MB of memory and ${(steady.cpu * 100).toFixed(0)} % of one core.
`;
}

function medianOf(rounds: readonly ScenarioResult[], name: ScenarioName, field: keyof Turn): number {
  const found = rounds.find(({ scenario }) => scenario.name === name);
  return found ? median(found, field) : NaN;
}

export function median({ turns }: ScenarioResult, field: keyof Turn): number {
  return middleOf(turns.map((turn) => turn[field]));
}

export function middleOf(numbers: readonly number[]): number {
  const values = [...numbers].sort((a, b) => a - b);
  const middle = values.length / 2;
  const low = values[Math.ceil(middle) - 1] ?? NaN;
  const high = values[Math.floor(middle)] ?? NaN;
  return (low + high) / 2;
}

export function table(rows: readonly (readonly string[])[]): string {
  const width = (column: number): number => Math.max(3, ...rows.map((row) => row[column]?.length ?? 0));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => (column === 0 ? cell.padEnd(width(column)) : cell.padStart(width(column)))).join(' | ')} |`;
  const [head = [], ...body] = rows;
  const rule = head.map((_, column) =>
    column === 0 ? '-'.repeat(width(column)) : `${'-'.repeat(width(column) - 1)}:`,
  );
  return [head, rule, ...body].map(line).join('\n');
}

export function thousands(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
