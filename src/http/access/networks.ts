import { isIP } from 'node:net';
import { SettingProblem } from '../../config/setting-problem.js';

/** The entries of a list setting, separated by commas or white space, including line ends of any kind. */
export function listEntries(text: string): string[] {
  return text.split(/[\s,]+/).filter((entry) => entry !== '');
}

/**
 * The entries of a list setting that may be empty. An empty text means no restriction, so a text with only
 * separators is refused. Throws {@link SettingProblem}.
 */
export function listEntriesIfAny(text: string): string[] {
  const entries = listEntries(text);
  if (text !== '' && entries.length === 0) {
    throw new SettingProblem('has no entry; leave it empty, or name some');
  }
  return entries;
}

/** An IP network, or a single address as a network of one. */
export interface Network {
  readonly address: string;
  readonly family: 'ipv4' | 'ipv6';
  /** 0 to 32, or to 128 for IPv6. */
  readonly prefix: number;
}

/** Reads `10.0.0.0/8`, `10.0.0.1`, `fd00::/8` or `::1`; undefined for any other text. */
export function parseNetwork(entry: string): Network | undefined {
  const [address = '', prefix, ...rest] = entry.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0 || address.includes('%')) return undefined;
  const bits = version === 4 ? 32 : 128;
  if (prefix !== undefined && (!/^\d{1,3}$/.test(prefix) || Number(prefix) > bits)) return undefined;
  return {
    address,
    family: version === 4 ? 'ipv4' : 'ipv6',
    prefix: prefix === undefined ? bits : Number(prefix),
  };
}

/** Reads a list of networks, each as `address/prefix`. Throws {@link SettingProblem}. */
export function parseNetworks(text: string): string[] {
  return listEntriesIfAny(text).map((entry) => {
    const network = parseNetwork(entry);
    if (!network) {
      throw new SettingProblem(
        `has the entry ${JSON.stringify(entry)}, which is neither a network such as 10.0.0.0/8 or fd00::/8 nor an address`,
      );
    }
    return `${network.address}/${network.prefix}`;
  });
}
