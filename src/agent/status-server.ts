import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Agent } from './agent.js';
import { withinTime } from './limit.js';
import type { RegistryClient } from './registry-client.js';

/** How long the registry may take to say whether this node has settled; probes wait a second or two. */
const TIMEOUT_MS = 900;

/**
 * Serves a platform's probes: `/healthz` while the agent runs; `/readyz` when cluster.conf has a list, so
 * that Nacos may start; `/settled` when the registry counts this node as settled, so that the next one may be
 * replaced. `/settled` never turns false again: trouble of the registry must not take a running Nacos out of
 * service.
 */
export class StatusServer {
  readonly #agent: Agent;
  readonly #client: RegistryClient;
  readonly #server: Server;
  #wasSettled = false;

  constructor(agent: Agent, client: RegistryClient) {
    this.#agent = agent;
    this.#client = client;
    this.#server = createServer((request, response) => {
      const path = (request.url ?? '').split('?', 1)[0];
      if (request.method !== 'GET' && request.method !== 'HEAD')
        return send(response, 405, 'only GET is offered here');
      if (path === '/healthz') return send(response, 200, 'the agent is running');
      if (path === '/readyz') return this.#ready(response);
      if (path === '/settled') return void this.#settled(response);
      send(response, 404, 'this port serves only /healthz, /readyz and /settled');
    });
    this.#server.requestTimeout = 5_000;
    this.#server.headersTimeout = 5_000;
    this.#server.maxConnections = 100;
  }

  /** Rejects with the system's error. */
  async listen(host: string | undefined, port: number): Promise<number> {
    this.#server.listen({ port, ...(host === undefined ? {} : { host }) });
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  #ready(response: ServerResponse): void {
    const { source, reason } = this.#agent;
    if (source === undefined) return send(response, 503, reason);
    send(
      response,
      200,
      `the ${source === 'disk' ? 'last ' : ''}list is in cluster.conf${reason === '' ? '' : `; ${reason}`}`,
    );
  }

  async #settled(response: ServerResponse): Promise<void> {
    const { source, reason } = this.#agent;
    if (this.#wasSettled) return send(response, 200, 'this node has settled');
    if (source === undefined) return send(response, 503, reason);
    const answer = await withinTime(TIMEOUT_MS, undefined, (signal) => this.#client.isSettled(signal));
    // With every server unavailable there is nothing to wait for, and a starting node must not be kept out.
    if (!answer) return send(response, 200, 'no server can say whether this node has settled');
    this.#wasSettled = answer.settled;
    send(response, answer.settled ? 200 : 503, answer.settled ? 'this node has settled' : answer.said);
  }
}

function send(response: ServerResponse, status: number, sentence: string): void {
  const body = `${sentence}\n`;
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
  });
  response.end(body);
}
