import { canonical, type Address } from './address.js';
import type { Cluster, Lease } from './cluster.js';

/*
 * Two spellings of one address are two members to Nacos. Their common canonical form takes a few microseconds
 * to compute, and a list may have a thousand addresses. So it is computed once for each lease, which all
 * versions of a cluster share, and a change is compared with the list in one pass over each.
 */

const forms = new WeakMap<Lease, string>();

function formOf({ address, lease }: { readonly address: Address; readonly lease: Lease }): string {
  let form = forms.get(lease);
  if (form === undefined) forms.set(lease, (form = canonical(address)));
  return form;
}

/** Another spelling of the address that is listed or waits. */
export function otherSpelling({ members, waiting }: Cluster, address: Address): Address | undefined {
  const form = canonical(address);
  for (const table of [members, waiting]) {
    for (const one of table.values()) if (one.address !== address && formOf(one) === form) return one.address;
  }
  return undefined;
}

/**
 * The first of several addresses that has another spelling in the cluster or among them, with that spelling.
 */
export function firstOtherSpelling(
  { members, waiting }: Cluster,
  addresses: readonly Address[],
): { readonly address: Address; readonly other: Address } | undefined {
  const known = new Map<string, Address>();
  for (const table of [waiting, members])
    for (const one of table.values()) known.set(formOf(one), one.address);
  for (const address of addresses) {
    const form = canonical(address);
    const other = known.get(form);
    if (other !== undefined && other !== address) return { address, other };
    known.set(form, address);
  }
  return undefined;
}
