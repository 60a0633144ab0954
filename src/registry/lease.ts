import type { Cluster, Lease, Member, Presence, ProbeAnswer } from './cluster.js';
import { PROBE_EVERY, PROBE_FRESH, type Rules } from './rules.js';

export function newLease(now: number): Lease {
  return { heardAt: now, delivered: 0, polls: false };
}

/** A member, waiting or departed address was heard: the renewal itself. */
export function hear(lease: Lease, now: number, polled: boolean): void {
  lease.heardAt = now;
  if (polled) lease.polls = true;
}

/** The list was sent to a member. */
export function deliver(lease: Lease, revision: number): void {
  lease.delivered = revision;
}

/**
 * A member's port was probed. An open port keeps a member alive that does not poll for itself: it may have
 * said who it is only once, on start-up, and its silence since then means nothing.
 */
export function observeProbe(member: Member, answer: ProbeAnswer, now: number): void {
  const before = member.lease.probe;
  // Nobody listened, and now not even the host answers: that is no sign of life.
  const isStillDown =
    answer === 'unreachable' && before?.answer === 'refused' && before.at >= member.lease.heardAt;
  member.lease.probe = { at: now, answer: isStillDown ? 'refused' : answer };
  if (answer === 'open') member.lease.openAt = now;
  if (answer === 'open' && speaksThroughOthers(member)) member.lease.heardAt = now;
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

/** Milliseconds since the member last gave any sign of life, a poll or an open port. */
export function sinceAlive({ lease }: Member, now: number): number {
  return now - Math.max(lease.heardAt, lease.openAt ?? lease.heardAt);
}

/** A static member that was never heard itself has no lease to speak of. */
export function hasLease(member: Member): boolean {
  return member.source !== 'static' || member.lease.heardAt > member.joinedAt;
}

export function presenceOf(member: Member, rules: Rules, now: number): Presence {
  const probe = member.lease.probe;
  if (probe?.answer === 'refused' && probe.at >= member.lease.heardAt) return 'down';
  return hasLease(member) && silence(member, now) >= rules.memberTtl ? 'silent' : 'live';
}

/** Whether the member counts towards a majority. */
export function isLive(member: Member, rules: Rules, now: number): boolean {
  return member.source === 'static' || presenceOf(member, rules, now) === 'live';
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
  return (
    probe !== undefined &&
    probe.answer !== 'open' &&
    probe.at >= member.lease.heardAt &&
    now - probe.at <= PROBE_FRESH
  );
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
