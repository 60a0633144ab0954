import type { Address } from './address.js';
import type { Cluster, Member } from './cluster.js';
import type { CommandContext, Kept, Decision } from './commands.js';
import { eventOf, type RegistryEvent } from './events.js';
import { hasLease, presenceOf, silence } from './lease.js';
import { conclude } from './decision.js';

/**
 * The end of a migration: every static member that makes itself heard becomes a leased one, as if it had never been
 * put. The list stays as it is, and so does its revision. Whoever is not live by its own lease stays static, since it
 * would be silent, and perhaps evicted, as soon as it was adopted.
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
      // Of a static member nobody noted how it speaks. One that polls is found to do so at its next poll (decide.ts).
      source: 'heartbeat',
      presence: 'live',
      // A static member counts as stable however long ago its node restarted. A leased one that counts must have been
      // heard for as long (R5), and for how long this one was, nobody noted either.
      presenceSince: now,
    });
    adopted.push(address);
    events.push(eventOf(cluster, 'adopted', 'it is heard, so from now on its lease decides', address));
  }
  const next = adopted.length === 0 ? cluster : { ...cluster, members };
  return conclude(next, events, context, cluster, () => ({ type: 'adopted', adopted, kept }));
}

/** Why a static member stays one; undefined for one that is live by its own lease. */
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
