import { Command, Option } from 'commander';

/** The server that the commands for operators ask. */
export function serverOption(): Option {
  return new Option('--server <url>', 'the running server').env('SERVER').default('http://127.0.0.1:8080');
}

/** A server that cannot be asked, or says no: a sentence. */
export class ClientError extends Error {
  override readonly name = 'ClientError';
}

/** Longest time an answer may take, in milliseconds. */
const TIMEOUT = 10_000;

/** GETs JSON from a server's API. Rejects with {@link ClientError}. */
export async function getJson<T>(server: string, path: string): Promise<T> {
  let url: URL;
  try {
    url = new URL(path, server);
  } catch {
    throw new ClientError(
      `--server=${JSON.stringify(server)} is no URL; it is such as http://127.0.0.1:8080`,
    );
  }
  let response: Response;
  try {
    response = await fetch(url, {
      headers: { accept: 'application/json' },
      signal: AbortSignal.timeout(TIMEOUT),
    });
  } catch (error) {
    const { message, cause } = error as Error;
    const reason = cause instanceof Error ? cause.message : message;
    throw new ClientError(
      `${url.origin} does not answer (${reason}); is the server running, and is --server right?`,
    );
  }
  const text = await response.text();
  if (!response.ok) throw new ClientError(`${url.origin} says ${response.status}: ${detailOf(text)}`);
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new ClientError(`${url.origin} answers, but not as this server does; is --server right?`);
  }
}

function detailOf(text: string): string {
  try {
    return (JSON.parse(text) as { detail?: string }).detail ?? text;
  } catch {
    return text.trim().slice(0, 200);
  }
}

/** Runs an action; a {@link ClientError} becomes a sentence and status 1. */
export async function run(action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    console.error(`nacos-address-server: ${error.message}`);
    process.exitCode = 1;
  }
}

/** A command for operators with the options that all of them have. */
export function clientCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .argument('[cluster]', 'only this one, as product/cluster; all if left out')
    .addOption(serverOption())
    .option('--json', 'print JSON in place of a table');
}

/** `product/cluster` as the API's path. */
export function clusterPath(cluster: string): string {
  const parts = cluster.split('/');
  if (parts.length !== 2 || parts.some((part) => part === '')) {
    throw new ClientError(
      `the cluster ${JSON.stringify(cluster)} is not of the form product/cluster, such as nacos/serverlist`,
    );
  }
  return `/api/v1/clusters/${parts.map(encodeURIComponent).join('/')}`;
}
