import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/*
 * Runs all benchmarks, one after the other, or those that are named, as in `npm run bench:all -- bench doctor`. Each writes
 * its report anew. That of the databases needs their servers: `npm run databases -- npm run bench:all`.
 */

/** By the name of their scripts, with what they are told. */
const ALL: Readonly<Record<string, readonly string[]>> = {
  bench: ['run', '--write'],
  doctor: ['doctor', '--write'],
  changes: ['changes', '--write'],
  flood: ['flood', '--write'],
  hostile: ['hostile', '--write'],
  databases: ['databases', '--write'],
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in ALL));
if (unknown.length > 0) {
  console.error(`${unknown.join(', ')} is no benchmark; there are ${Object.keys(ALL).join(', ')}`);
  process.exit(1);
}
const failed: string[] = [];
for (const [name, [script = '', ...args]] of Object.entries(ALL)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  console.error(`=== ${name}`);
  const file = fileURLToPath(new URL(`./${script}.js`, import.meta.url));
  const child = spawn(process.execPath, [file, ...args], { stdio: 'inherit' });
  const [status] = (await once(child, 'exit')) as [number | null];
  if (status !== 0) failed.push(name);
}
if (failed.length > 0) {
  console.error(`could not run: ${failed.join(', ')}; what they say is above`);
  process.exitCode = 1;
}
