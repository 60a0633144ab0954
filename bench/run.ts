import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Children } from './children.js';
import { readFlags, USAGE, type Flags } from './flags.js';
import { loadAverage } from './machine.js';
import { clusterPath, registerAll } from './members.js';
import { findPrograms, type Programs } from './prerequisites.js';
import { formerOf, report, type Results } from './report.js';
import { check, runRounds, scenariosOf } from './scenarios.js';
import { startAddressServer, startBareNode, startNginx } from './servers.js';
import { runSteady, steadyOptions } from './steady.js';
import { Wrk } from './wrk.js';

const QUIET = ['--log-level', 'warn'];

/** Between their turns nobody renews the members, who must not fall silent meanwhile. */
const PATIENT = ['--member-ttl', '1h', '--evict-after', '2h', ...QUIET];

const RESULTS = fileURLToPath(new URL('../../bench/RESULTS.md', import.meta.url));

async function measure(
  flags: Flags,
  programs: Programs,
  children: Children,
  folder: string,
): Promise<Results> {
  const { nodeFlags } = flags;
  const loadBefore = loadAverage();
  const wrk = new Wrk(children, programs.wrk, folder);
  const databaseUrl = `sqlite:${join(folder, 'registry.db')}`;
  const nginx = await startNginx(children, programs.nginx, folder);
  const node = await startBareNode(children);
  const ours = await startAddressServer(children, {
    databaseUrl,
    path: '/healthz',
    nodeFlags,
    args: PATIENT,
  });
  say('registering the members');
  await registerAll(ours.port);
  const scenarios = scenariosOf(nginx, node, ours);
  for (const scenario of scenarios) await check(scenario);
  const rounds = await runRounds(scenarios, wrk, flags, say);
  await Promise.all([nginx, node, ours].map(({ child }) => children.end(child)));

  const again = await startAddressServer(children, {
    databaseUrl,
    path: clusterPath(0),
    nodeFlags,
    args: QUIET,
  });
  say(`steady load for ${flags.steadySeconds} s`);
  const steady = await runSteady(children, again, steadyOptions(again.port, flags.steadySeconds));
  await children.end(again.child);
  const startup = { nginx: nginx.startup, node: node.startup, empty: ours.startup, full: again.startup };
  return { flags, loadBefore, rounds, steady, startup };
}

async function main(): Promise<void> {
  let flags: Flags;
  let programs: Programs;
  try {
    flags = readFlags(process.argv.slice(2));
    programs = findPrograms();
  } catch (error) {
    console.error(`${(error as Error).message}\nusage: ${USAGE}`);
    process.exitCode = 1;
    return;
  }
  const children = new Children();
  const folder = mkdtempSync(join(tmpdir(), 'address-server-bench-'));
  let interrupted = false;
  const release = async (): Promise<void> => {
    await children.endAll();
    rmSync(folder, { recursive: true, force: true });
  };
  for (const [signal, status] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.once(signal, () => {
      interrupted = true;
      void release().finally(() => process.exit(status));
    });
  }
  try {
    const results = await measure(flags, programs, children, folder);
    const text = report(results, formerOf(existsSync(RESULTS) ? readFileSync(RESULTS, 'utf8') : ''));
    console.log(`\n${text}`);
    if (flags.write) writeFileSync(RESULTS, text);
    if (results.steady.errors > 0) {
      console.error(
        `the steady load had ${results.steady.errors} errors:\n${results.steady.firstErrors.join('\n')}`,
      );
      process.exitCode = 1;
    }
  } catch (error) {
    // Whoever interrupts knows why the servers and wrk ended.
    if (interrupted) return;
    console.error(error);
    process.exitCode = 1;
  } finally {
    await release();
  }
}

function say(text: string): void {
  console.error(text);
}

await main();
