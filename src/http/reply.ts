import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { acceptsJson, callsItselfNacos, mayComplete } from './user-agent.js';
import { RequestLog } from './request-log.js';
import type { RefusedCode } from '../registry/refused.js';
import type { Reason } from './http-observer.js';
import { unterminated, unterminatedForJava } from './transport/unterminated.js';

/** How long a connection that was ended may stand still. */
const LINGER_LIMIT_MS = 2_000;

/** RFC 9457 problem details; `type` is about:blank, so the title is the status's own. */
export interface Problem {
  readonly status: number;
  readonly detail: string;
  /** Why, on the Nacos side: with one the refusal leaves a trace (refused-trace.ts). */
  readonly code?: RefusedCode;
  /** For those who count; the status's own by default, of 503 that the store is out of reach. */
  readonly reason?: Reason;
  /** Seconds, for Retry-After. */
  readonly retryAfter?: number;
  /** For 405. */
  readonly allow?: string;
  /** For 401: what the caller is asked for. */
  readonly challenge?: string;
  /** The text in place of the detail for callers that want no JSON (the official API's own words). */
  readonly text?: string;
}

/** An error to somebody on the Nacos side: complete only for people, in their format. */
export function refuse(request: IncomingMessage, response: ServerResponse, problem: Problem): void {
  const reason = reasonOf(problem);
  leaveTrace(response, problem);
  if (!mayComplete(request)) return cutShort(response, problem.detail, reason);
  RequestLog.of(response)?.because(reason);
  if (acceptsJson(request)) return sendProblem(response, problem);
  send(response, problem.status, problem.text ?? `${problem.detail}\n`, headersOf(problem));
}

/** The answer to a method that a path does not offer. */
export function refuseMethod(request: IncomingMessage, response: ServerResponse, allow: string): void {
  refuse(request, response, {
    status: 405,
    detail: `${request.method} is not offered here, only ${allow}`,
    allow,
  });
}

/** An error on the operators' side, complete for all but a Nacos that went astray. */
export function sendProblem(response: ServerResponse, problem: Problem): void {
  const { status, detail } = problem;
  const reason = reasonOf(problem);
  if (callsItselfNacos(response.req)) return cutShort(response, detail, reason, 'astray');
  RequestLog.of(response)?.because(reason);
  const body = { type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, detail };
  sendJson(response, body, status, { ...headersOf(problem), 'Content-Type': 'application/problem+json' });
}

export function sendJson(
  response: ServerResponse,
  body: unknown,
  status = 200,
  headers: Record<string, string> = {},
): void {
  send(response, status, `${JSON.stringify(body)}\n`, { 'Content-Type': 'application/json', ...headers });
}

/** A complete answer. */
export function send(
  response: ServerResponse,
  status: number,
  body: string | Buffer,
  headers: Record<string, string> = {},
): void {
  if (response.headersSent || response.destroyed) return;
  RequestLog.of(response)?.complete(status);
  response.writeHead(status, {
    'Content-Type': 'text/plain;charset=UTF-8',
    'Content-Length': String(Buffer.byteLength(body)),
    'Cache-Control': 'no-store',
    ...headers,
  });
  response.end(body);
}

/** The answer that no Nacos takes for one (unterminated.ts). `code`: as of a {@link Problem}. */
export function cutShort(
  response: ServerResponse,
  sentence: string,
  reason: Reason,
  code?: RefusedCode,
): void {
  leaveTrace(response, { detail: sentence, code });
  const { socket } = response;
  if (!socket || response.headersSent) return void response.destroy();
  RequestLog.of(response)?.cut(reason);
  // Past the response, which could only end its chunks properly; it closes with the socket.
  const bytes = callsItselfNacos(response.req) ? unterminatedForJava(sentence) : unterminated(sentence);
  endWith(socket, bytes);
  // A body that nobody reads would keep the server from seeing that the caller has hung up.
  response.req.resume();
}

function leaveTrace(
  response: ServerResponse,
  { detail, code }: { readonly detail: string; readonly code?: RefusedCode | undefined },
): void {
  if (code !== undefined) RequestLog.of(response)?.refused({ detail, code });
}

/** The last bytes on a connection. Whoever does not hang up then is cut off. */
export function endWith(socket: Socket, bytes: Buffer): void {
  socket.end(bytes);
  socket.setTimeout(LINGER_LIMIT_MS);
}

function reasonOf({ status, reason }: Problem): Reason {
  return reason ?? REASON_OF[status] ?? (status >= 500 ? 'internal' : 'bad-request');
}

const REASON_OF: Readonly<Record<number, Reason>> = {
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not-found',
  405: 'method',
  409: 'refused',
  429: 'limited',
  503: 'store',
  507: 'refused',
};

function headersOf({ retryAfter, allow, challenge }: Problem): Record<string, string> {
  return {
    ...(retryAfter === undefined ? {} : { 'Retry-After': String(retryAfter) }),
    ...(allow === undefined ? {} : { Allow: allow }),
    ...(challenge === undefined ? {} : { 'WWW-Authenticate': challenge }),
  };
}
