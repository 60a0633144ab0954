import type { IncomingMessage } from 'node:http';

/**
 * Programs that people and their scripts use, whose errors may be complete. Everybody else may be a Nacos node,
 * which calls itself `Java/17.0.15` and the like: for them an error is never completed (unterminated.ts).
 */
const PEOPLE = /^(curl|wget|httpie|xh|mozilla|opera|postmanruntime|insomnia|lynx|w3m|elinks)\b/i;

/** Whether the caller may get a complete error. If in doubt, not. */
export function mayComplete(request: IncomingMessage): boolean {
  if (request.method !== 'GET' && request.method !== 'HEAD') return true;
  return PEOPLE.test(request.headers['user-agent'] ?? '') || acceptsJson(request);
}

/**
 * Whether the caller calls itself what every Nacos does and asks for no JSON. On the operators' side, where no
 * Nacos should be, only this is doubt enough: a node whose url names an API's path must not start alone either.
 */
export function callsItselfNacos(request: IncomingMessage): boolean {
  return !mayComplete(request) && /^java\//i.test(request.headers['user-agent'] ?? '');
}

/** Whether JSON is asked for by name; a wildcard, as Nacos sends it, does not ask for it. */
export function acceptsJson(request: IncomingMessage): boolean {
  return /\bapplication\/(problem\+)?json\b/i.test(request.headers.accept ?? '');
}
