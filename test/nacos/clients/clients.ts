import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder } from '../servers/jars.js';
import { javaCommand } from '../servers/java.js';

/*
 * SDK clients that find the nodes by endpoint, which is the list that the nodes poll.
 */

/** One that a registry has. */
export interface SdkClient {
  readonly type: 'java' | 'npm';
  readonly version: string;
  /** Whether it speaks to nodes of 1.4.x: later Java clients need gRPC. */
  readonly speaksToOld: boolean;
}

export const CLIENTS: readonly SdkClient[] = [
  { type: 'java', version: '1.4.7', speaksToOld: true },
  { type: 'java', version: '2.5.1', speaksToOld: false },
  { type: 'java', version: '3.0.3', speaksToOld: false },
  { type: 'npm', version: '2.6.3', speaksToOld: true },
];

/** These files are not compiled, so they stay where the sources are. */
export const SOURCES = fileURLToPath(new URL('../../../../test/nacos/clients/', import.meta.url));

/** Where a fetched client lies, whether or not it is there. */
export function clientFolder({ type, version }: SdkClient): string {
  return join(cacheFolder(), 'clients', `${type}-${version}`);
}

/** Why a client cannot be run, and what to do; undefined when it can. */
export function missingClient(client: SdkClient): string | undefined {
  const folder = clientFolder(client);
  return existsSync(folder) ? undefined : `the client is not in ${folder}: npm run fetch:nacos`;
}

/** What a client shall do. */
export interface Registering {
  /** The address server's. */
  readonly port: number;
  readonly service: string;
  /** The list's name, and what follows it in the URL; npm's client knows the usual one only. */
  readonly list: string;
  /** Its home, where it keeps files. */
  readonly home: string;
}

/** How long a client may take, in milliseconds. */
const LIMIT = 5 * 60_000;

/** Has a client find the nodes, register an instance and read it; resolves with what it printed, or why it failed. */
export function register(client: SdkClient, { port, service, list, home }: Registering): Promise<string> {
  const folder = clientFolder(client);
  const [command, ...args] =
    client.type === 'npm'
      ? [
          process.execPath,
          fileURLToPath(new URL('./register.js', import.meta.url)),
          join(folder, 'node_modules', 'nacos'),
          String(port),
          service,
        ]
      : [
          javaCommand(),
          `-Duser.home=${home}`,
          '-cp',
          readdirSync(folder)
            .map((jar) => join(folder, jar))
            .join(':'),
          join(SOURCES, 'Register.java'),
          ...[String(port), service, list, 'public'],
        ];
  return new Promise((resolve) => {
    execFile(
      command ?? '',
      args,
      { timeout: LIMIT, killSignal: 'SIGKILL', cwd: home },
      (error, stdout, stderr) =>
        resolve(error ? `${error.message}\n${stdout}${stderr}`.slice(0, 2_000) : stdout),
    );
  });
}
