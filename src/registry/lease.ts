import type { Cluster, Lease, Member, Presence, ProbeAnswer, StoredLease } from './cluster.js';
import { isVouched, type Control } from './control.js';
import { LATEST_FACTS } from './lease-facts.js';
import { PROBE_EVERY, PROBE_FRESH, STABLE_AFTER_MS, type Rules } from './rules.js';

/** Marks a stored time of something that never happened. */
export const NEVER = -1;

export function newLease(now: number): Lease {
  return { ...storedLease(heardOnce(now)), changed: true };
}

/** The facts of an address of which only the time of its last poll or heartbeat is known. */
export function heardOnce(at: number): StoredLease {
  return {
    heardAt: at,
    openAt: NEVER,
    endedAt: NEVER,
    refusedAt: NEVER,
    delivered: 0,
    deliveredAt: at,
    polls: false,
  };
}

/** A lease with only its stored facts: this server has not probed the address yet. */
export function storedLease(stored: StoredLease): Lease {
  return { ...stored, failedAt: NEVER, probedAt: NEVER, changed: false, stored: undefined };
}

/** Adds what another server observed. Servers may merge in any order and any number of times. */
export function merge(lease: Lease, other: StoredLease): void {
  for (const fact of LATEST_FACTS) lease[fact] = Math.max(lease[fact], other[fact]);
  lease.polls ||= other.polls;
  if (other.delivered > lease.delivered) {
    lease.delivered = other.delivered;
    lease.deliveredAt = other.deliveredAt;
  } else if (other.delivered === lease.delivered) {
    lease.deliveredAt = Math.min(lease.deliveredAt, other.deliveredAt);
  }
}

/**
 * Renews the lease of a member, waiting or departed address. Results of earlier probes mean nothing from then
 * on.
 */
export function hear(lease: Lease, at: number, polled: boolean): void {
  lease.heardAt = Math.max(at, lease.heardAt);
  lease.changed = true;
  if (lease.refusedAt !== NEVER && lease.refusedAt <= at) lease.refusedAt = NEVER;
  if (lease.failedAt !== NEVER && lease.failedAt <= at) lease.failedAt = NEVER;
  if (lease.probedAt !== NEVER && lease.probedAt <= at) lease.probedAt = NEVER;
  if (polled) lease.polls = true;
}

/**
 * Renews the lease from a poll, or from a heartbeat that reports the node's list revision. Either shows which
 * list the node holds.
 */
export function hearPoll(
  lease: Lease,
  { source, revision }: { readonly source: 'poll' | 'heartbeat'; readonly revision?: number | undefined },
  now: number,
): void {
  hear(lease, now, source === 'poll' || revision !== undefined);
}

/** Notes that a member was sent the list of a revision. */
export function deliver(lease: Lease, revision: number, now: number): void {
  if (lease.delivered >= revision) return;
  lease.delivered = revision;
  lease.deliveredAt = now;
  lease.changed = true;
}

/**
 * Records a probe of a member's port. An open port renews a member that does not poll for itself: it may have
 * registered only once, at start-up, so its silence since then means nothing. A failed probe is ignored when
 * the member was heard after the probe was sent (`askedAt`). When there was no other node to show that this
 * server can reach any (`control` is `nobody`), a refusal makes the member `down` and counts for nothing
 * else. A host that does not answer at all does not revive a member that is down.
 */
export function observeProbe(
  member: Member,
  answer: ProbeAnswer,
  now: number,
  askedAt = now,
  control: Control = 'nobody',
): void {
  const { lease, address } = member;
  lease.changed = true;
  if (answer === 'open') {
    lease.probedAt = now;
    lease.failedAt = NEVER;
    lease.openAt = Math.max(now, lease.openAt);
    lease.refusedAt = NEVER;
    if (speaksThroughOthers(member)) lease.heardAt = Math.max(lease.heardAt, lease.openAt);
    return;
  }
  if (lease.heardAt > askedAt) return;
  lease.probedAt = now;
  const says = isVouched({ address, answer, askedAt }, control);
  if (says) lease.failedAt = now;
  if (answer === 'refused' && (says || control === 'nobody'))
    lease.refusedAt = Math.max(lease.refusedAt, now);
}

/**
 * Records that the member could not be probed, which proves nothing about it. Its next probe comes no sooner.
 */
export function missProbe({ lease }: Member, now: number): void {
  lease.probedAt = now;
}

/**
 * Records that the member's end closed its poll connection, as its process's death also does. It was alive
 * until now.
 */
export function seeEnd(lease: Lease, now: number): void {
  lease.endedAt = Math.max(lease.endedAt, now);
  lease.changed = true;
}

/** Its port refused a probe, and the member was neither heard nor found open since. */
function isDown(lease: Lease): boolean {
  const { refusedAt } = lease;
  return refusedAt !== NEVER && refusedAt >= lease.heardAt && refusedAt >= lease.openAt;
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
  return Math.max(lease.heardAt, lease.openAt, lease.endedAt);
}

/** Milliseconds since the member's last sign of life; see {@link lastAlive}. */
export function sinceAlive(member: Member, now: number): number {
  return now - lastAlive(member);
}

/** Whether the member has a lease: a static member gets one only once its node is heard. */
export function hasLease(member: Member): boolean {
  return member.source !== 'static' || member.lease.heardAt > member.joinedAt;
}

export function presenceOf(member: Member, rules: Rules, now: number): Presence {
  if (isDown(member.lease)) return 'down';
  return hasLease(member) && silence(member, now) >= rules.memberTtl ? 'silent' : 'live';
}

/** States that operators see. *static*: an operator put it, and it is not known to be silent or down. */
export const MEMBER_STATES = ['live', 'silent', 'down', 'static'] as const;
export type MemberState = (typeof MEMBER_STATES)[number];

export function memberState(member: Member, rules: Rules, now: number): MemberState {
  const presence = presenceOf(member, rules, now);
  return member.source === 'static' && presence === 'live' ? 'static' : presence;
}

/** Whether the member counts towards a majority. */
export function isLive(member: Member, rules: Rules, now: number): boolean {
  return member.source === 'static' || presenceOf(member, rules, now) === 'live';
}

/**
 * Live for long enough ({@link STABLE_AFTER_MS}) to take part in Raft for certain. A node that just joined or
 * came back polls while it still boots, and elects only after that.
 */
export function isStable(member: Member, rules: Rules, now: number): boolean {
  if (!isLive(member, rules, now)) return false;
  return (
    member.source === 'static' ||
    (member.presence === 'live' && now - member.presenceSince >= STABLE_AFTER_MS)
  );
}

/**
 * Whether the member became live again, or its agent reported that its Nacos starts, so recently
 * ({@link STABLE_AFTER_MS}) that it may not take part in Raft yet. A member that has only just joined did not
 * come back.
 */
export function isJustBack({ source, presence, presenceSince, joinedAt }: Member, now: number): boolean {
  const isBack = source !== 'static' && presence === 'live' && presenceSince > joinedAt;
  return isBack && now - presenceSince < STABLE_AFTER_MS;
}

/** Whether a waiting address still counts: it was heard within the TTL. */
export function isHeld(waiting: { readonly lease: Lease }, rules: Rules, now: number): boolean {
  return silence(waiting, now) < rules.memberTtl;
}

/**
 * Whether the member is silent or down, its port failed a recent probe of this server while another's
 * answered (control.ts), and no server found it open lately: a port that refuses one server may be open to
 * another. Without probes, silence for `evictAfter` suffices.
 */
export function isUnreachable(member: Member, rules: Rules, now: number): boolean {
  if (member.source === 'static' || presenceOf(member, rules, now) === 'live') return false;
  if (!rules.probe) return silence(member, now) >= rules.evictAfter;
  const { lease } = member;
  if (lease.failedAt === NEVER || lease.failedAt < lease.heardAt || now - lease.failedAt > PROBE_FRESH)
    return false;
  return !isOpenLately(lease, now);
}

function isOpenLately({ openAt }: Lease, now: number): boolean {
  return openAt !== NEVER && now - openAt <= PROBE_FRESH;
}

/** Whether its port answered a probe within {@link PROBE_FRESH}, and has not refused one since. */
export function answeredLately({ lease }: Member, now: number): boolean {
  return isOpenLately(lease, now) && !isDown(lease);
}

/**
 * Whether the member has the list of `revision`. For a member that never polls itself, the server cannot see
 * this. Its Nacos polls every 5 s (2.5.1 AddressServerMemberLookup), so it is presumed to have every list
 * older than a TTL.
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

/**
 * Whether its connection ended after it was last heard, and no trusted probe has explained that yet
 * (control.ts). When a whole cluster dies, the ends of the other connections may be noticed only after the
 * first probe.
 */
function isLeftOpen({ heardAt, endedAt, probedAt, openAt, refusedAt }: Lease): boolean {
  return endedAt >= heardAt && probedAt >= endedAt && Math.max(openAt, refusedAt) < endedAt;
}

/** Whether the member's port should be probed now. */
export function wantsProbe(member: Member, rules: Rules, now: number): boolean {
  if (!rules.probe || !hasLease(member)) return false;
  const { probedAt } = member.lease;
  if (probedAt !== NEVER && now - probedAt < PROBE_EVERY) return false;
  if (presenceOf(member, rules, now) !== 'live') return true;
  if (isLeftOpen(member.lease)) return true;
  return speaksThroughOthers(member) && silence(member, now) >= rules.memberTtl / 2;
}
