import type { IncomingMessage } from 'node:http';

/**
 * Programs that people and their scripts use, whose errors may be complete. Any other caller may be a Nacos
 * node, which calls itself `Java/17.0.15` and the like: errors for those are never completed
 * (unterminated.ts).
 */
const PEOPLE = /^(curl|wget|httpie|xh|mozilla|opera|postmanruntime|insomnia|lynx|w3m|elinks)\b/i;

/** Whether the caller may get a complete error. If in doubt, no. */
export function mayComplete(request: IncomingMessage): boolean {
  if (request.method !== 'GET' && request.method !== 'HEAD') return true;
  return PEOPLE.test(request.headers['user-agent'] ?? '') || acceptsJson(request);
}

/**
 * Whether the caller identifies as every Nacos does and does not ask for JSON. On the operators' side, where
 * no Nacos should be, only this is doubt enough: a node whose url names an API path must not start alone
 * either.
 */
export function callsItselfNacos(request: IncomingMessage): boolean {
  return !mayComplete(request) && /^java\//i.test(request.headers['user-agent'] ?? '');
}

/** Whether JSON is asked for by name; a wildcard, as Nacos sends it, does not count. */
export function acceptsJson(request: IncomingMessage): boolean {
  return /\bapplication\/(problem\+)?json\b/i.test(request.headers.accept ?? '');
}
