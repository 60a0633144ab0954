import { isIP } from 'node:net';
import { SettingProblem } from '../../config/setting-problem.js';
import { listEntriesIfAny } from './networks.js';

/** Names that no stranger can have in public DNS (RFC 6761, RFC 6762, ICANN 2024-07-29-06; Kubernetes' own). */
const PRIVATE = ['localhost', 'local', 'internal', 'svc', 'cluster.local'];

/**
 * By which names this server may be called by a browser. A page of another site may give its own name this server's
 * address (DNS rebinding): then the browser takes the two for one site, and only the name tells them apart.
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
   * Reads host names, `*.domain` and `*`, which are known besides IP addresses, names without a dot and private ones. Throws
   * {@link SettingProblem}.
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
          `has the entry ${JSON.stringify(entry)}, which is no host name such as nacos.example.org, no *.domain and no *; a port does not belong to it`,
        );
      else if (isDomain) domains.push(`.${name.toLowerCase()}`);
      else names.add(name.toLowerCase());
    }
    return new KnownHosts(all, names, domains);
  }

  /** The same and some names more, such as those of this machine. */
  and(names: readonly string[]): KnownHosts {
    return new KnownHosts(this.#all, new Set([...this.#names, ...names.map(plainName)]), this.#domains);
  }

  /** `host`: as in the header, with or without a port. Nothing is no browser's. */
  includes(host: string | undefined): boolean {
    if (this.#all || host === undefined) return true;
    if (/^\[[\da-f:.]+\](:\d*)?$/i.test(host)) return true;
    const name = plainName(host.replace(/:\d*$/, ''));
    if (!/^[\w.-]+$/.test(name)) return false;
    if (isIP(name) === 4 || !name.includes('.') || this.#names.has(name)) return true;
    return this.#domains.some((domain) => name.endsWith(domain));
  }
}

/** A final dot is no part of a name. */
function plainName(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}
