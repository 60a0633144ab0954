import { isIP } from 'node:net';

/*
 * Parses /etc/hosts and /etc/resolv.conf (hosts(5), resolv.conf(5)). c-ares, which queries name servers
 * without a thread, reads only the servers from resolv.conf; the caller must apply the rest.
 */

/** The most search domains for a short name, and the largest `ndots`, as in glibc. */
const MOST_DOMAINS = 6;
const MOST_DOTS = 15;

/** Parses /etc/hosts into the addresses of each name; names are in lower case. */
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

/** How short names are completed. */
export interface Search {
  readonly domains: readonly string[];
  /** A name with fewer dots is first tried in the search domains. */
  readonly dots: number;
}

/** Parses `search`, `domain` (the last of them counts) and `options ndots` from /etc/resolv.conf. */
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

/** The complete names that a name may stand for, in the order of the queries. */
export function wholeNames(name: string, { domains, dots }: Search): readonly string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)];
  const inDomains = domains.map((domain) => `${name}.${domain}`);
  return name.split('.').length - 1 >= dots ? [name, ...inDomains] : [...inDomains, name];
}
