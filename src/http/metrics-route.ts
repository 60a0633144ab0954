import type { Request, Response } from 'express';
import type { RegistryService } from '../runtime/registry-service.js';
import type { Access } from './access/access.js';
import { callsItselfNacos } from './user-agent.js';
import type { Connections } from './transport/connections.js';
import type { LoopBudget } from '../util/loop-budget.js';
import type { HeldRequests } from './transport/held-requests.js';
import { cutShort, send, sendProblem } from './reply.js';
import type { TrafficObserver } from './http-observer.js';

/** The path of this server's metrics. */
export const METRICS_PATH = '/metrics';

/** The parts of the server that metrics read. */
export interface Readable {
  readonly service: RegistryService;
  readonly connections: Pick<Connections, 'count'>;
  readonly heldRequests: Pick<HeldRequests, 'held'>;
}

/** The metrics of one server. Implementations need not know HTTP, nor HTTP their library. */
export interface Metrics {
  readonly traffic: TrafficObserver;
  readonly contentType: string;
  /** Renders all metrics as text. Concurrent callers share one copy of one text. */
  render(server: Readable): Promise<Buffer>;
}

/** How many callers may wait for metrics at once. Scrapers are few, and each answer may be large. */
const WAITING = 50;

/**
 * `GET /metrics`. A Nacos node whose url names it gets no complete answer: it would take the text for a list,
 * or start alone.
 */
export function metricsRoute(metrics: Metrics, access: Access, server: Readable, share: LoopBudget) {
  let waiting = 0;
  return async (request: Request, response: Response): Promise<void> => {
    if (callsItselfNacos(request)) {
      const sentence =
        'these are metrics, not a list; a list is at /{product}/{cluster}, usually /nacos/serverlist';
      return cutShort(response, sentence, 'astray');
    }
    const refused = access.refuseRead(request, 'all');
    if (refused) return sendProblem(response, refused);
    if (waiting >= WAITING) {
      const detail = `${WAITING} callers wait for metrics already; ask again later`;
      return sendProblem(response, { status: 429, detail, retryAfter: 1 });
    }
    waiting++;
    response.once('close', () => waiting--);
    const text = await metrics.render(server);
    // All waiting callers continue at the same moment, and polls must not wait for all of them.
    share.run(() => send(response, 200, text, { 'Content-Type': metrics.contentType }));
  };
}

/** Refuses other methods. */
export function refuseMetricsMethod({ method }: Request, response: Response): void {
  const allow = 'GET, HEAD';
  sendProblem(response, { status: 405, detail: `${method} is not offered here, only ${allow}`, allow });
}
