/**
 * A request's target as path and query. A proxy may send it with scheme and host before it (RFC 9112 §3.2.2); which host
 * is no matter here. Undefined for what is neither: `*`, a host and port, or nonsense, of which express makes something
 * (with node's url.parse, which is to throw in versions to come).
 */
export function pathAndQuery(target: string): string | undefined {
  if (target.startsWith('/')) return target;
  const rest = /^https?:\/\/[^/?#]+([/?#].*)?$/i.exec(target);
  if (!rest) return undefined;
  const [, path = ''] = rest;
  return path.startsWith('/') ? path : `/${path}`;
}
