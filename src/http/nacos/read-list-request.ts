import type { IncomingMessage } from 'node:http';
import { optional } from '../../registry/cluster.js';
import { headerToken } from '../access/credential.js';
import { isFromBrowser } from '../browser.js';
import { parseTarget, type ReadTarget } from './list-request.js';

/** The property of a request that holds its target (request-log.ts explains the place). */
const TARGET = Symbol('target');

interface Read extends IncomingMessage {
  [TARGET]?: ReadTarget;
}

/** The target of a request, exactly as sent. It is parsed once, so that checks and actions see the same. */
export function readTarget(request: IncomingMessage): ReadTarget {
  const carrier: Read = request;
  const known = carrier[TARGET];
  return known ?? (carrier[TARGET] = parseTarget(request.url ?? ''));
}

/**
 * The target of a request, as it is carried out. A token in the URL takes precedence over one in a header. A
 * browser is not a member: a GET with `self`, for its user or for a page, only reads the list.
 */
export function targetOf(request: IncomingMessage): ReadTarget {
  const target = readTarget(request);
  if (!target.ok) return target;
  if (target.value.self !== undefined && request.method === 'GET' && isFromBrowser(request.headers)) {
    const { key, name, format, live, wait } = target.value;
    return { ok: true, value: { key, name, format, live, wait, starting: false } };
  }
  const { self, format, token = headerToken(request) } = target.value;
  const splits = self === undefined && format === 'text' && isSdkClient(request.headers['user-agent'] ?? '');
  if (!splits && token === target.value.token) return target;
  return {
    ok: true,
    value: { ...target.value, ...(splits ? { format: 'crlf' } : {}), ...optional('token', token) },
  };
}

/**
 * Whether a User-Agent is that of a Nacos SDK client, such as `Nacos-Java-Client:v2.3.2`; npm's `nacos`
 * claims to be one, too. Nodes are `Java/17`, and this project's programs begin with `nacos-address-server`.
 */
export function isSdkClient(userAgent: string): boolean {
  return /^nacos-\w+-client\b/i.test(userAgent);
}
