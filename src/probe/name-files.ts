import { isIP } from 'node:net';

/*
 * What this machine's files say of names: /etc/hosts and /etc/resolv.conf (hosts(5), resolv.conf(5)). c-ares, which asks
 * name servers without a thread, takes the servers from resolv.conf; the rest is the caller's.
 */

/** How many domains are tried for a short name, and the most dots that `ndots` may ask for, as in glibc. */
const MOST_DOMAINS = 6;
const MOST_DOTS = 15;

/** The addresses of each name in an /etc/hosts, by the name in small letters. */
export function readHosts(text: string): ReadonlyMap<string, readonly string[]> {
  const names = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [address = '', ...aliases] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (isIP(address) === 0) continue;
    for (const alias of aliases) {
      const key = alias.toLowerCase();
      names.set(key, [...(names.get(key) ?? []), address]);
    }
  }
  return names;
}

/** How short names become whole ones. */
export interface Search {
  readonly domains: readonly string[];
  /** A name with fewer dots is tried in the domains first. */
  readonly dots: number;
}

/** Reads `search`, `domain` (the last of them counts) and `options ndots` of an /etc/resolv.conf. */
export function readSearch(text: string): Search {
  let domains: readonly string[] = [];
  let dots = 1;
  for (const line of text.split('\n')) {
    const [keyword, ...values] = line
      .replace(/[#;].*/, '')
      .trim()
      .split(/\s+/);
    if (keyword === 'search') domains = values.slice(0, MOST_DOMAINS);
    if (keyword === 'domain') domains = values.slice(0, 1);
    if (keyword !== 'options') continue;
    for (const value of values) {
      const given = /^ndots:(\d+)$/.exec(value)?.[1];
      if (given !== undefined) dots = Math.min(Number(given), MOST_DOTS);
    }
  }
  return { domains: domains.map((domain) => domain.replace(/\.$/, '')).filter(Boolean), dots };
}

/** The whole names that a name may stand for, in the order in which they are asked for. */
export function wholeNames(name: string, { domains, dots }: Search): readonly string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)];
  const inDomains = domains.map((domain) => `${name}.${domain}`);
  return name.split('.').length - 1 >= dots ? [name, ...inDomains] : [...inDomains, name];
}
