import type { Address } from './address.js';
import type { Cluster } from './cluster.js';
import type { Command, Context, Outcome } from './commands.js';
import { eventOf, type RegistryEvent } from './events.js';
import { then, unchanged } from './outcome.js';
import { QUIET_AFTER_LEAVE } from './rules.js';

/** R4: who goes by a word, a member's own or an operator's. */

export function leave(
  cluster: Cluster,
  { address, wait = 0 }: Extract<Command, { type: 'leave' }>,
  context: Context,
): Outcome {
  const quietUntil = context.now + wait + QUIET_AFTER_LEAVE;
  if (!cluster.members.has(address) && !cluster.waiting.has(address)) {
    const departed = cluster.departed.get(address);
    if (!departed) return unchanged(cluster, { type: 'unknown' });
    // Said again: it still runs, and the quiet time starts anew.
    return {
      cluster: {
        ...cluster,
        departed: new Map(cluster.departed).set(address, {
          ...departed,
          leftAt: context.now,
          quietUntil,
        }),
      },
      events: [],
      reply: { type: 'left' },
    };
  }
  const { cluster: next, events } = takeOff(
    cluster,
    [address],
    'left by its own or an operator’s word',
    context,
    quietUntil,
  );
  return then(next, events, context, cluster, () => ({ type: 'left' }));
}

export function remove(cluster: Cluster, addresses: readonly Address[], context: Context): Outcome {
  const { cluster: next, events } = takeOff(
    cluster,
    addresses,
    'deleted through the official API',
    context,
    context.now + QUIET_AFTER_LEAVE,
  );
  return then(next, events, context, cluster, () => ({ type: 'done' }));
}

function takeOff(
  cluster: Cluster,
  addresses: readonly Address[],
  reason: string,
  context: Context,
  quietUntil: number,
): { cluster: Cluster; events: RegistryEvent[] } {
  const members = new Map(cluster.members);
  const waiting = new Map(cluster.waiting);
  const departed = new Map(cluster.departed);
  const listed = addresses.filter((address) => members.delete(address));
  for (const address of addresses) {
    const known = cluster.members.get(address) ?? cluster.waiting.get(address);
    waiting.delete(address);
    if (known) departed.set(address, { leftAt: context.now, quietUntil, lease: known.lease });
  }
  if (listed.length === 0) return { cluster: { ...cluster, waiting, departed }, events: [] };
  const remaining = members.size;
  const next: Cluster = {
    ...cluster,
    members,
    waiting,
    departed,
    revision: cluster.revision + 1,
    changedAt: context.now,
    // Less those who left, but not below what stays: a replacement may have joined first.
    size: remaining === 0 ? 0 : Math.max(cluster.size - listed.length, Math.min(cluster.size, remaining)),
    quorumLost: remaining > 0 && cluster.quorumLost,
  };
  return { cluster: next, events: listed.map((address) => eventOf(next, 'left', reason, address)) };
}
