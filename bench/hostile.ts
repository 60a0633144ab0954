import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Children, printed, type Child } from './children.js';
import { countCpu, type Processes } from './hostile-cpu.js';
import { report, type Measured } from './hostile-report.js';
import { loadAverage, residentMemory } from './machine.js';
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
  /** By how much the process sent its polls after they were planned, at the 99th percentile. */
  readonly late: number;
  readonly errors: number;
  /** Members that once got a list without themselves, or one that lacked another of theirs. */
  readonly dropped: number;
}

/** How often each kind of the attack was answered, by status. */
export type Answers = Readonly<Record<string, Readonly<Record<string, number>>>>;

const CLUSTERS = 100;
const SIZE = 10;
const RESULTS = fileURLToPath(new URL('../../bench/HOSTILE.md', import.meta.url));

const script = (name: string): string => fileURLToPath(new URL(`./${name}.js`, import.meta.url));

/** As it is shipped, without a token; nobody reads its log. `nodeArgs`: flags of Node besides those that it is shipped with. */
async function startServer(folder: string, port: number, nodeArgs: readonly string[]) {
  const cli = fileURLToPath(new URL('../src/cli.js', import.meta.url));
  const url = `sqlite:${join(folder, 'registry.db')}`;
  const args = [
    '--max-semi-space-size=2',
    ...nodeArgs,
    cli,
    'serve',
    '--host',
    '127.0.0.1',
    '--port',
    String(port),
  ];
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

async function measure(members: Child, processes: Processes, seconds: number): Promise<Measured> {
  const results = (): string[] => members.stdout().match(/^MEASURED .*$/gm) ?? [];
  const ask = async (): Promise<HostileMembers> => {
    const before = results().length;
    members.process.kill('SIGUSR2');
    while (results().length === before) await new Promise((resolve) => setTimeout(resolve, 10));
    return JSON.parse((results().at(-1) ?? '').slice('MEASURED '.length)) as HostileMembers;
  };
  await ask();
  const cpu = countCpu(processes);
  const since = performance.now();
  let memory = 0;
  while (performance.now() - since < seconds * 1_000) {
    memory = Math.max(memory, residentMemory(processes.server));
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  const used = cpu();
  return { ...(await ask()), memory, cpu: used };
}

async function run(
  children: Children,
  folder: string,
  seconds: number,
  nodeArgs: readonly string[],
): Promise<string> {
  const before = loadAverage();
  const port = await freePort();
  const server = await startServer(folder, port, nodeArgs);
  try {
    const options: MembersOptions = { port, clusters: CLUSTERS, size: SIZE };
    const members = children.start(process.execPath, [script('hostile-members'), JSON.stringify(options)]);
    await printed(members, 'LISTED');
    console.error(`${CLUSTERS * SIZE} members alone for ${seconds} s`);
    const processes = { server: server.pid ?? 0, members: members.pid };
    const alone = await measure(members, processes, seconds);
    const attack = children.start(process.execPath, [script('hostile-attack'), JSON.stringify({ port })]);
    await printed(attack, 'ATTACKING');
    console.error(`and beside the attack for ${seconds} s`);
    const attacked = await measure(members, { ...processes, attack: attack.pid }, seconds);
    attack.process.kill('SIGTERM');
    await attack.ended;
    const told = JSON.parse(/^RESULT (.*)$/m.exec(attack.stdout())?.[1] ?? '{}') as Answers;
    if (server.exitCode !== null) throw new Error(`the server ended with ${server.exitCode}`);
    const sizes = { clusters: CLUSTERS, size: SIZE, seconds, loadAverage: before };
    return report({ ...sizes, alone, attacked, attack: told });
  } finally {
    // A profile is written when it ends by itself.
    if (nodeArgs.length > 0) {
      server.kill('SIGTERM');
      await Promise.race([once(server, 'exit'), new Promise((resolve) => setTimeout(resolve, 20_000))]);
    }
    server.kill('SIGKILL');
  }
}

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '120' },
    // Of Node, for the server's process: --node-flags='--cpu-prof --cpu-prof-dir=/tmp/profile'
    'node-flags': { type: 'string', default: '' },
    write: { type: 'boolean', default: false },
  },
});
const seconds = Number(values.seconds);
if (!Number.isInteger(seconds) || seconds < 5 || seconds > 600) {
  console.error(`--seconds=${JSON.stringify(values.seconds)} is no whole number from 5 to 600`);
  process.exit(1);
}
const children = new Children();
const folder = mkdtempSync(join(tmpdir(), 'address-server-hostile-'));
try {
  const text = await run(children, folder, seconds, values['node-flags'].split(' ').filter(Boolean));
  console.log(text);
  if (values.write) writeFileSync(RESULTS, text);
} finally {
  await children.endAll();
  rmSync(folder, { recursive: true, force: true });
}
