import type { Request } from 'express';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ANSWER_OF, type Ask, type Reason, type TrafficObserver } from './traffic.js';

const exchanges = new WeakMap<ServerResponse, Exchange>();

const METHODS = new Set(['GET', 'HEAD', 'POST', 'DELETE']);

/** The route of what is no poll and no heartbeat on a list's path. */
export const LIST_ROUTE = '/{product}/{cluster}';

/**
 * One request behind the front door, and what is answered to it: whoever handles it says what it is, whoever answers it
 * (reply.ts) says with what, and the observer is told at that moment, before the caller can know.
 */
export class Exchange {
  readonly #request: IncomingMessage;
  readonly #traffic: TrafficObserver;
  readonly #since = performance.now();
  readonly #asksToBeHeld: boolean;
  #ask: Ask | undefined;
  #route: string | undefined;
  #reason: Reason | undefined;
  #isOver = false;

  private constructor(request: IncomingMessage, traffic: TrafficObserver) {
    this.#request = request;
    this.#traffic = traffic;
    this.#asksToBeHeld = /[?&]wait=/.test(request.url ?? '');
  }

  /** A request has come. */
  static begin(request: IncomingMessage, response: ServerResponse, traffic: TrafficObserver): void {
    const exchange = new Exchange(request, traffic);
    exchanges.set(response, exchange);
    response.once('close', () => exchange.#closed(response));
  }

  static of(response: ServerResponse): Exchange | undefined {
    return exchanges.get(response);
  }

  /** It is about a list: a poll or a heartbeat, or something else, such as a leave. */
  isAboutList(ask: Ask | undefined): void {
    this.#ask = ask;
    this.#route = LIST_ROUTE;
  }

  /** Why the answer will be no list, or no success. */
  because(reason: Reason): void {
    this.#reason = reason;
  }

  /** The answer goes out, complete. */
  complete(status: number): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const ms = performance.now() - this.#since;
    if (this.#ask !== undefined) this.#answered(this.#ask, ms);
    else this.#requested(String(status), this.#asksToBeHeld ? undefined : ms);
  }

  /** It goes out, and will never be complete. */
  cut(reason: Reason): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#reason = reason;
    const ms = performance.now() - this.#since;
    if (this.#ask !== undefined) this.#answered(this.#ask, ms);
    else this.#requested('unterminated', ms);
    this.#traffic.cut(reason);
  }

  #answered(ask: Ask, ms: number): void {
    this.#traffic.answered(ask, this.#reason === undefined ? 'list' : ANSWER_OF[this.#reason], ms);
  }

  #requested(status: string, ms: number | undefined): void {
    const { method = '' } = this.#request;
    this.#traffic.requested({
      method: METHODS.has(method) ? method : 'other',
      route: this.#route ?? templateOf(this.#request),
      status,
      ms,
    });
  }

  /** The caller hung up before its answer; or a stream, which was answered by itself, has ended. */
  #closed(response: ServerResponse): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#ask !== undefined)
      this.#traffic.answered(this.#ask, 'abandoned', performance.now() - this.#since);
    else this.#requested(response.headersSent ? String(response.statusCode) : 'abandoned', undefined);
  }
}

/** The route's own path as OpenAPI writes it, and nothing of what the caller put into it. */
function templateOf(request: IncomingMessage): string {
  const {
    route,
    baseUrl = '',
    path,
  } = request as Partial<Pick<Request, 'baseUrl' | 'path'>> & {
    readonly route?: { readonly path: unknown };
  };
  const given = route?.path;
  const own: unknown = Array.isArray(given) ? given.find((one) => one === path) : given;
  return typeof own === 'string' ? `${baseUrl}${own}`.replace(/[:*](\w+)/g, '{$1}') : 'unmatched';
}
