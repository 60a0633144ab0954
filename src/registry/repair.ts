import { keyOf, type Cluster } from './cluster.js';
import type { Command, CommandContext, Decision, Reply } from './commands.js';
import { eventOf } from './events.js';
import type { RuleContext } from './rule-context.js';
import { conclude, refusal, unchanged } from './decision.js';
import { isRepairing } from './repairing.js';
import { REPAIR_LEASE } from './rules.js';

/** Refuses an operator's change of the list during a repair; undefined when there is none. */
export function refuseInRepair(cluster: Cluster, { now }: Pick<RuleContext, 'now'>): Reply | undefined {
  if (!isRepairing(cluster, now)) return undefined;
  return refusal(
    'repair-under-way',
    `Raft of ${keyOf(cluster)} is being repaired (${cluster.repair?.holder}), so its list must hold still; try again when that is over, within ${REPAIR_LEASE / 1_000} s of its last step`,
  );
}

/** Takes, renews or frees the lock of a repair, and records its history. */
export function repair(
  cluster: Cluster,
  command: Extract<Command, { type: 'repair' }>,
  context: CommandContext,
): Decision {
  const { holder, note } = command;
  const held = isRepairing(cluster, context.now) ? cluster.repair : undefined;
  const until = context.now + REPAIR_LEASE;
  if (command.action === 'begin') {
    if (cluster.members.size === 0) return unchanged(cluster, { type: 'unknown' });
    if (held) {
      const left = Math.ceil((held.until - context.now) / 1_000);
      return unchanged(
        cluster,
        refusal(
          'repair-under-way',
          `Raft of ${keyOf(cluster)} is being repaired already (${held.holder}); if that has died, its lock is free in ${left} s`,
        ),
      );
    }
    const next = { ...cluster, repair: { holder, until } };
    return conclude(next, [eventOf(next, 'repairing', note)], context, cluster);
  }
  if (held?.holder !== holder) {
    return unchanged(
      cluster,
      refusal('repair-lost', `the lock of this repair of ${keyOf(cluster)} has run out, so it must stop`),
    );
  }
  switch (command.action) {
    case 'step': {
      const next = { ...cluster, repair: { holder, until } };
      return conclude(next, note === '' ? [] : [eventOf(next, 'repair-step', note)], context, cluster);
    }
    case 'repaired':
    case 'repair-stopped': {
      // This does not end the wait of a recovered list for its repair; only leaders seen in Raft do
      // (repairing.ts).
      const next = { ...cluster, repair: undefined };
      return conclude(next, [eventOf(next, command.action, note)], context, cluster);
    }
  }
}
