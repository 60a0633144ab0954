import type { NextFunction, Request, Response } from 'express';
import type { IncomingMessage } from 'node:http';
import type { AccessControl } from './access/access-control.js';
import { isFromBrowser } from './browser.js';
import { readTarget } from './nacos/read-list-request.js';
import { refuse, sendProblem, type Problem } from './reply.js';
import { isListPath, quote } from './nacos/list-request.js';

/**
 * Refuses changes of a list that a browser sends for another site: a page must not be able to register, take
 * off or recover members with its visitor's access to this server. Reads are answered, since another site
 * cannot see the answer, unless it has pointed its own name at this server's address (DNS rebinding). So a
 * browser must call the operators' side by a known name.
 */
export function guardBrowsers(access: Pick<AccessControl, 'knowsHost'>) {
  return (request: Request, response: Response, next: NextFunction): void => {
    const detail = whyNotFromBrowser(request, access);
    if (detail === undefined) return next();
    const problem: Problem = { status: 403, detail };
    if (request.path.startsWith('/api/v1/')) sendProblem(response, problem);
    else refuse(request, response, problem);
  };
}

/** Why a browser's request is refused; undefined if it is not, or no browser sent it. */
export function whyNotFromBrowser(
  request: IncomingMessage,
  access: Pick<AccessControl, 'knowsHost'>,
): string | undefined {
  const isChange = mayChange(request);
  const from = isChange ? otherSite(request) : undefined;
  if (from !== undefined) {
    return `this comes from another site (${from}), and only this server's own page or a program may change a list; nothing was changed`;
  }
  const { host } = request.headers;
  if (access.knowsHost(host) || !isFromBrowser(request.headers) || !isForOperators(request)) return undefined;
  return `a browser calls this server ${quote(host ?? '')}, which may be the name of another site; open it by its IP address, or name it in ALLOWED_HOSTS`;
}

/**
 * The header that shows that a browser sends the request for another site; undefined if none does.
 * Sec-Fetch-Site decides if present, since a proxy may have changed the Host with which an Origin is
 * compared; browsers send it only over https and to this machine. (The same order as in Go's
 * http.CrossOriginProtection.)
 */
export function otherSite({ headers }: Pick<IncomingMessage, 'headers'>): string | undefined {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) {
    return site === 'same-origin' || site === 'none' ? undefined : `Sec-Fetch-Site: ${quote(site)}`;
  }
  const { origin, host } = headers;
  return origin === undefined || (host !== undefined && hostOf(origin) === host.toLowerCase())
    ? undefined
    : `Origin: ${quote(origin)}`;
}

/**
 * The host of an origin. Undefined for `null`, which hides the site's name, and for any text that is not an
 * origin.
 */
function hostOf(origin: string): string | undefined {
  return /^https?:\/\/([^/?#@\s]+)$/.exec(origin.toLowerCase())?.[1];
}

/**
 * Whether a request may change a list: every request but reads, and a read of a list that names a member,
 * which is a poll.
 */
function mayChange(request: IncomingMessage): boolean {
  const { method } = request;
  if (method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS') return true;
  if (method !== 'GET' || !isListPath(pathOf(request))) return false;
  const target = readTarget(request);
  return !target.ok || target.value.self !== undefined;
}

/**
 * Whether a request is for the operators' side: every one but reads that need no permission, of lists and of
 * health.
 */
function isForOperators(request: IncomingMessage): boolean {
  const { method } = request;
  if (method !== 'GET' && method !== 'HEAD') return true;
  const path = pathOf(request);
  return path !== '/healthz' && path !== '/readyz' && !isListPath(path);
}

function pathOf({ url = '' }: IncomingMessage): string {
  return url.split('?', 1)[0] ?? '';
}
