import { isIP } from 'node:net';
import { canonical, joinLimited, splitAddress, type Address } from '../../registry/address.js';
import { isLoopback } from '../../registry/newcomer.js';
import type { ClusterView } from '../../registry/view.js';
import { ClientError } from '../client-error.js';
import { Columns, wrap, type Row } from '../table.js';

/** The changes that an import would make. */
export interface Plan {
  /** In the source but not on the list: put as static members. */
  readonly added: readonly Address[];
  /** In both: stays as it is, with a lease or static. */
  readonly present: readonly Address[];
  /** On the list but not in the source: stays. */
  readonly missing: readonly Address[];
}

/**
 * Compares a source's list with the present one, which is undefined if there is none. Throws {@link
 * ClientError}.
 */
export function planOf(found: readonly Address[], view: ClusterView | undefined): Plan {
  const listed = new Set(view?.members.map(({ address }) => address));
  for (const address of found) {
    const known = [...listed, ...(view?.waiting ?? []).map((one) => one.address)];
    const spelling = known.find((other) => other !== address && canonical(other) === canonical(address));
    if (spelling !== undefined) {
      throw new ClientError(
        `${address} is another spelling of ${spelling}, which is here already; Nacos takes them for two members, so keep the one by which the node knows itself`,
      );
    }
  }
  return {
    added: found.filter((address) => !listed.has(address)),
    present: found.filter((address) => listed.has(address)),
    missing: [...listed].filter((address) => !found.includes(address)),
  };
}

/** Warnings for the operator to read before confirming, as sentences. */
export function warningsOf({ added, present, missing }: Plan, name: string): string[] {
  const warnings: string[] = [];
  if (missing.length > 0) {
    warnings.push(
      `${name} lacks ${missing.join(', ')}, which the registry lists. ${missing.length === 1 ? 'It stays' : 'They stay'}: if the nodes of the source do not know them, they are not one cluster yet.`,
    );
  }
  if (added.length > 0 && present.length === 0 && missing.length > 0) {
    warnings.push(
      'No address of the two lists is the same. If they are two clusters of Nacos, do not import: each node would take the other cluster’s for members of its own Raft groups.',
    );
  }
  return [...warnings, ...suspicions([...present, ...added])];
}

/** Addresses that nodes are unlikely to call themselves, although Nacos accepts them, as sentences. */
function suspicions(addresses: readonly Address[]): string[] {
  const hosts = addresses.map((address) => ({ address, ...splitAddress(address) }));
  const here = hosts.filter(({ host }) => isLoopback(host)).map(({ address }) => address);
  const elsewhere = hosts.filter(({ host }) => !isLoopback(host));
  const [ips, names] = [true, false].map((isIp) =>
    elsewhere.filter(({ host }) => (isIP(host) !== 0) === isIp).map(({ address }) => address),
  ) as [Address[], Address[]];
  const warnings: string[] = [];
  if (here.length > 0 && elsewhere.length > 0) {
    warnings.push(
      `${joinLimited(here)} is each machine's own loopback, among addresses of other machines: no other node reaches a member there. Give it the address by which the others know it.`,
    );
  }
  if (ips.length > 0 && names.length > 0) {
    warnings.push(
      `Some are IP addresses (${joinLimited(ips)}) and some are names (${joinLimited(names)}). A node must be listed exactly as it calls itself, and nodes of one cluster rarely differ in that: look at …/core/cluster/self of each.`,
    );
  }
  return warnings;
}

/** The plan as lines of at most `width` characters. */
export function describePlan(
  plan: Plan,
  view: ClusterView | undefined,
  name: string,
  width: number,
): string[] {
  const members = new Map(view?.members.map((member) => [member.address, member]));
  const waiting = new Set(view?.waiting.map(({ address }) => address));
  const rows: Row[] = [
    ...plan.added.map((address) => ({
      cells: [address, 'is added', waiting.has(address) ? 'waits at the gate now, and is put past it' : ''],
    })),
    ...plan.present.map((address) => {
      const source = members.get(address)?.source ?? '';
      return { cells: [address, 'is there', source === 'static' ? 'static' : `with a lease (${source})`] };
    }),
    ...plan.missing.map((address) => ({ cells: [address, `not in ${name}`, 'stays'] })),
  ];
  return [
    ...new Columns(['address', 'import', ''], width).lines(rows),
    ...warningsOf(plan, name).flatMap((warning) => ['', ...wrap(`WARNING: ${warning}`, width)]),
  ];
}
