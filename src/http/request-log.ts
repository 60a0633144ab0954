import type { Request } from 'express';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HoldWatch } from '../runtime/registry-service.js';
import type { Traced } from './refused-trace.js';
import {
  OUTCOME_OF,
  type Outcome,
  type RequestKind,
  type Reason,
  type TrafficObserver,
} from './http-observer.js';

/**
 * The property of a response that holds its exchange. Both then die in the same scavenge, while the value of
 * a WeakMap may live until a full collection.
 */
const REQUEST_LOG = Symbol('request log');

type LoggedResponse = ServerResponse & { [REQUEST_LOG]?: RequestLog };

const METHODS = new Set(['GET', 'HEAD', 'POST', 'DELETE']);

/** The route of a request on a list's path that is neither a poll nor a heartbeat. */
export const LIST_ROUTE = '/{product}/{cluster}';

type OnRefused = (request: IncomingMessage, traced: Traced) => void;

/**
 * One request behind the front door, and its answer. The handler sets what the request is, and the sender
 * (reply.ts) how it was answered. The observer is called at that moment, before the caller can know.
 */
export class RequestLog implements HoldWatch {
  readonly #request: IncomingMessage;
  readonly #traffic: TrafficObserver;
  readonly #onRefused: OnRefused;
  readonly #since = performance.now();
  readonly #asksToBeHeld: boolean;
  #ask: RequestKind | undefined;
  #route: string | undefined;
  #reason: Reason | undefined;
  #heldSince: number | undefined;
  /** Milliseconds. */
  #held = 0;
  #isOver = false;

  private constructor(request: IncomingMessage, traffic: TrafficObserver, onRefused: OnRefused) {
    this.#request = request;
    this.#traffic = traffic;
    this.#onRefused = onRefused;
    this.#asksToBeHeld = /[?&]wait=/.test(request.url ?? '');
  }

  /** Starts the log of a request. `onRefused` is called if its refusal leaves a trace. */
  static start(
    request: IncomingMessage,
    response: ServerResponse,
    traffic: TrafficObserver,
    onRefused: OnRefused = () => undefined,
  ): void {
    const requestLog = new RequestLog(request, traffic, onRefused);
    (response as LoggedResponse)[REQUEST_LOG] = requestLog;
    response.once('close', () => requestLog.#closed(response));
  }

  static of(response: ServerResponse): RequestLog | undefined {
    return (response as LoggedResponse)[REQUEST_LOG];
  }

  /** Marks it as a list request: a poll, a heartbeat, or another one, such as a leave. */
  isAboutList(ask: RequestKind | undefined): void {
    this.#ask = ask;
    this.#route = LIST_ROUTE;
  }

  /** Sets the route of a request that is answered without express, which would know it. */
  isAbout(route: string): void {
    this.#route = route;
  }

  /** Sets why the answer will have no list, or be no success. */
  because(reason: Reason): void {
    this.#reason = reason;
  }

  /** Records a refusal that leaves a trace (refused-trace.ts). */
  refused(traced: Traced): void {
    this.#onRefused(this.#request, traced);
  }

  begin(): void {
    this.#heldSince ??= performance.now();
  }

  end(): void {
    if (this.#heldSince === undefined) return;
    this.#held += performance.now() - this.#heldSince;
    this.#heldSince = undefined;
  }

  /** Records a complete response. */
  complete(status: number): void {
    if (this.#isOver) return;
    const ms = this.#over();
    const answer = this.#reason === undefined ? 'list' : OUTCOME_OF[this.#reason];
    if (this.#ask !== undefined) this.#answered(this.#ask, answer, ms);
    else this.#requested(String(status), this.#asksToBeHeld ? undefined : ms);
  }

  /** Records an unterminated response. */
  cut(reason: Reason): void {
    if (this.#isOver) return;
    this.#reason = reason;
    const ms = this.#over();
    if (this.#ask !== undefined) this.#answered(this.#ask, OUTCOME_OF[reason], ms);
    else this.#requested('unterminated', ms);
    this.#traffic.cut(reason);
  }

  /** Ends the request and returns its duration, in milliseconds. */
  #over(): number {
    this.#isOver = true;
    this.end();
    return performance.now() - this.#since;
  }

  #answered(ask: RequestKind, answer: Outcome, ms: number): void {
    // The wait that a heartbeat asks for says nothing about the server.
    const asked = ask === 'heartbeat' && this.#asksToBeHeld;
    this.#traffic.answered(ask, answer, asked ? ms - this.#held : ms);
    if (this.#held === 0 || asked) return;
    const isAbandoned = answer === 'abandoned' || this.#reason === 'stopping';
    this.#traffic.held(this.#held, answer === 'list' ? 'list' : isAbandoned ? 'abandoned' : 'no-list');
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

  /**
   * Handles a closed response: the caller hung up early, or a stream, which was answered at its start, has
   * ended.
   */
  #closed(response: ServerResponse): void {
    if (this.#isOver) return;
    const ms = this.#over();
    if (this.#ask !== undefined) this.#answered(this.#ask, 'abandoned', ms);
    else this.#requested(response.headersSent ? String(response.statusCode) : 'abandoned', undefined);
  }
}

/** The route's path as OpenAPI writes it, without any of the caller's values. */
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
