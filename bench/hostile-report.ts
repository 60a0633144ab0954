import { describeMachine } from './machine.js';
import type { CpuUse } from './hostile-cpu.js';
import type { Answers, HostileMembers } from './hostile.js';

/** One part of a run: the members alone, or beside the attack. */
export interface Measured extends HostileMembers {
  /** Megabytes, the highest seen. */
  readonly memory: number;
  readonly cpu: CpuUse;
}

export interface Run {
  readonly clusters: number;
  readonly size: number;
  readonly seconds: number;
  /** Before anything was started. */
  readonly loadAverage: number;
  readonly alone: Measured;
  readonly attacked: Measured;
  readonly attack: Answers;
}

/** Milliseconds, and a ratio. */
const TARGETS = { alone: 10, attacked: 50, memory: 1.3 };

/** Other programs that use more of a core than this have their part in the latencies. */
const QUIET = 0.2;

/**
 * Why the latencies of a part of a run say little of the server; undefined when they say what they seem to. The server and
 * its callers share the cores: a poll that was sent late is answered late, and so is one that is read late.
 */
function limitOf({ p99, late, cpu }: Measured): string | undefined {
  if (cpu.elsewhere > QUIET) {
    return `other programs used ${percent(cpu.elsewhere)} of a core`;
  }
  if (late > p99 / 2) return `the members' own process was ${ms(late)} late`;
  return undefined;
}

/** HOSTILE.md. */
export function report(run: Run): string {
  const { alone, attacked, seconds } = run;
  return `# What listed members notice of an attack

${new Date().toISOString().slice(0, 10)}, ${describeMachine()}. Written by \`npm run bench:hostile -- --write\`. Load average before: ${run.loadAverage.toFixed(1)}.

${run.clusters * run.size} members in ${run.clusters} clusters, each on its own connection from its own address, poll every 5 s on a schedule that
does not wait for answers: a latency counts from the planned time. The server has its default settings and no token, and
nobody reads its log. First ${seconds} s alone, then ${seconds} s beside all of the attack, on the same cores, load generators included.

| | polls | p50 | p99 | max | memory | errors | members dropped |
|---|---:|---:|---:|---:|---:|---:|---:|
${row('alone', alone)}
${row('beside the attack', attacked)}

Who used the cores, in parts of one, and by how much the members' own process sent its polls after they were planned (which
is part of their latencies):

| | server | members | attack | other programs | idle | sent late, p99 |
|---|---:|---:|---:|---:|---:|---:|
${useRow('alone', alone)}
${useRow('beside the attack', attacked)}

| target | | |
|---|---:|---|
| p99 alone | ≤ ${TARGETS.alone} ms | ${judge(alone.p99 <= TARGETS.alone, limitOf(alone))} |
| p99 beside the attack | ≤ ${TARGETS.attacked} ms | ${judge(attacked.p99 <= TARGETS.attacked, limitOf(attacked))} |
| memory beside the attack | ≤ ${TARGETS.memory} × alone | ${judge(attacked.memory <= TARGETS.memory * alone.memory)}: ${(attacked.memory / alone.memory).toFixed(2)} × |
| live members dropped | 0 | ${judge(attacked.dropped === 0)} |

| the attack | a second | answers by status |
|---|---:|---|
${Object.entries(run.attack)
  .map(([kind, by]) => attackRow(kind, by, seconds))
  .join('\n')}
`;
}

/** What is met is met, whatever disturbed it. */
function judge(isMet: boolean, limit?: string): string {
  if (isMet) return 'met';
  return limit === undefined ? 'MISSED' : `not judged, since ${limit}`;
}

function row(name: string, { polls, p50, p99, max, memory, errors, dropped }: Measured): string {
  return `| ${name} | ${polls} | ${[p50, p99, max].map(ms).join(' | ')} | ${memory.toFixed(0)} MB | ${errors} | ${dropped} |`;
}

function useRow(name: string, { cpu, late }: Measured): string {
  const { server, members, attack, elsewhere, idle } = cpu;
  return `| ${name} | ${[server, members, attack, elsewhere, idle].map(percent).join(' | ')} | ${ms(late)} |`;
}

function attackRow(kind: string, by: Answers[string], seconds: number): string {
  const all = Object.values(by).reduce((sum, one) => sum + one, 0);
  const parts = Object.entries(by).map(([what, one]) => `${one} ${what}`);
  return `| ${kind} | ${(all / seconds).toFixed(1)} | ${parts.join(', ')} |`;
}

const ms = (value: number): string => `${value.toFixed(2)} ms`;
const percent = (part: number): string => `${(part * 100).toFixed(0)} %`;
