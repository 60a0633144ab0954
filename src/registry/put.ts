import type { Address } from './address.js';
import { bootstrapping } from './advance.js';
import { optional, type Cluster, type Member } from './cluster.js';
import type { CommandContext, Decision } from './commands.js';
import { eventOf } from './events.js';
import { REPAIR_AWAITED } from './gate.js';
import { newLease } from './lease.js';
import { conclude, overLimit, refusal, refuseNewcomers, unchanged } from './decision.js';
import { refuseInRepair } from './repair.js';
import { firstRevision } from './set-back.js';
import { firstOtherSpelling } from './spelling.js';

/** Lists static members at an operator's request, bypassing the gate. */

export function put(cluster: Cluster, addresses: readonly Address[], context: CommandContext): Decision {
  const busy = refuseInRepair(cluster, context);
  if (busy) return unchanged(cluster, busy);
  if (cluster.awaitsRepair) {
    return unchanged(cluster, refusal('repair-under-way', `nobody may be put: ${REPAIR_AWAITED}`));
  }
  const wanted = [...new Set(addresses)];
  const strange = refuseNewcomers(cluster, wanted);
  if (strange) return unchanged(cluster, strange);
  const twice = firstOtherSpelling(cluster, wanted);
  if (twice) {
    const { address, other } = twice;
    const reason = `${address} is another spelling of ${other}; Nacos would take them for two members`;
    return unchanged(cluster, refusal('other-spelling', reason));
  }
  const added = wanted.filter((address) => !cluster.members.has(address));
  const tooMany = overLimit(
    cluster,
    added.filter((address) => !cluster.waiting.has(address)).length,
    context,
  );
  if (tooMany) return unchanged(cluster, tooMany);

  if (cluster.members.size === 0) {
    const initialMembers = wanted.map((address) => ({
      ...newStatic(cluster, address, firstRevision(cluster), context),
      settled: true,
    }));
    const { cluster: next, events } = bootstrapping(
      cluster,
      initialMembers,
      'bootstrapped',
      `${initialMembers.length} static member(s) were put`,
      context,
    );
    return conclude(next, events, context, cluster, () => ({ type: 'done' }));
  }

  const revision = added.length > 0 ? cluster.revision + 1 : cluster.revision;
  const members = new Map(cluster.members);
  for (const address of wanted) {
    const before = members.get(address);
    members.set(
      address,
      before ? { ...before, source: 'static' } : newStatic(cluster, address, revision, context),
    );
  }
  const next: Cluster = {
    ...cluster,
    members,
    waiting: new Map([...cluster.waiting].filter(([address]) => !members.has(address))),
    tombstones: new Map([...cluster.tombstones].filter(([address]) => !members.has(address))),
    revision,
    changedAt: added.length > 0 ? context.now : cluster.changedAt,
    size: Math.max(cluster.size, [...members.values()].filter((member) => member.source === 'static').length),
  };
  const events = added.map((address) =>
    eventOf(next, 'admitted', 'put as a static member by an operator', address),
  );
  return conclude(next, events, context, cluster, () => ({ type: 'done' }));
}

function newStatic(cluster: Cluster, address: Address, revision: number, context: CommandContext): Member {
  const waited = cluster.waiting.get(address);
  return {
    address,
    ...optional('id', waited?.id),
    ...optional('expect', waited?.expect),
    source: 'static',
    joinedAt: context.now,
    joinedRevision: revision,
    settled: false,
    presence: 'live',
    presenceSince: context.now,
    lease: waited?.lease ?? newLease(context.now),
  };
}
