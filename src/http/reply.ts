import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import { acceptsJson, callsItselfNacos, mayComplete } from './caller.js';
import { unterminated } from './unterminated.js';

/** RFC 9457 problem details; `type` is about:blank, so the title is the status's own. */
export interface Problem {
  readonly status: number;
  readonly detail: string;
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
  if (!mayComplete(request)) return cutShort(response, problem.detail);
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
  if (callsItselfNacos(response.req)) return cutShort(response, detail);
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
  body: string,
  headers: Record<string, string> = {},
): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, {
    'Content-Type': 'text/plain;charset=UTF-8',
    'Content-Length': String(Buffer.byteLength(body)),
    'Cache-Control': 'no-store',
    ...headers,
  });
  response.end(body);
}

/** The answer that no Nacos takes for one (unterminated.ts). */
export function cutShort(response: ServerResponse, sentence: string): void {
  const { socket } = response;
  if (!socket || response.headersSent) return void response.destroy();
  // Past the response, which could only end its chunks properly; it closes with the socket.
  socket.end(unterminated(sentence));
}

function headersOf({ retryAfter, allow, challenge }: Problem): Record<string, string> {
  return {
    ...(retryAfter === undefined ? {} : { 'Retry-After': String(retryAfter) }),
    ...(allow === undefined ? {} : { Allow: allow }),
    ...(challenge === undefined ? {} : { 'WWW-Authenticate': challenge }),
  };
}
