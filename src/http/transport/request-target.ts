/**
 * A request's target as path and query. A proxy may send scheme and host before it (RFC 9112 §3.2.2); the
 * host does not matter here. Undefined for any other form: `*`, a host and port, or nonsense, which express
 * would accept (through node's url.parse, which will throw in later versions).
 */
export function pathAndQuery(target: string): string | undefined {
  if (target.startsWith('/')) return target;
  const rest = /^https?:\/\/[^/?#]+([/?#].*)?$/i.exec(target);
  if (!rest) return undefined;
  const [, path = ''] = rest;
  return path.startsWith('/') ? path : `/${path}`;
}
