import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  connectAdmin,
  createDatabase,
  testDatabases,
  type Admin,
  type ServerDialect,
} from '../test/support/databases.js';
import { Children } from './children.js';
import { readFlags, USAGE, type Flags } from './flags.js';
import { describeMachine, loadAverage } from './machine.js';
import { CLUSTERS, registerAll, SIZE } from './members.js';
import { findPrograms } from './prerequisites.js';
import { median, table, thousands } from './report.js';
import { check, runRounds, type Scenario, type ScenarioName, type ScenarioResult } from './scenarios.js';
import { startAddressServer, type Server } from './servers.js';
import { runSteady, steadyOptions, type SteadyResult } from './steady.js';
import { Wrk } from './wrk.js';

/*
 * This server on SQLite, MySQL (or MariaDB) and PostgreSQL, side by side: polls with `self`, and what the database has
 * to do in the steady load. Two servers run on each shared database; the load goes to one of them.
 */

/** Nobody renews the members between the turns. */
const PATIENT = ['--member-ttl', '1h', '--evict-after', '2h', '--log-level', 'warn'];

const RESULTS = fileURLToPath(new URL('../../bench/DATABASES.md', import.meta.url));

type Kind = 'self' | 'mysql' | 'postgres';

const TITLES: Readonly<Record<Kind, string>> = { self: 'SQLite', mysql: 'MySQL', postgres: 'PostgreSQL' };

interface Place {
  readonly kind: Kind;
  /** What the database calls itself. */
  readonly title: string;
  readonly servers: readonly Server[];
  /** Statements that the database server has run so far, by its own count. */
  readonly statements?: () => Promise<number>;
}

interface Steady {
  readonly place: Place;
  readonly result: SteadyResult;
  /** A second and server. */
  readonly statements: number | undefined;
}

async function start(
  kind: Kind,
  url: string,
  children: Children,
  { nodeFlags }: Flags,
  admin?: Admin,
): Promise<Place> {
  const options = { databaseUrl: url, path: '/healthz', nodeFlags, args: PATIENT };
  const servers = [await startAddressServer(children, options)];
  if (admin === undefined) return { kind, title: TITLES[kind], servers };
  servers.push(await startAddressServer(children, options));
  const [version] = await admin.run<{ v: string }>('SELECT version() AS v');
  const title =
    /^PostgreSQL [\d.]+/.exec(version?.v ?? '')?.[0] ??
    `${/MariaDB/.test(version?.v ?? '') ? 'MariaDB' : 'MySQL'} ${/^[\d.]+/.exec(version?.v ?? '')?.[0]}`;
  const database = new URL(url).pathname.slice(1);
  const statements = async (): Promise<number> => {
    if (kind === 'mysql') {
      const [row] = await admin.run<{ Value: string }>("SHOW GLOBAL STATUS LIKE 'Questions'");
      return Number(row?.Value);
    }
    // Each statement is a transaction of its own while nothing is decided.
    const [row] = await admin.run<{ n: string }>(
      `SELECT xact_commit + xact_rollback AS n FROM pg_stat_database WHERE datname = '${database}'`,
    );
    return Number(row?.n);
  };
  return { kind, title, servers, statements };
}

async function steadyLoad(place: Place, children: Children, seconds: number): Promise<Steady> {
  const [first] = place.servers;
  if (!first) throw new Error('no server runs');
  let before: { count: number; at: number } | undefined;
  // The load builds up and warms up first.
  const counting = setTimeout(() => {
    void place.statements?.().then((count) => (before = { count, at: performance.now() }));
  }, 15_000);
  const options = { ...steadyOptions(first.port, seconds), plainRate: 100, plainConnections: 10 };
  const result = await runSteady(children, first, options);
  clearTimeout(counting);
  const after = await place.statements?.();
  if (after === undefined || !before) return { place, result, statements: undefined };
  const rate = (after - before.count) / ((performance.now() - before.at) / 1_000);
  return { place, result, statements: rate / place.servers.length };
}

function report(
  flags: Flags,
  load: number,
  rounds: readonly ScenarioResult[],
  steady: readonly Steady[],
): string {
  const base = rounds.find(({ scenario }) => scenario.name === 'self');
  const of = (result: ScenarioResult): number => median(result, 'requestsPerSecond');
  const ratio = (result: ScenarioResult): number => (base ? of(result) / of(base) : NaN);
  const polls = table([
    ['polls with self', 'requests/s', 'to SQLite', 'p50', 'p99', 'CPU a request', 'CPU to SQLite', 'memory'],
    ...rounds.map((result) => [
      result.scenario.title,
      thousands(of(result)),
      ratio(result).toFixed(2),
      `${median(result, 'p50').toFixed(2)} ms`,
      `${median(result, 'p99').toFixed(2)} ms`,
      `${median(result, 'cpu').toFixed(1)} µs`,
      base ? (median(result, 'cpu') / median(base, 'cpu')).toFixed(2) : '',
      `${result.memory.toFixed(0)} MB`,
    ]),
  ]);
  const loads = table([
    ['steady load', 'p50', 'p99', 'max', 'CPU, one core', 'memory', 'statements a second and server'],
    ...steady.map(({ place, result, statements }) => [
      place.title,
      ...[result.all.p50, result.all.p99, result.all.max].map((ms) => `${ms.toFixed(2)} ms`),
      `${(result.cpu * 100).toFixed(0)} %`,
      `${result.memory.toFixed(0)} MB`,
      statements === undefined ? '' : statements.toFixed(1),
    ]),
  ]);
  const slowest = Math.min(...rounds.map(ratio));
  const most = Math.max(...steady.map(({ statements = 0 }) => statements));
  const targets = table([
    ['target', 'wanted', 'measured', ''],
    ['polls with self, to SQLite', '≥ 0.9', slowest.toFixed(2), slowest >= 0.9 ? 'pass' : 'FAIL'],
    ['statements a second and server', '≤ 5', most.toFixed(1), most <= 5 ? 'pass' : 'FAIL'],
  ]);
  return `# This server on each database

${new Date().toISOString().slice(0, 10)}, ${describeMachine()}. Written by \`npm run bench:databases -- --write\`. Two servers run on each shared database, one on SQLite; all load goes to one server of each. The load average before the start was ${load.toFixed(1)}.

${targets}

${thousands(CLUSTERS * SIZE)} members in ${thousands(CLUSTERS)} clusters. wrk with 1 thread and ${flags.connections} connections, ${flags.rounds} rounds of ${flags.seconds} s, the databases taking turns, medians; each request renews one member at random.

${polls}

All members poll every 5 s for ${flags.steadySeconds} s. The statements are counted by the database server itself (MariaDB: Questions; PostgreSQL: transactions, each of one statement), those of both servers halved.

${loads}
`;
}

async function main(): Promise<void> {
  const flags = readFlags(process.argv.slice(2));
  const programs = findPrograms();
  const ofKind = (kind: ServerDialect) =>
    testDatabases.find(({ dialect, url }) => dialect === kind && url !== undefined);
  const [mysql, postgres] = [ofKind('mysql'), ofKind('postgres')];
  if (!mysql || !postgres) {
    throw new Error('TEST_MYSQL_8_URL or TEST_MARIADB_URL, and TEST_POSTGRES_URL must name servers');
  }
  const loadBefore = loadAverage();
  const children = new Children();
  const folder = mkdtempSync(join(tmpdir(), 'address-server-bench-'));
  const releases: (() => unknown)[] = [];
  const cleanup = { after: (release: () => unknown): void => void releases.push(release) };
  const say = (text: string): void => console.error(text);
  try {
    const places = [await start('self', `sqlite:${join(folder, 'registry.db')}`, children, flags)];
    for (const server of [mysql, postgres]) {
      const url = await createDatabase(cleanup, server);
      const admin = await connectAdmin(server);
      releases.unshift(() => admin.close());
      places.push(await start(server.dialect, url, children, flags, admin));
    }
    const scenarios = places.map(({ kind, title, servers }): Scenario => {
      const name: ScenarioName = kind;
      return { name, title, server: servers[0] as Server, asks: 'members-GET' };
    });
    for (const { server, title } of scenarios) {
      const from = performance.now();
      await registerAll(server.port);
      say(`${title}: all members registered in ${((performance.now() - from) / 1_000).toFixed(1)} s`);
    }
    for (const scenario of scenarios) await check(scenario);
    const wrk = new Wrk(children, programs.wrk, folder);
    const rounds = await runRounds(scenarios, wrk, flags, say);
    const steady: Steady[] = [];
    for (const place of places) {
      say(`${place.title}: steady load`);
      const measured = await steadyLoad(place, children, flags.steadySeconds);
      if (measured.result.errors > 0) throw new Error(measured.result.firstErrors.join('\n'));
      steady.push(measured);
    }
    const text = report(flags, loadBefore, rounds, steady);
    console.log(`\n${text}`);
    if (flags.write) writeFileSync(RESULTS, text);
  } finally {
    await children.endAll();
    for (const release of releases) await release();
    rmSync(folder, { recursive: true, force: true });
  }
}

await main().catch((error: unknown) => {
  console.error(`${(error as Error).stack}\nusage: ${USAGE.replace('bench', 'bench:databases')}`);
  process.exitCode = 1;
});
