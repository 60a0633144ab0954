import type { NextFunction, Request, Response } from 'express';
import type { IncomingMessage } from 'node:http';
import { refuse, sendProblem, type Problem } from './reply.js';
import { isListPath, quote } from './target.js';

/** By these a browser says from where a request comes; no Nacos, and hardly a script, sends one. */
export const CROSS_SITE_HEADERS = ['origin', 'sec-fetch-site'] as const;

/**
 * Refuses what changes a list when a browser sends it for another site: a page that somebody visits must not be able
 * to register, take off or recover members with the visitor's access to this server. What only reads is answered; no
 * other site can see the answer.
 */
export function refuseCrossSite(request: Request, response: Response, next: NextFunction): void {
  const from = otherSite(request);
  if (from === undefined || !mayChange(request)) return next();
  const problem: Problem = {
    status: 403,
    detail: `this comes from another site (${from}), and only this server's own page or a program may change a list; nothing was changed`,
  };
  if (request.path.startsWith('/api/v1/')) sendProblem(response, problem);
  else refuse(request, response, problem);
}

/**
 * The header that says that a browser sends the request for another site; undefined when none does. Sec-Fetch-Site
 * decides where it is sent, since a proxy may have changed the Host with which an Origin is compared; browsers send it
 * over https and to this machine only. (The same order as in Go's http.CrossOriginProtection.)
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

/** Undefined for `null`, which stands for a site that does not say its name, and for whatever is no origin. */
function hostOf(origin: string): string | undefined {
  return /^https?:\/\/([^/?#@\s]+)$/.exec(origin.toLowerCase())?.[1];
}

/** Whether a request may change a list: all but reads, and a read of a list that names a member, which is a poll. */
function mayChange({ method, url }: IncomingMessage): boolean {
  if (method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS') return true;
  const [path = '', query = ''] = (url ?? '').split('?', 2);
  return method === 'GET' && isListPath(path) && /(?:^|&)self(?:=|&|$)/.test(query);
}
