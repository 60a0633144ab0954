import type { TestContext } from 'node:test';
import { pause } from '../../src/util/pause.js';
import { NEVER } from './eventually.js';
import { NACOS, RawConnection, request, type RawAnswer } from './raw.js';

/** A Nacos node as the server sees it: one kept-alive connection on which it polls, opened anew when it ends. */
export class NacosNode {
  readonly #port: number;
  readonly path: string;
  connection: RawConnection | undefined;

  constructor(t: Pick<TestContext, 'after'>, { port }: { port: number }, path: string) {
    this.#port = port;
    this.path = path;
    t.after(() => this.connection?.hangUp());
  }

  async poll(path = this.path): Promise<RawAnswer> {
    if (!this.connection || this.connection.isClosed) this.connection = await RawConnection.open(this.#port);
    this.connection.send(request('GET', path, NACOS));
    return this.connection.receive();
  }

  /** Polls again at once when it gets no list, as a Nacos that starts does. */
  async pollUntilListed(): Promise<RawAnswer> {
    const deadline = performance.now() + NEVER;
    for (;;) {
      const answer = await this.poll();
      if (answer.status === 200) return answer;
      if (performance.now() > deadline) throw new Error(`not listed: ${answer.status} ${answer.body}`);
    }
  }

  die(): void {
    this.connection?.hangUp();
  }
}

/**
 * Does some work while these nodes poll on, as running ones do: on a busy machine it may take longer than their TTL.
 * Resolves with what the work gives, once the last polls are answered.
 */
export async function whilePolling<T>(nodes: readonly NacosNode[], work: () => Promise<T>): Promise<T> {
  let isOver = false;
  const polling = (async () => {
    while (!isOver) {
      await Promise.all(nodes.map((node) => node.poll()));
      await pause(200);
    }
  })();
  try {
    return await work();
  } finally {
    isOver = true;
    await polling;
  }
}

/** The path of a poll with `self`. */
export function pollPath(self: string, query = ''): string {
  return `/nacos/serverlist?self=${self}${query}`;
}

/** Nodes that have bootstrapped `/nacos/serverlist` together. */
export async function bootstrapCluster(
  t: Pick<TestContext, 'after'>,
  server: { port: number },
  addresses: readonly string[],
  query: (address: string) => string = () => '',
): Promise<NacosNode[]> {
  const nodes = addresses.map(
    (address) => new NacosNode(t, server, pollPath(address, `&expect=${addresses.length}${query(address)}`)),
  );
  await Promise.all(nodes.map((node) => node.pollUntilListed()));
  return nodes;
}

/** Lets time pass as a running cluster sees it: each node polls every 5 s. */
export async function live(
  server: { pass(ms: number): Promise<void> },
  nodes: readonly NacosNode[],
  ms: number,
): Promise<void> {
  for (let left = ms; left > 0; left -= 5_000) {
    await server.pass(Math.min(left, 5_000));
    await Promise.all(nodes.map((node) => node.poll()));
  }
}

/** The addresses of a list's text, sorted. */
export function lines(body: string): string[] {
  return body
    .split('\n')
    .filter((line) => line !== '')
    .sort();
}
