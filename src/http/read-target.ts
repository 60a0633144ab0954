import type { IncomingMessage } from 'node:http';
import type { Parsed } from '../registry/address.js';
import { headerToken } from './access/credential.js';
import { isFromBrowser } from './browser.js';
import { parseTarget, type Target } from './target.js';

const read = new WeakMap<IncomingMessage, Parsed<Target>>();

/** What a request's target asks for, as it stands there. It is read once, so whoever judges it judges what is done. */
export function readTarget(request: IncomingMessage): Parsed<Target> {
  let target = read.get(request);
  if (!target) read.set(request, (target = parseTarget(request.url ?? '')));
  return target;
}

/**
 * The same as it is carried out. A token in the URL counts before one in a header. A browser is no member: what it GETs with
 * `self`, for its user or for a page that he visits, is a look at the list.
 */
export function targetOf(request: IncomingMessage): Parsed<Target> {
  const target = readTarget(request);
  if (!target.ok) return target;
  if (target.value.self !== undefined && request.method === 'GET' && isFromBrowser(request.headers)) {
    const { key, name, format, live, wait } = target.value;
    return { ok: true, value: { key, name, format, live, wait, starting: false } };
  }
  if (target.value.token !== undefined) return target;
  const token = headerToken(request);
  return token === undefined ? target : { ok: true, value: { ...target.value, token } };
}
