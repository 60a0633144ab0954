import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { busyPort } from '../ports.js';
import { missingServer, testedVersions } from './installed.js';
import { launch } from './launch.js';
import { traitsOf } from './versions.js';

/*
 * Starts one real Nacos server in the foreground, for a look by hand: `node dist/test/nacos/servers/start.js 2.3.2 8848 /tmp/a`.
 * The environment says how it finds the others, as a user would set it.
 */

const USAGE = `start.js VERSION PORT HOME: a version (${testedVersions().join(', ')}), a main port from 1100 to 64000, and the
folder where the node keeps conf/, data/ and logs/`;

/** Why it cannot be started so; undefined when it can. */
async function problemOf(version: string, port: number, home: string): Promise<string | undefined> {
  if (!testedVersions().includes(version) || !(port >= 1_100 && port <= 64_000) || home === '') return USAGE;
  const missing = missingServer(version);
  if (missing !== undefined) return missing;
  const busy = await busyPort(port, traitsOf(version).portOffsets);
  if (busy === undefined) return undefined;
  return `port ${busy} is in use, and a node with the main port ${port} needs it: end what listens there, or take another port`;
}

const [version = '', text = '', home = ''] = process.argv.slice(2);
const port = Number(text);
const problem = await problemOf(version, port, home);
if (problem !== undefined) {
  console.error(problem);
  process.exitCode = 1;
} else {
  const [command, ...args] = launch({ version, port, home: resolve(home) });
  const node = spawn(command, args, { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => node.kill(signal));
  node.once('exit', (status, signal) => (process.exitCode = status ?? (signal === null ? 1 : 128)));
  console.log(`${resolve(home)}/logs/start.out has what it prints`);
}
