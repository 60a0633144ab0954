import { isIP } from 'node:net';
import { SettingProblem } from '../../config/setting-problem.js';
import { listEntriesIfAny } from './networks.js';

/** Names that cannot exist in public DNS (RFC 6761, RFC 6762, ICANN 2024-07-29-06; Kubernetes' own). */
const PRIVATE = ['localhost', 'local', 'internal', 'svc', 'cluster.local'];

/**
 * The names by which a browser may call this server. A page of another site may point its own name at this
 * server's address (DNS rebinding). The browser then treats the two as one site, and only the name tells them
 * apart.
 */
export class KnownHosts {
  readonly #all: boolean;
  readonly #names: ReadonlySet<string>;
  /** With the leading dot. */
  readonly #domains: readonly string[];

  private constructor(all: boolean, names: ReadonlySet<string>, domains: readonly string[]) {
    this.#all = all;
    this.#names = names;
    this.#domains = domains;
  }

  /**
   * Reads host names, `*.domain` and `*`. IP addresses, names without a dot and private names are always
   * known. Throws {@link SettingProblem}.
   */
  static parse(text: string): KnownHosts {
    const names = new Set<string>();
    const domains = PRIVATE.map((domain) => `.${domain}`);
    let all = false;
    for (const entry of listEntriesIfAny(text)) {
      const [, isDomain, name] = /^(\*\.)?([\w-]+(?:\.[\w-]+)*)\.?$/.exec(entry) ?? [];
      if (entry === '*') all = true;
      else if (name === undefined)
        throw new SettingProblem(
          `has the entry ${JSON.stringify(entry)}, which is not a host name such as nacos.example.org, *.domain or *; leave out any port`,
        );
      else if (isDomain) domains.push(`.${name.toLowerCase()}`);
      else names.add(name.toLowerCase());
    }
    return new KnownHosts(all, names, domains);
  }

  /** Returns a copy with further names, such as those of this machine. */
  and(names: readonly string[]): KnownHosts {
    return new KnownHosts(this.#all, new Set([...this.#names, ...names.map(plainName)]), this.#domains);
  }

  /** `host`: as in the header, with or without a port. A missing one is not a browser's, and is accepted. */
  includes(host: string | undefined): boolean {
    if (this.#all || host === undefined) return true;
    if (/^\[[\da-f:.]+\](:\d*)?$/i.test(host)) return true;
    const name = plainName(host.replace(/:\d*$/, ''));
    if (!/^[\w.-]+$/.test(name)) return false;
    if (isIP(name) === 4 || !name.includes('.') || this.#names.has(name)) return true;
    return this.#domains.some((domain) => name.endsWith(domain));
  }
}

/** A name in lower case and without a final dot. */
function plainName(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}
