import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { TestContext } from 'node:test';
import { eventually } from './eventually.js';

/** The built command, as a user runs it. */
export const CLI = fileURLToPath(new URL('../../src/cli.js', import.meta.url));

export interface CliProcess {
  readonly child: ChildProcess;
  readonly pid: number;
  /** What it has printed so far. */
  stdout(): string;
  stderr(): string;
  /** Resolves with the exit status, or the signal's name. */
  readonly exited: Promise<number | string>;
}

/** Starts the built command; the test's end kills it by its process id, also on failure. */
export function startCli(
  t: Pick<TestContext, 'after'>,
  args: readonly string[],
  options: {
    env?: Record<string, string>;
    cwd?: string;
    fileLimit?: number;
    /** A command that becomes this one, such as `ip netns exec NAME`. */
    through?: readonly string[];
  } = {},
): CliProcess {
  const env = { PATH: process.env.PATH ?? '', ...options.env };
  const node = [...(options.through ?? []), process.execPath, CLI, ...args];
  const [command = '', ...rest] =
    options.fileLimit === undefined
      ? node
      : ['sh', '-c', `ulimit -n ${options.fileLimit} && exec "$0" "$@"`, ...node];
  const child = spawn(command, rest, {
    env,
    cwd: options.cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const exited = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string);
  t.after(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  return { child, pid: child.pid ?? 0, stdout: () => stdout, stderr: () => stderr, exited };
}

export interface ServerProcess extends CliProcess {
  readonly url: string;
  readonly port: number;
}

/** Starts `serve` on a port (0 picks a free one) and waits until it listens. */
export async function startServerProcess(
  t: Pick<TestContext, 'after'>,
  options: {
    /** Of SQLite; or `databaseUrl` names another database. */
    file?: string;
    databaseUrl?: string;
    port?: number;
    args?: readonly string[];
    env?: Record<string, string>;
    /** How many files it may open. */
    fileLimit?: number;
    through?: readonly string[];
  },
): Promise<ServerProcess> {
  const { port = 0, args = [], env = {}, fileLimit, through = [] } = options;
  const databaseUrl = options.databaseUrl ?? `sqlite:${options.file ?? ''}`;
  const cli = startCli(
    t,
    ['serve', '--host', '127.0.0.1', '--port', String(port), '--database-url', databaseUrl, ...args],
    { env, through, ...(fileLimit === undefined ? {} : { fileLimit }) },
  );
  const listening = await eventually(
    'the server listens',
    () => {
      if (cli.child.exitCode !== null) throw new Error(`the server ended: ${cli.stderr()}${cli.stdout()}`);
      const line = cli
        .stdout()
        .split('\n')
        .find((text) => text.includes('"listening"'));
      return line === undefined ? undefined : (JSON.parse(line) as { port: number });
      // Twenty at once take their time on two cores.
    },
    180_000,
  );
  return { ...cli, port: listening.port, url: `http://127.0.0.1:${listening.port}` };
}
