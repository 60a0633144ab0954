import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificates } from './certificates.js';
import { openAdmin, type ServerDialect, type ServerName } from './databases.js';
import { atProcessEnd, endWithThisProcess } from './processes.js';
import { ADMIN, DATABASE, PASSWORD, SERVER_KINDS, USER, type ServerKind } from './server-kinds.js';

/** A database server of the test's own, with TLS, on 127.0.0.1 and 127.0.0.2 (MySQL 5.7: without, on the first). */
export interface PrivateServer {
  readonly dialect: ServerDialect;
  readonly port: number;
  /** Of the CA that signed the server's certificate, which is for `localhost` and 127.0.0.2. */
  readonly ca: string;
  /** Of a CA that signed nothing. */
  readonly otherCa: string;
  readonly database: string;
  /** May do everything. */
  readonly admin: string;
  /** May use the database. */
  readonly user: string;
  /** Of both. */
  readonly password: string;
  /** Its process. */
  readonly pid: number;
  stop(): Promise<void>;
}

/** How long a server may take to start on a machine that has other things to do, in milliseconds. */
const START_LIMIT = 180_000;

/** How often another port is tried when somebody else got it in between. */
const TRIES = 5;

/** Why there can be no server of this kind on this machine, or false. */
export function privateServerMissing(name: ServerName): string | false {
  return SERVER_KINDS[name].missing() ?? false;
}

/**
 * Starts a server in a folder of its own, which takes some seconds; an odd one has defaults that no session can use.
 * It ends with this process at the latest.
 */
export async function startPrivateServer(name: ServerName, { isOdd = false } = {}): Promise<PrivateServer> {
  const kind = SERVER_KINDS[name];
  const missing = kind.missing();
  if (missing !== undefined) throw new Error(`${name} cannot be started: ${missing}`);
  for (let left = TRIES; ; left--) {
    try {
      return await tryToStart(kind, await freePort(), isOdd);
    } catch (error) {
      if (left === 0 || !(error instanceof PortInUse)) throw error;
    }
  }
}

/** Somebody listens on the port that was free a moment ago. */
class PortInUse extends Error {}

async function tryToStart(kind: ServerKind, port: number, isOdd: boolean): Promise<PrivateServer> {
  const folder = mkdtempSync(join(tmpdir(), 'address-server-db-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  const removed = atProcessEnd(remove);
  let child: ChildProcess | undefined;
  const stop = async (): Promise<void> => {
    if (child?.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit');
      // It may have been stopped by the test.
      child.kill('SIGCONT');
      child.kill(kind.stopSignal);
      const force = setTimeout(() => child?.kill('SIGKILL'), 30_000);
      await exited;
      clearTimeout(force);
    }
    remove();
    removed();
  };
  try {
    makeCertificates(folder);
    const owner = process.getuid?.() === 0 ? kind.owner() : undefined;
    if (owner) {
      for (const path of ['', ...readdirSync(folder)]) chownSync(join(folder, path), owner.uid, owner.gid);
    }
    child = kind.start({ folder, port, owner, isOdd });
    endWithThisProcess(child);
    await ready(kind.dialect, port, child);
    const [ca, otherCa] = [join(folder, 'ca.pem'), join(folder, 'other.pem')];
    const names = { database: DATABASE, admin: ADMIN, user: USER, password: PASSWORD };
    return { dialect: kind.dialect, port, ca, otherCa, ...names, pid: child.pid ?? 0, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Resolves when the server takes logins. */
async function ready(dialect: ServerDialect, port: number, child: ChildProcess): Promise<void> {
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-4_000)));
  }
  const deadline = performance.now() + START_LIMIT;
  for (;;) {
    if (child.exitCode !== null || child.signalCode !== null) {
      if (/address already in use/i.test(output)) throw new PortInUse(`port ${port} is in use: ${output}`);
      throw new Error(`the server ended: ${output}`);
    }
    // PostgreSQL listens before it is ready.
    const refused = await login(dialect, port);
    if (refused === undefined) return;
    if (performance.now() > deadline) {
      throw new Error(`the server was not ready within ${START_LIMIT / 1_000} s (${refused}): ${output}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Why nobody can log in yet. */
async function login(dialect: ServerDialect, port: number): Promise<string | undefined> {
  try {
    await (await openAdmin(dialect, adminUrl(dialect, port))).close();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** The URL of a server of the tests' own, for its administrator. */
export function adminUrl(dialect: ServerDialect, port: number): string {
  return `${dialect}://${ADMIN}:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}/${DATABASE}`;
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
