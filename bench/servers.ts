import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Child, Children } from './children.js';
import { ask, clusterPath, expectedList } from './members.js';
import { childrenOf } from './machine.js';
import { nginxConfig } from './nginx.js';

/** How long a server may take to give its first answer, in milliseconds. */
const PATIENCE = 20_000;

/** A server under test. */
export interface Server {
  readonly child: Child;
  readonly port: number;
  /** The process that answers; nginx's worker, not its master. */
  readonly pid: number;
  /** Milliseconds from the start of its process to its first complete 200. */
  readonly startup: number;
}

/** nginx with one worker, and the list as a file. */
export async function startNginx(children: Children, program: string, folder: string): Promise<Server> {
  const port = await freePort();
  const prefix = join(folder, 'nginx');
  const file = join(prefix, 'html', clusterPath(0));
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, expectedList(0));
  // The worker runs as another user.
  for (const path of [folder, prefix, join(prefix, 'html'), join(file, '..'), file]) chmodSync(path, 0o755);
  const config = join(prefix, 'nginx.conf');
  writeFileSync(config, nginxConfig(prefix, port));
  const child = children.start(program, ['-p', prefix, '-c', config, '-e', join(prefix, 'error.log')]);
  const startup = await firstAnswer(child, port, clusterPath(0));
  return { child, port, startup, pid: childrenOf(child.pid)[0] ?? child.pid };
}

/** The least that Node's own HTTP server can do. */
export async function startBareNode(children: Children): Promise<Server> {
  const port = await freePort();
  const script = fileURLToPath(new URL('./bare-node-server.js', import.meta.url));
  const child = children.start(process.execPath, [script, String(port)]);
  const startup = await firstAnswer(child, port, clusterPath(0));
  return { child, port, startup, pid: child.pid };
}

export interface ServerOptions {
  /** `sqlite:…`, `mysql://…` or `postgres://…`. */
  readonly databaseUrl: string;
  /** What the first answer is asked for. */
  readonly path: string;
  /** Node's and the server's own. */
  readonly nodeFlags: readonly string[];
  readonly args: readonly string[];
}

/** All load comes from one address. */
const NO_LIMITS = ['--write-rate-limit', '0', '--client-clusters', '0', '--client-addresses', '0'];

/** The built command as a user runs it. */
export async function startAddressServer(
  children: Children,
  { databaseUrl, path, nodeFlags, args }: ServerOptions,
): Promise<Server> {
  const port = await freePort();
  const cli = fileURLToPath(new URL('../src/cli.js', import.meta.url));
  const settings = ['--host', '127.0.0.1', '--port', String(port), '--database-url', databaseUrl];
  const serve = [cli, 'serve', ...settings, '--probe', 'off', ...NO_LIMITS, ...args];
  const child = children.start(process.execPath, [...nodeFlags, ...serve]);
  const startup = await firstAnswer(child, port, path);
  return { child, port, startup, pid: child.pid };
}

async function firstAnswer(child: Child, port: number, path: string): Promise<number> {
  let problem: unknown;
  while (performance.now() - child.startedAt < PATIENCE && child.process.exitCode === null) {
    try {
      const { status } = await ask(port, path);
      if (status === 200) return performance.now() - child.startedAt;
      problem = new Error(`status ${status}`);
    } catch (error) {
      problem = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`${child.process.spawnfile} gave no answer; it says: ${child.stderr()}${child.stdout()}`, {
    cause: problem,
  });
}

/** A port of 127.0.0.1 that nobody had a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
