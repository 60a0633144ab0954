import type { Address } from './address.js';
import { advance } from './advance.js';
import { heldBy, isKnown, type Cluster } from './cluster.js';
import type { CommandContext, Decision, Refusal, Reply } from './commands.js';
import type { RegistryEvent } from './events.js';
import { objectionToNewcomer } from './newcomer.js';
import { MAX_ADDRESSES } from './rules.js';

/** Shared by all commands: how a decision is concluded, and limits that apply to every caller. */

export function conclude(
  next: Cluster,
  events: readonly RegistryEvent[],
  context: CommandContext,
  original: Cluster = next,
  reply: (cluster: Cluster) => Reply = () => ({ type: 'done' }),
): Decision {
  const advanced = advance(next, context);
  const same = advanced.cluster === next && isSame(next, original);
  const cluster = same ? original : advanced.cluster;
  const all = events.length === 0 ? advanced.events : [...events, ...advanced.events];
  return { cluster, events: all, reply: reply(cluster) };
}

export function unchanged(cluster: Cluster, reply: Reply): Decision {
  return { cluster, events: [], reply };
}

export function refusal(code: Refusal, reason: string): Reply {
  return { type: 'refused', code, reason };
}

export function overLimit(cluster: Cluster, more: number, context: CommandContext): Reply | undefined {
  const { maxAddresses, maxClusters } = context.rules;
  if (!isKnown(cluster) && context.clusters >= maxClusters) {
    return refusal(
      'too-many-clusters',
      `this server holds ${maxClusters} clusters already, the most it takes (MAX_CLUSTERS); delete those that nobody needs`,
    );
  }
  if (more > 0 && (context.addresses ?? 0) + more > maxAddresses) {
    return refusal(
      'too-many-addresses',
      `all clusters together would hold more than ${maxAddresses} addresses, the most this server takes (MAX_ADDRESSES); delete clusters that nobody needs, or raise it and the memory`,
    );
  }
  // Tombstones take memory too. Without this limit, a client that puts and deletes repeatedly could fill it.
  const tooManyLeft = more > 0 && heldBy(cluster) + more > 2 * MAX_ADDRESSES;
  if (tooManyLeft || cluster.members.size + cluster.waiting.size + more > MAX_ADDRESSES) {
    return refusal(
      'too-many-addresses',
      `${cluster.product}/${cluster.name} would hold more than ${MAX_ADDRESSES} addresses, the most it takes`,
    );
  }
  return undefined;
}

/** Refuses addresses that may not be listed for the first time; listed and waiting ones may stay. */
export function refuseNewcomers(cluster: Cluster, addresses: readonly Address[]): Reply | undefined {
  for (const address of addresses) {
    if (cluster.members.has(address) || cluster.waiting.has(address)) continue;
    const objection = objectionToNewcomer(address);
    if (objection !== undefined) return refusal('no-member-address', `${address} ${objection}`);
  }
  return undefined;
}

/**
 * Refuses every command on a cluster that is not served: otherwise the next poll would bootstrap another in
 * its place.
 */
export function notServed({ product, name }: Cluster, { rules }: CommandContext): Reply {
  return refusal(
    'too-many-addresses',
    `${product}/${name} is stored and not served, since all clusters together have more than ${rules.maxAddresses} addresses (MAX_ADDRESSES); delete those that nobody needs, or raise it and the memory, and start again`,
  );
}

/** A copy without any replaced field is no change. */
function isSame(a: Cluster, b: Cluster): boolean {
  return a === b || (Object.keys(a) as (keyof Cluster)[]).every((field) => a[field] === b[field]);
}
