import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AccessControl } from '../access/access-control.js';
import { whyNotFromBrowser } from '../cross-site.js';
import { RequestLog } from '../request-log.js';
import type { NacosRoutes } from './routes.js';
import { OFFICIAL_PATH } from './official-api.js';
import { targetOf } from './read-list-request.js';
import { refuse } from '../reply.js';
import { isListPath } from './list-request.js';

const METHODS = new Set(['GET', 'HEAD', 'POST', 'DELETE']);

export interface StraightParts {
  readonly routes: NacosRoutes;
  readonly access: AccessControl;
  /** The most header fields; requests with more are refused elsewhere. */
  readonly headerFields: number;
  /** Responds to an error that a handler throws. */
  readonly failed: (error: unknown, request: IncomingMessage, response: ServerResponse) => void;
}

/**
 * Answers the most frequent requests without express and its body parsers, which cost several times the
 * answer: polls, heartbeats, leaves, and official changes that are refused whatever their body holds.
 * Requests with any error go on to express, which refuses them.
 */
export class Straight {
  readonly #parts: StraightParts;

  constructor(parts: StraightParts) {
    this.#parts = parts;
  }

  /** False if the request is of another kind; nothing has been done then. */
  answers(request: IncomingMessage, response: ServerResponse): boolean {
    const { routes, access, headerFields, failed } = this.#parts;
    const { method = '', url = '' } = request;
    if (!METHODS.has(method) || request.rawHeaders.length > 2 * headerFields) return false;
    const path = url.split('?', 1)[0] ?? '';
    const isList = isListPath(path) && targetOf(request).ok;
    if (!isList && path !== OFFICIAL_PATH) return false;
    if (whyNotFromBrowser(request, access) !== undefined) return false;
    if (isList) {
      // A body is read before a request is held or decided, and a list needs neither.
      if (hasBody(request)) return method === 'GET' && routes.isQuick(request, response);
      routes.answer(request, response).catch((error: unknown) => failed(error, request, response));
      return true;
    }
    const refused = method === 'GET' || method === 'HEAD' ? undefined : access.refuseUnread(request);
    if (!refused) return false;
    RequestLog.of(response)?.isAbout(OFFICIAL_PATH);
    refuse(request, response, refused);
    return true;
  }
}

/** Whether a request has a body: one of these fields announces it (RFC 9112, 6). */
function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers['content-length'];
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}
