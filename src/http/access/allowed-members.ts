import { BlockList, isIP } from 'node:net';
import { splitAddress, type Address } from '../../registry/address.js';
import { SettingProblem } from '../../config/setting-problem.js';
import { listEntriesIfAny, parseNetwork } from './networks.js';

/**
 * The addresses that may be newly listed. Listed members stay, whatever the setting says now: dropping a live
 * node from its list harms it for good (injury 2).
 */
export class AllowedMembers {
  readonly #networks = new BlockList();
  readonly #names = new Set<string>();
  /** With the leading dot. */
  readonly #domains: string[] = [];

  /**
   * Reads networks, addresses, host names and `*.domain`. An empty text gives undefined: all are allowed.
   * Throws {@link SettingProblem}.
   */
  static parse(text: string): AllowedMembers | undefined {
    const entries = listEntriesIfAny(text);
    if (entries.length === 0) return undefined;
    const allowed = new AllowedMembers();
    for (const entry of entries) allowed.#add(entry);
    return allowed;
  }

  /** Whether an address is allowed. Host names are compared as text; nothing is looked up. */
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
        `has the entry ${JSON.stringify(entry)}, which is not a network such as 10.0.0.0/8, an address, a host name or *.domain`,
      );
    }
    if (name[1]) this.#domains.push(`.${name[2].toLowerCase()}`);
    else this.#names.add(name[2].toLowerCase());
  }
}

/** Removes a final dot, which only marks the name as complete for resolvers. */
function withoutFinalDot(name: string): string {
  return name.replace(/\.$/, '');
}
