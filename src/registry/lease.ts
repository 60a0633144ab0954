import type { Cluster, Lease, Member, Presence, ProbeAnswer } from './cluster.js';
import { PROBE_EVERY, PROBE_FRESH, STEADY_AFTER, type Rules } from './rules.js';

export function newLease(now: number): Lease {
  return storedLease({ heardAt: now, delivered: 0, polls: false });
}

/** A lease of which only this is known: its other observations were made by an earlier run of the server. */
export function storedLease(stored: Pick<Lease, 'heardAt' | 'delivered' | 'polls'>): Lease {
  const { heardAt } = stored;
  return { ...stored, deliveredAt: heardAt, aliveAt: heardAt, probe: undefined };
}

/** A member, waiting or departed address was heard: the renewal itself. No earlier probe means anything then. */
export function hear(lease: Lease, now: number, polled: boolean): void {
  lease.heardAt = now;
  lease.probe = undefined;
  if (polled) lease.polls = true;
}

/** The list was sent to a member. */
export function deliver(lease: Lease, revision: number, now: number): void {
  if (lease.delivered === revision) return;
  lease.delivered = revision;
  lease.deliveredAt = now;
}

/**
 * A member's port was probed. An open port keeps a member alive that does not poll for itself: it may have
 * said who it is only once, on start-up, and its silence since then means nothing. A failure counts for nothing
 * when the member was heard after the probe was sent off (`askedAt`).
 */
export function observeProbe(member: Member, answer: ProbeAnswer, now: number, askedAt = now): void {
  if (answer !== 'open' && member.lease.heardAt > askedAt) return;
  // Nobody listened, and now not even the host answers: that is no sign of life.
  const isStillDown = answer === 'unreachable' && member.lease.probe?.answer === 'refused';
  member.lease.probe = { at: now, answer: isStillDown ? 'refused' : answer };
  if (answer === 'open') member.lease.aliveAt = now;
  if (answer === 'open' && speaksThroughOthers(member)) member.lease.heardAt = now;
}

/** The member's end of its poll connection was closed, which its process's death does too: it lived until now. */
export function seeEnd(lease: Lease, now: number): void {
  lease.aliveAt = now;
}

/** Probes are not stored; without this a restart of the server would take a member known to be down for live. */
export function recall(member: Member): void {
  if (member.presence === 'down') member.lease.probe ??= { at: member.lease.heardAt, answer: 'refused' };
}

function speaksThroughOthers(member: Member): boolean {
  return member.source === 'heartbeat' && !member.lease.polls;
}

/** Milliseconds since the member was last heard. */
export function silence(member: { readonly lease: Lease }, now: number): number {
  return now - member.lease.heardAt;
}

/** When the member last gave any sign of life: a poll, an open port, the end of its connection. */
export function lastAlive({ lease }: Member): number {
  return Math.max(lease.heardAt, lease.aliveAt);
}

/** Milliseconds since then. */
export function sinceAlive(member: Member, now: number): number {
  return now - lastAlive(member);
}

/** A static member that was never heard itself has no lease to speak of. */
export function hasLease(member: Member): boolean {
  return member.source !== 'static' || member.lease.heardAt > member.joinedAt;
}

export function presenceOf(member: Member, rules: Rules, now: number): Presence {
  if (member.lease.probe?.answer === 'refused') return 'down';
  return hasLease(member) && silence(member, now) >= rules.memberTtl ? 'silent' : 'live';
}

/** Whether the member counts towards a majority. */
export function isLive(member: Member, rules: Rules, now: number): boolean {
  return member.source === 'static' || presenceOf(member, rules, now) === 'live';
}

/**
 * Live for long enough to take part in Raft for certain: a node that has just joined or come back still boots,
 * and then elects, while its polls are heard already.
 */
export function isSteady(member: Member, rules: Rules, now: number): boolean {
  if (!isLive(member, rules, now)) return false;
  return (
    member.source === 'static' || (member.presence === 'live' && now - member.presenceSince >= STEADY_AFTER)
  );
}

/** Whether a waiting address still counts. */
export function isHeld(waiting: { readonly lease: Lease }, rules: Rules, now: number): boolean {
  return silence(waiting, now) < rules.memberTtl;
}

/** Silent, and its port did not answer a recent probe. Without probes, silence alone must do. */
export function isUnreachable(member: Member, rules: Rules, now: number): boolean {
  if (member.source === 'static' || presenceOf(member, rules, now) === 'live') return false;
  if (!rules.probe) return silence(member, now) >= rules.evictAfter;
  const probe = member.lease.probe;
  return probe !== undefined && probe.answer !== 'open' && now - probe.at <= PROBE_FRESH;
}

/**
 * Whether the member has the list of `revision`. Of one that never polls for itself this cannot be seen; its
 * Nacos polls every 5 s (2.5.1 AddressServerMemberLookup), so it is presumed to have what is older than a TTL.
 */
export function hasRevision(
  member: Member,
  revision: number,
  cluster: Cluster,
  rules: Rules,
  now: number,
): boolean {
  if (member.lease.delivered >= revision) return true;
  return !member.lease.polls && now - cluster.changedAt >= rules.memberTtl;
}

/** Whether the member's port should be probed now. */
export function wantsProbe(member: Member, rules: Rules, now: number): boolean {
  if (!rules.probe || !hasLease(member)) return false;
  if (now - (member.lease.probe?.at ?? -Infinity) < PROBE_EVERY) return false;
  if (presenceOf(member, rules, now) !== 'live') return true;
  return speaksThroughOthers(member) && silence(member, now) >= rules.memberTtl / 2;
}
