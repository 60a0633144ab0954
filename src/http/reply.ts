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
  /** The reason on the Nacos side; a refusal with one leaves a trace (refused-trace.ts). */
  readonly code?: RefusedCode;
  /**
   * The reason for metrics; by default that of the status, where 503 means that the store is out of reach.
   */
  readonly reason?: Reason;
  /** Seconds, for Retry-After. */
  readonly retryAfter?: number;
  /** For 405. */
  readonly allow?: string;
  /** For 401: the challenge. */
  readonly challenge?: string;
  /** The text instead of the detail for callers that do not accept JSON (the official API's wording). */
  readonly text?: string;
}

/** Sends an error on the Nacos side: a complete response only to people's programs, in their format. */
export function refuse(request: IncomingMessage, response: ServerResponse, problem: Problem): void {
  const reason = reasonOf(problem);
  leaveTrace(response, problem);
  if (!mayComplete(request)) return cutShort(response, problem.detail, reason);
  RequestLog.of(response)?.because(reason);
  if (acceptsJson(request)) return sendProblem(response, problem);
  send(response, problem.status, problem.text ?? `${problem.detail}\n`, headersOf(problem));
}

/** Refuses a method that a path does not offer. */
export function refuseMethod(request: IncomingMessage, response: ServerResponse, allow: string): void {
  refuse(request, response, {
    status: 405,
    detail: `${request.method} is not offered here, only ${allow}`,
    allow,
  });
}

/** Sends an error on the operators' side, complete for all callers but a misdirected Nacos node. */
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

/** Sends a complete response. */
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

/**
 * Sends the response that no Nacos accepts as an answer (unterminated.ts). `code`: as in a {@link Problem}.
 */
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
  // Bypass the response object, which can only end its chunks properly; it closes with the socket.
  const bytes = callsItselfNacos(response.req) ? unterminatedForJava(sentence) : unterminated(sentence);
  endWith(socket, bytes);
  // An unread body would keep the server from noticing that the caller has hung up.
  response.req.resume();
}

function leaveTrace(
  response: ServerResponse,
  { detail, code }: { readonly detail: string; readonly code?: RefusedCode | undefined },
): void {
  if (code !== undefined) RequestLog.of(response)?.refused({ detail, code });
}

/** Writes the last bytes on a connection, and cuts it off if the caller does not hang up. */
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
