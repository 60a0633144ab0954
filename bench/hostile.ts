import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Children, printed, type Child } from './children.js';
import { cpuTime, describeMachine, loadAverage, residentMemory } from './machine.js';
import { freePort } from './servers.js';

/*
 * What listed members notice while others do everything at once that was seen to harm a server: puts of 1,000 addresses
 * that are refused, strangers that register and found, readers that read nothing, a member that answers the doctor with
 * megabytes, names that nobody knows, and a log that nobody reads.
 */

export interface MembersOptions {
  readonly port: number;
  readonly clusters: number;
  readonly size: number;
}

export interface AttackOptions {
  readonly port: number;
}

/** What the members print. Latencies in milliseconds. */
export interface HostileMembers {
  readonly polls: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly errors: number;
  /** Members that once got a list without themselves, or one that lacked another of theirs. */
  readonly dropped: number;
}

interface Measured extends HostileMembers {
  /** Megabytes, the highest seen. */
  readonly memory: number;
  /** The part of one core. */
  readonly cpu: number;
}

const CLUSTERS = 100;
const SIZE = 10;
const TARGETS = { quiet: 10, attacked: 50, memory: 1.3 };
const RESULTS = fileURLToPath(new URL('../../bench/HOSTILE.md', import.meta.url));

const script = (name: string): string => fileURLToPath(new URL(`./${name}.js`, import.meta.url));

/** As it is shipped, without a token; nobody reads its log. */
async function startServer(folder: string, port: number) {
  const cli = fileURLToPath(new URL('../src/cli.js', import.meta.url));
  const url = `sqlite:${join(folder, 'registry.db')}`;
  const args = ['--max-semi-space-size=2', cli, 'serve', '--host', '127.0.0.1', '--port', String(port)];
  const child = spawn(process.execPath, [...args, '--database-url', url, '--log-level', 'debug'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}`);
    const isUp = await fetch(`http://127.0.0.1:${port}/healthz`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isUp) return child;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function measure(members: Child, pid: number, seconds: number): Promise<Measured> {
  const results = (): string[] => members.stdout().match(/^MEASURED .*$/gm) ?? [];
  const ask = async (): Promise<HostileMembers> => {
    const before = results().length;
    members.process.kill('SIGUSR2');
    while (results().length === before) await new Promise((resolve) => setTimeout(resolve, 10));
    return JSON.parse((results().at(-1) ?? '').slice('MEASURED '.length)) as HostileMembers;
  };
  await ask();
  const [cpuBefore, since] = [cpuTime(pid), performance.now()];
  let memory = 0;
  while (performance.now() - since < seconds * 1_000) {
    memory = Math.max(memory, residentMemory(pid));
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  const cpu = (cpuTime(pid) - cpuBefore) / ((performance.now() - since) / 1_000);
  return { ...(await ask()), memory, cpu };
}

async function run(children: Children, folder: string, seconds: number): Promise<string> {
  const before = loadAverage();
  const port = await freePort();
  const server = await startServer(folder, port);
  try {
    const { pid = 0 } = server;
    const options: MembersOptions = { port, clusters: CLUSTERS, size: SIZE };
    const members = children.start(process.execPath, [script('hostile-members'), JSON.stringify(options)]);
    await printed(members, 'LISTED');
    console.error(`${CLUSTERS * SIZE} members alone for ${seconds} s`);
    const quiet = await measure(members, pid, seconds);
    const attack = children.start(process.execPath, [script('hostile-attack'), JSON.stringify({ port })]);
    await printed(attack, 'ATTACKING');
    console.error(`and beside the attack for ${seconds} s`);
    const attacked = await measure(members, pid, seconds);
    attack.process.kill('SIGTERM');
    await attack.ended;
    const told = JSON.parse(/^RESULT (.*)$/m.exec(attack.stdout())?.[1] ?? '{}') as Answers;
    if (server.exitCode !== null) throw new Error(`the server ended with ${server.exitCode}`);
    return report(quiet, attacked, told, seconds, before);
  } finally {
    server.kill('SIGKILL');
  }
}

type Answers = Readonly<Record<string, Readonly<Record<string, number>>>>;

function report(quiet: Measured, attacked: Measured, told: Answers, seconds: number, load: number): string {
  const row = (name: string, { polls, p50, p99, max, cpu, memory, errors, dropped }: Measured): string =>
    `| ${name} | ${polls} | ${[p50, p99, max].map((ms) => `${ms.toFixed(2)} ms`).join(' | ')} | ${(cpu * 100).toFixed(0)} % | ${memory.toFixed(0)} MB | ${errors} | ${dropped} |`;
  const met = (is: boolean): string => (is ? 'met' : 'MISSED');
  const growth = attacked.memory / quiet.memory;
  const attack = Object.entries(told).map(([kind, by]) => {
    const all = Object.values(by).reduce((sum, one) => sum + one, 0);
    const parts = Object.entries(by).map(([what, one]) => `${one} ${what}`);
    return `| ${kind} | ${(all / seconds).toFixed(1)} | ${parts.join(', ')} |`;
  });
  return `# What listed members notice of an attack

${new Date().toISOString().slice(0, 10)}, ${describeMachine()}. Written by \`npm run bench:hostile -- --write\`. Load average before: ${load.toFixed(1)}.

${CLUSTERS * SIZE} members in ${CLUSTERS} clusters, each on its own connection from its own address, poll every 5 s on a schedule that
does not wait for answers: a latency counts from the planned time. The server has its default settings and no token, and
nobody reads its log. First ${seconds} s alone, then ${seconds} s beside all of the attack, on the same two cores, load generators included.

| | polls | p50 | p99 | max | CPU of a core | memory | errors | members dropped |
|---|---:|---:|---:|---:|---:|---:|---:|---:|
${row('alone', quiet)}
${row('beside the attack', attacked)}

| target | | |
|---|---:|---|
| p99 alone | ≤ ${TARGETS.quiet} ms | ${met(quiet.p99 <= TARGETS.quiet)} |
| p99 beside the attack | ≤ ${TARGETS.attacked} ms | ${met(attacked.p99 <= TARGETS.attacked)} |
| memory beside the attack | ≤ ${TARGETS.memory} × alone | ${met(growth <= TARGETS.memory)}: ${growth.toFixed(2)} × |
| live members dropped | 0 | ${met(attacked.dropped === 0)} |

| the attack | a second | answers by status |
|---|---:|---|
${attack.join('\n')}
`;
}

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '120' }, write: { type: 'boolean', default: false } },
});
const seconds = Number(values.seconds);
if (!Number.isInteger(seconds) || seconds < 5 || seconds > 600) {
  console.error(`--seconds=${JSON.stringify(values.seconds)} is no whole number from 5 to 600`);
  process.exit(1);
}
const children = new Children();
const folder = mkdtempSync(join(tmpdir(), 'address-server-hostile-'));
try {
  const text = await run(children, folder, seconds);
  console.log(text);
  if (values.write) writeFileSync(RESULTS, text);
} finally {
  await children.endAll();
  rmSync(folder, { recursive: true, force: true });
}
