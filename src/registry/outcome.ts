import { advance } from './advance.js';
import { isKnown, type Cluster } from './cluster.js';
import type { Context, Outcome, Refusal, Reply } from './commands.js';
import type { RegistryEvent } from './events.js';
import { MAX_ADDRESSES, MAX_CLUSTERS } from './rules.js';

/** What the commands have in common: how they end, and what is refused whoever asks. */

export function then(
  next: Cluster,
  events: readonly RegistryEvent[],
  context: Context,
  original: Cluster = next,
  reply: (cluster: Cluster) => Reply = () => ({ type: 'done' }),
): Outcome {
  const advanced = advance(next, context);
  const same = advanced.cluster === next && isSame(next, original);
  const cluster = same ? original : advanced.cluster;
  return { cluster, events: [...events, ...advanced.events], reply: reply(cluster) };
}

export function unchanged(cluster: Cluster, reply: Reply): Outcome {
  return { cluster, events: [], reply };
}

export function refusal(code: Refusal, reason: string): Reply {
  return { type: 'refused', code, reason };
}

export function overLimit(cluster: Cluster, more: number, context: Context): Reply | undefined {
  if (!isKnown(cluster) && context.clusters >= MAX_CLUSTERS) {
    return refusal(
      'too-many-clusters',
      `this server holds ${MAX_CLUSTERS} clusters already, the most it takes`,
    );
  }
  if (cluster.members.size + cluster.waiting.size + more > MAX_ADDRESSES) {
    return refusal(
      'too-many-addresses',
      `${cluster.product}/${cluster.name} would hold more than ${MAX_ADDRESSES} addresses, the most it takes`,
    );
  }
  return undefined;
}

/** A copy in which nothing was replaced is not a change. */
function isSame(a: Cluster, b: Cluster): boolean {
  return a === b || (Object.keys(a) as (keyof Cluster)[]).every((field) => a[field] === b[field]);
}
