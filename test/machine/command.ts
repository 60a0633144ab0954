import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { endWithThisProcess } from '../support/processes.js';

/** The checkout, seen from dist/test/machine. */
export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

export interface Ran {
  readonly status: number | null;
  readonly output: string;
  readonly errors: string;
}

/** Runs a command to its end, without a limit: how long one takes says nothing. */
export async function run(command: string, args: readonly string[]): Promise<Ran> {
  const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  endWithThisProcess(child);
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, output: output.trimEnd(), errors: errors.trimEnd() };
}

/** What a command printed; it fails with what the command said last. */
export async function text(command: string, args: readonly string[]): Promise<string> {
  const { status, output, errors } = await run(command, args);
  if (status === 0) return output;
  const last = `${output}\n${errors}`.trim().split('\n').slice(-20).join('\n');
  throw new Error(`${command} ${args.join(' ')} ended with ${status}: ${last}`);
}

/**
 * Why tests that make containers cannot run here, for node:test's `skip`, or false. With `VARIABLE=required` they are not
 * skipped: then what is missing fails them.
 */
export function skipWithout(variable: string, packages: Readonly<Record<string, string>>): string | false {
  if (process.env[variable] === 'required') return false;
  if (process.getuid?.() !== 0) return 'only root can make a container';
  const missing = Object.entries(packages)
    .filter(([program]) => spawnSync('which', [program]).status !== 0)
    .map(([, name]) => name);
  return missing.length > 0 && `apt-get install ${missing.join(' ')} first`;
}
