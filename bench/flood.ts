import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Children, printed, type Child } from './children.js';
import { describeMachine, loadAverage } from './machine.js';
import { registerAll } from './members.js';
import { startAddressServer } from './servers.js';
import { runSteady, steadyOptions, type Latency, type SteadyResult } from './steady.js';

/*
 * What listed members notice when strangers flood the server: idle connections, and changes without a token. The same
 * steady load runs twice on one server, first without the flood.
 */

/** What the flood is told. */
export interface FloodOptions {
  readonly port: number;
  readonly idle: number;
  /** Connections that send changes. */
  readonly writers: number;
  /** Addresses that they come from, since limits count for each. */
  readonly addresses: number;
}

/** What it prints. */
export interface FloodMeasured {
  /** By status. */
  readonly answers: Readonly<Record<string, number>>;
  readonly seconds: number;
  /** Connections at its end, and those that the server closed. */
  readonly open: number;
  readonly cut: number;
}

const TOKEN = 'benchmark-0123456789abcdef';
const TARGET = 50;
const RESULTS = fileURLToPath(new URL('../../bench/FLOOD.md', import.meta.url));

async function startFlood(children: Children, options: FloodOptions): Promise<Child> {
  const script = fileURLToPath(new URL('./flood-load.js', import.meta.url));
  const child = children.start(process.execPath, [script, JSON.stringify(options)]);
  await printed(child, 'FLOODING');
  return child;
}

async function measure(children: Children, folder: string, seconds: number): Promise<string> {
  const server = await startAddressServer(children, {
    databaseUrl: `sqlite:${join(folder, 'registry.db')}`,
    path: '/healthz',
    nodeFlags: [],
    args: ['--log-level', 'error', '--auth-token', TOKEN],
  });
  say('registering the members');
  await registerAll(server.port, TOKEN);
  const steady = { ...steadyOptions(server.port, seconds), plainRate: 1, plainConnections: 1, token: TOKEN };
  say(`the members alone for ${seconds} s`);
  const quiet = await runSteady(children, server, steady);
  const options = { port: server.port, idle: 5_000, writers: 64, addresses: 16 };
  say(`the members and the flood for ${seconds} s`);
  // It comes when the members are connected: they are listed, and run.
  let starting: Promise<Child> | undefined;
  const flooded = await runSteady(children, server, steady, () => (starting = startFlood(children, options)));
  const flood = await starting;
  if (!flood) throw new Error('the members were never connected, so there was no flood');
  flood.process.kill('SIGTERM');
  await flood.ended;
  const measured = JSON.parse(/^RESULT (.*)$/m.exec(flood.stdout())?.[1] ?? '') as FloodMeasured;
  return report(quiet, flooded, options, measured);
}

function report(
  quiet: SteadyResult,
  flooded: SteadyResult,
  options: FloodOptions,
  flood: FloodMeasured,
): string {
  const total = Object.values(flood.answers).reduce((sum, count) => sum + count, 0);
  const row = (name: string, { polls, cpu, memory, errors }: SteadyResult): string => {
    const ms = (of: keyof Latency): string => `${polls[of].toFixed(2)} ms`;
    return `| ${name} | ${polls.count} | ${ms('p50')} | ${ms('p99')} | ${ms('max')} | ${(cpu * 100).toFixed(0)} % | ${memory.toFixed(0)} MB | ${errors} |`;
  };
  return `# What listed members notice of a flood

${new Date().toISOString().slice(0, 10)}, ${describeMachine()}. Written by \`npm run bench:flood -- --write\`. Load average before: ${loadAverage().toFixed(1)}.

10,000 listed members, each on its own connection, poll every 5 s with their token, on a schedule that does not wait for
answers: a latency counts from the planned time. Then the same again beside strangers: ${options.idle} idle connections, and
${options.writers} connections from ${options.addresses} addresses that send changes without a valid token as fast as they are answered. All of
it runs on the same two cores, load generators included.

| | polls | p50 | p99 | max | CPU of a core | memory | errors |
|---|---:|---:|---:|---:|---:|---:|---:|
${row('alone', quiet)}
${row('beside the flood', flooded)}

Target: p99 beside the flood below ${TARGET} ms; ${flooded.polls.p99 < TARGET ? 'met' : 'missed'}. The flood was answered ${Math.round(total / flood.seconds)} times a second: ${Object.entries(
    flood.answers,
  )
    .map(([status, count]) => `${((100 * count) / total).toFixed(1)} % ${status}`)
    .join(', ')}. ${flood.open} of its connections were still open at the end, ${flood.cut} had been closed.
`;
}

function say(text: string): void {
  console.error(text);
}

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '15' }, write: { type: 'boolean', default: false } },
});
const seconds = Number(values.seconds);
if (!Number.isInteger(seconds) || seconds < 1 || seconds > 600) {
  console.error(`--seconds=${JSON.stringify(values.seconds)} is no whole number from 1 to 600`);
  process.exit(1);
}
const children = new Children();
const folder = mkdtempSync(join(tmpdir(), 'address-server-flood-'));
try {
  const text = await measure(children, folder, seconds);
  console.log(text);
  if (values.write) writeFileSync(RESULTS, text);
} finally {
  await children.endAll();
  rmSync(folder, { recursive: true, force: true });
}
