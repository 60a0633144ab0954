import type { Request, Response } from 'express';
import type { RegistryService } from '../runtime/service.js';
import type { Access } from './access/access.js';
import { callsItselfNacos } from './caller.js';
import type { Connections } from './connections.js';
import type { Patience } from './patience.js';
import { cutShort, send, sendProblem } from './reply.js';
import type { TrafficObserver } from './traffic.js';

/** Where this server's metrics are. */
export const METRICS_PATH = '/metrics';

/** What is there to be read when metrics are asked for. */
export interface Readable {
  readonly service: RegistryService;
  readonly connections: Pick<Connections, 'count'>;
  readonly patience: Pick<Patience, 'held'>;
}

/** Metrics of one server; what implements it need not know of HTTP, nor HTTP of what they are written with. */
export interface Metrics {
  readonly traffic: TrafficObserver;
  readonly contentType: string;
  /** All of them as text. Those who ask at once share one text. */
  render(server: Readable): Promise<string>;
}

/**
 * `GET /metrics`. A Nacos whose url names it gets nothing complete: it would take the text for a list, or start alone.
 */
export function metricsRoute(metrics: Metrics, access: Access, server: Readable) {
  return async (request: Request, response: Response): Promise<void> => {
    if (callsItselfNacos(request)) {
      const sentence =
        'these are metrics, and no list; a list is at /{product}/{cluster}, usually /nacos/serverlist';
      return cutShort(response, sentence, 'astray');
    }
    const refused = access.refuseRead(request, 'all');
    if (refused) return sendProblem(response, refused);
    send(response, 200, await metrics.render(server), { 'Content-Type': metrics.contentType });
  };
}

/** Any other method. */
export function refuseMetricsMethod({ method }: Request, response: Response): void {
  const allow = 'GET, HEAD';
  sendProblem(response, { status: 405, detail: `${method} is not offered here, only ${allow}`, allow });
}
