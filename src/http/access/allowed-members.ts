import { BlockList, isIP } from 'node:net';
import { splitAddress, type Address } from '../../registry/address.js';
import { SettingProblem } from '../../config/setting-problem.js';
import { listEntriesIfAny, parseNetwork } from './networks.js';

/**
 * Which addresses may be listed anew. Who is listed already stays, whatever the setting says now: a live node that is
 * dropped from a list is harmed for good (injury 2).
 */
export class AllowedMembers {
  readonly #networks = new BlockList();
  readonly #names = new Set<string>();
  /** With the leading dot. */
  readonly #domains: string[] = [];

  /**
   * Reads networks, addresses, host names and `*.domain`. Undefined for an empty text: all are allowed. Throws
   * {@link SettingProblem}.
   */
  static parse(text: string): AllowedMembers | undefined {
    const entries = listEntriesIfAny(text);
    if (entries.length === 0) return undefined;
    const allowed = new AllowedMembers();
    for (const entry of entries) allowed.#add(entry);
    return allowed;
  }

  /** Host names are compared by their letters: nothing is looked up. */
  includes(address: Address): boolean {
    const { host } = splitAddress(address);
    const version = isIP(host);
    if (version !== 0) return this.#networks.check(host, version === 4 ? 'ipv4' : 'ipv6');
    const name = withoutFinalDot(host.toLowerCase());
    return this.#names.has(name) || this.#domains.some((domain) => name.endsWith(domain));
  }

  #add(entry: string): void {
    const network = parseNetwork(entry);
    if (network) return this.#networks.addSubnet(network.address, network.prefix, network.family);
    const name = /^(\*\.)?((?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)*[A-Za-z0-9][A-Za-z0-9-]*)$/.exec(
      withoutFinalDot(entry),
    );
    if (!name?.[2] || /^[\d.]+$/.test(name[2])) {
      throw new SettingProblem(
        `has the entry ${JSON.stringify(entry)}, which is no network such as 10.0.0.0/8, no address, no host name and no *.domain`,
      );
    }
    if (name[1]) this.#domains.push(`.${name[2].toLowerCase()}`);
    else this.#names.add(name[2].toLowerCase());
  }
}

/** With it a name is whole, for whoever looks it up; it is the same name. */
function withoutFinalDot(name: string): string {
  return name.replace(/\.$/, '');
}
