import type { Address } from './address.js';
import { joined, type Cluster, type Member } from './cluster.js';
import type { Context, Outcome } from './commands.js';
import { eventOf } from './events.js';
import { isLive, isUnreachable } from './lease.js';
import { refusal, then, unchanged } from './outcome.js';
import { quorumOf } from './quorum.js';
import { refuseInRepair } from './repair.js';

/**
 * R7, the operator's part: the list becomes those that answer and those that wait. A silent member whose
 * port answers stays, since dropping a live node would harm it (injury 2).
 */
export function recover(cluster: Cluster, context: Context): Outcome {
  const { rules, now } = context;
  const busy = refuseInRepair(cluster, context);
  if (busy) return unchanged(cluster, busy);
  const all = [...cluster.members.values()];
  const { held, finding } = quorumOf(cluster, context);
  if (all.length === 0 || held) {
    const has = all.length === 0 ? 'has no list' : `has a majority, ${finding}`;
    return unchanged(
      cluster,
      refusal(
        'quorum-not-lost',
        `${cluster.product}/${cluster.name} ${has}; recover is for a lost majority only`,
      ),
    );
  }
  const kept = all.filter((member) => isLive(member, rules, now) || !isUnreachable(member, rules, now));
  const joining = [...cluster.waiting.values()];
  if (kept.length + joining.length === 0 || (kept.length === all.length && joining.length === 0)) {
    const why =
      kept.length === 0
        ? 'no member answers and nobody waits'
        : 'nobody is known to be unreachable and nobody waits';
    return unchanged(
      cluster,
      refusal('nobody-to-recover-with', `${cluster.product}/${cluster.name} cannot be recovered yet: ${why}`),
    );
  }
  const revision = cluster.revision + 1;
  const members = new Map<Address, Member>(kept.map((member) => [member.address, member]));
  for (const waiting of joining) members.set(waiting.address, joined(waiting, revision, false, now));
  const next: Cluster = {
    ...cluster,
    members,
    waiting: new Map(),
    revision,
    changedAt: now,
    size: Math.max(members.size, ...joining.map((waiting) => waiting.expect ?? 0)),
    quorumLost: false,
  };
  const reason = `an operator recovered the list: ${kept.length} kept, ${joining.length} of those waiting admitted, ${all.length - kept.length} unreachable dropped. Now repair Raft on a survivor (resetPeers)`;
  return then(next, [eventOf(next, 'recovered', reason)], context, cluster, () => ({ type: 'done' }));
}
