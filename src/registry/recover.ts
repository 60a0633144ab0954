import { bootstrapping } from './advance.js';
import { joined, keyOf, type Cluster } from './cluster.js';
import type { CommandContext, Decision } from './commands.js';
import { eventOf } from './events.js';
import { isLive, isUnreachable } from './lease.js';
import { conclude, refusal, unchanged } from './decision.js';
import { quorumOf } from './quorum.js';
import { refuseInRepair } from './repair.js';
import { firstRevision, revisionAhead } from './set-back.js';

/**
 * R7, the operator's part: reduces the list to the members that answer. A silent member whose port answers
 * stays, since dropping a live node would harm it (injury 2). Waiting nodes join afterwards, one by one
 * through the gate, once Raft of the remaining members has leaders again. Otherwise two blank nodes beside
 * one survivor would be a majority and elect one of themselves, and the survivor would replace its log with
 * theirs (2.5.1, seen).
 */
export function recover(cluster: Cluster, context: CommandContext): Decision {
  const { rules, now } = context;
  const name = keyOf(cluster);
  const busy = refuseInRepair(cluster, context);
  if (busy) return unchanged(cluster, busy);
  const all = [...cluster.members.values()];
  const ahead = revisionAhead(cluster);
  if (ahead !== undefined) return bootstrapAfterSetBack(cluster, ahead, context);
  const { held, finding } = quorumOf(cluster, context);
  if (all.length === 0 || held) {
    const has = all.length === 0 ? 'has no list' : `has a majority, ${finding()}`;
    return unchanged(
      cluster,
      refusal('quorum-not-lost', `${name} ${has}; recover is for a lost majority only`),
    );
  }
  const kept = all.filter((member) => isLive(member, rules, now) || !isUnreachable(member, rules, now));
  const joining = [...cluster.waiting.values()];
  if (kept.length + joining.length === 0 || kept.length === all.length) {
    const why =
      kept.length === 0 ? 'no member answers and nobody waits' : 'nobody is known to be unreachable';
    return unchanged(cluster, refusal('nobody-to-recover-with', `${name} cannot be recovered yet: ${why}`));
  }
  if (kept.length === 0) {
    const initialMembers = joining.map((one) => joined(one, cluster.revision + 1, true, now));
    const reason = `an operator recovered the list: all ${all.length} members were unreachable, and ${joining.length} waited`;
    const { cluster: next, events } = bootstrapping(cluster, initialMembers, 'recovered', reason, context);
    return conclude(next, events, context, cluster);
  }
  const next: Cluster = {
    ...cluster,
    members: new Map(kept.map((member) => [member.address, member])),
    revision: cluster.revision + 1,
    changedAt: now,
    quorumLost: false,
    awaitsRepair: true,
  };
  const reason = `an operator recovered the list: ${kept.length} kept, ${all.length - kept.length} unreachable dropped. Now repair Raft of those that are left (doctor --repair); the ${joining.length} that wait join when that is done`;
  return conclude(next, [eventOf(next, 'recovered', reason)], context, cluster);
}

/** The database was replaced (set-back.ts): the waiting nodes become the list, and its revisions go on. */
function bootstrapAfterSetBack(cluster: Cluster, ahead: number, context: CommandContext): Decision {
  const initialMembers = [...cluster.waiting.values()].map((one) =>
    joined(one, firstRevision(cluster), true, context.now),
  );
  const reason = `an operator bootstrapped the list again after its database was replaced: a node has revision ${ahead}, and ${initialMembers.length} waited`;
  const { cluster: next, events } = bootstrapping(cluster, initialMembers, 'recovered', reason, context);
  return conclude(next, events, context, cluster);
}

/**
 * Takes an operator's confirmation that Raft of a recovered list is repaired, where the server cannot see
 * that.
 */
export function takeForRepaired(cluster: Cluster, context: CommandContext): Decision {
  if (!cluster.awaitsRepair) {
    const why = `${keyOf(cluster)} awaits no repair: its list was not recovered, or Raft has been seen to have leaders since`;
    return unchanged(cluster, refusal('no-repair-awaited', why));
  }
  const next = { ...cluster, awaitsRepair: false };
  const note = 'an operator says that Raft has its leaders again: those that wait may join';
  return conclude(next, [eventOf(next, 'repaired', note)], context, cluster);
}
