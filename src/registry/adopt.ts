import type { Address } from './address.js';
import type { Cluster, Member } from './cluster.js';
import type { CommandContext, Kept, Decision } from './commands.js';
import { eventOf, type RegistryEvent } from './events.js';
import { hasLease, presenceOf, silence } from './lease.js';
import { conclude } from './decision.js';

/**
 * The end of a migration: gives a lease to every static member that is heard, as if it had never been put.
 * The list and its revision stay as they are. A member that is not live by its own lease stays static;
 * adopted, it would at once be silent, and perhaps evicted.
 */
export function adopt(cluster: Cluster, context: CommandContext): Decision {
  const { now } = context;
  const members = new Map(cluster.members);
  const events: RegistryEvent[] = [];
  const adopted: Address[] = [];
  const kept: Kept[] = [];
  for (const member of cluster.members.values()) {
    if (member.source !== 'static') continue;
    const { address } = member;
    const reason = whyKept(member, context);
    if (reason !== undefined) {
      kept.push({ address, reason });
      continue;
    }
    members.set(address, {
      ...member,
      // How a static member is heard is not recorded. If it polls, its next poll shows that (decide.ts).
      source: 'heartbeat',
      presence: 'live',
      // A static member counts as stable however recently its node restarted. A leased one must have been
      // heard for long enough (R5), and for a static member that time is not recorded.
      presenceSince: now,
    });
    adopted.push(address);
    events.push(eventOf(cluster, 'adopted', 'it is heard, so from now on its lease decides', address));
  }
  const next = adopted.length === 0 ? cluster : { ...cluster, members };
  return conclude(next, events, context, cluster, () => ({ type: 'adopted', adopted, kept }));
}

/** A sentence: why a static member stays one. Undefined for one that is live by its own lease. */
function whyKept(member: Member, { now, rules }: CommandContext): string | undefined {
  const { address } = member;
  const what = `its node must poll with self=${address}, or a heartbeat be sent for it`;
  if (!hasLease(member)) return `${address} has never been heard: ${what}`;
  switch (presenceOf(member, rules, now)) {
    case 'live':
      return undefined;
    case 'silent':
      return `${address} has not been heard for ${Math.round(silence(member, now) / 1_000)} s: ${what}`;
    case 'down':
      return `nobody listens on the port of ${address}; when its node runs again, ${what}`;
  }
}
