import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { SERVER_NAMES, SERVER_VARIABLES, testDatabase, withDatabase, type ServerName } from './databases.js';
import { ReleaseMissing } from './mysql-release.js';
import { adminUrl, startPrivateServer, type PrivateServer } from './private-server.js';
import { atProcessEnd } from './processes.js';
import { fetchServers, SERVER_KINDS } from './server-kinds.js';

/*
 * The database servers of the tests, on this machine:
 *
 *   serve-databases.js --fetch            fetches what no package installs, for later
 *   serve-databases.js [--only=NAME,…] [COMMAND [ARGUMENT…]]
 *
 * starts those that no variable names yet, runs the command with the variables set, stops them, and ends as the command
 * did. Without a command it prints the variables, a line each, and stops them when its input ends.
 */

const USAGE = `usage: npm run databases -- [--only=${SERVER_NAMES.join(',')}] [COMMAND [ARGUMENT…]]`;

/** What is wrong with how this was called or with the machine, in a sentence. */
class Problem extends Error {}

function namesOf(option: string | undefined): readonly ServerName[] {
  if (option === undefined) return SERVER_NAMES;
  return option.split(',').map((text) => {
    const name = SERVER_NAMES.find((known) => known === text);
    if (name === undefined) throw new Problem(`${JSON.stringify(text)} is no server; ${USAGE}`);
    return name;
  });
}

async function startMissing(
  names: readonly ServerName[],
  servers: PrivateServer[],
): Promise<Record<string, string>> {
  const missing = names.filter((name) => testDatabase(name).url === undefined);
  fetchServers(missing, (line) => console.error(line));
  for (const name of missing) {
    const lacking = SERVER_KINDS[name].missing();
    if (lacking !== undefined) throw new Problem(`${name} cannot be started: ${lacking}`);
  }
  const urls: Record<string, string> = {};
  const starts = await Promise.allSettled(
    missing.map(async (name) => {
      const server = await startPrivateServer(name);
      servers.push(server);
      urls[SERVER_VARIABLES[name]] = withDatabase(adminUrl(server.dialect, server.port), '');
    }),
  );
  for (const start of starts)
    if (start.status === 'rejected') throw new Problem((start.reason as Error).message);
  return urls;
}

/** Resolves with the status to end with. */
async function runCommand(
  command: string,
  args: readonly string[],
  env: Record<string, string>,
): Promise<number> {
  // What was built to run this is built.
  const child = spawn(command, args, { stdio: 'inherit', env: { ...process.env, SKIP_BUILD: '1', ...env } });
  // A signal that ends this process ends the command before the servers.
  const ended = atProcessEnd(() => child.kill('SIGTERM'));
  child.once('exit', ended);
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new Problem(`${command} cannot be run (${error.message})`)));
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)));
  });
}

async function main(args: string[]): Promise<number> {
  if (args[0] === '--fetch') {
    fetchServers(SERVER_NAMES, (line) => console.error(line));
    return 0;
  }
  const only = args[0]?.startsWith('--only=') ? args.shift()?.slice('--only='.length) : undefined;
  if (args[0]?.startsWith('-')) throw new Problem(`${args[0]} is no option; ${USAGE}`);
  const servers: PrivateServer[] = [];
  try {
    const urls = await startMissing(namesOf(only), servers);
    const [command, ...rest] = args;
    if (command !== undefined) {
      return await runCommand(command, rest, {
        ...(only === undefined ? { DATABASE_TESTS: 'required' } : {}),
        ...urls,
      });
    }
    for (const [variable, url] of Object.entries(urls)) console.log(`${variable}=${url}`);
    process.stdin.resume();
    await once(process.stdin, 'end');
    return 0;
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Problem || error instanceof ReleaseMissing)) throw error;
  console.error(error.message);
  process.exitCode = 69;
}
