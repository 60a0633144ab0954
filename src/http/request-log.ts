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
 * Where a response carries its exchange: on itself, so that both die in the same scavenge. What a WeakMap holds may live
 * until a full collection.
 */
const REQUEST_LOG = Symbol('request log');

type LoggedResponse = ServerResponse & { [REQUEST_LOG]?: RequestLog };

const METHODS = new Set(['GET', 'HEAD', 'POST', 'DELETE']);

/** The route of what is no poll and no heartbeat on a list's path. */
export const LIST_ROUTE = '/{product}/{cluster}';

type OnRefused = (request: IncomingMessage, traced: Traced) => void;

/**
 * One request behind the front door, and what is answered to it: whoever handles it says what it is, whoever answers it
 * (reply.ts) says with what, and the observer is told at that moment, before the caller can know.
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

  /** A request has come. `onRefused` is told when its refusal leaves a trace. */
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

  /** It is about a list: a poll or a heartbeat, or something else, such as a leave. */
  isAboutList(ask: RequestKind | undefined): void {
    this.#ask = ask;
    this.#route = LIST_ROUTE;
  }

  /** It is answered without express, which would know its route. */
  isAbout(route: string): void {
    this.#route = route;
  }

  /** Why the answer will be no list, or no success. */
  because(reason: Reason): void {
    this.#reason = reason;
  }

  /** It is refused, for a reason that leaves a trace (refused-trace.ts). */
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

  /** The answer goes out, complete. */
  complete(status: number): void {
    if (this.#isOver) return;
    const ms = this.#over();
    const answer = this.#reason === undefined ? 'list' : OUTCOME_OF[this.#reason];
    if (this.#ask !== undefined) this.#answered(this.#ask, answer, ms);
    else this.#requested(String(status), this.#asksToBeHeld ? undefined : ms);
  }

  /** It goes out, and will never be complete. */
  cut(reason: Reason): void {
    if (this.#isOver) return;
    this.#reason = reason;
    const ms = this.#over();
    if (this.#ask !== undefined) this.#answered(this.#ask, OUTCOME_OF[reason], ms);
    else this.#requested('unterminated', ms);
    this.#traffic.cut(reason);
  }

  /** Returns how long it took, in milliseconds. */
  #over(): number {
    this.#isOver = true;
    this.end();
    return performance.now() - this.#since;
  }

  #answered(ask: RequestKind, answer: Outcome, ms: number): void {
    // What a heartbeat asked for says nothing of the server.
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

  /** The caller hung up before its answer; or a stream, which was answered by itself, has ended. */
  #closed(response: ServerResponse): void {
    if (this.#isOver) return;
    const ms = this.#over();
    if (this.#ask !== undefined) this.#answered(this.#ask, 'abandoned', ms);
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
