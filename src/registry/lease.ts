import type { Cluster, Lease, Member, Presence, ProbeAnswer, StoredLease } from './cluster.js';
import { isVouched, type Control } from './control.js';
import { LATEST_FACTS } from './lease-facts.js';
import { PROBE_EVERY, PROBE_FRESH, STABLE_AFTER_MS, type Rules } from './rules.js';

/** A time that never was, of a stored fact. */
export const NEVER = -1;

export function newLease(now: number): Lease {
  return { ...storedLease(heardOnce(now)), changed: true };
}

/** Of an address that was heard at that time, nothing else is known. */
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

/** A lease of which only the stored facts are known: this server has not probed the address yet. */
export function storedLease(stored: StoredLease): Lease {
  return { ...stored, failedAt: NEVER, probedAt: NEVER, changed: false, stored: undefined };
}

/** Adds what another server observed. The order of merging does not matter, nor how often. */
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

/** A member, waiting or departed address was heard: the renewal itself. No earlier probe means anything then. */
export function hear(lease: Lease, at: number, polled: boolean): void {
  lease.heardAt = Math.max(at, lease.heardAt);
  lease.changed = true;
  if (lease.refusedAt !== NEVER && lease.refusedAt <= at) lease.refusedAt = NEVER;
  if (lease.failedAt !== NEVER && lease.failedAt <= at) lease.failedAt = NEVER;
  if (lease.probedAt !== NEVER && lease.probedAt <= at) lease.probedAt = NEVER;
  if (polled) lease.polls = true;
}

/**
 * The same of a poll, or of a heartbeat that tells which list its Nacos has: then that is known, as of one that polls for
 * itself.
 */
export function hearPoll(
  lease: Lease,
  { source, revision }: { readonly source: 'poll' | 'heartbeat'; readonly revision?: number | undefined },
  now: number,
): void {
  hear(lease, now, source === 'poll' || revision !== undefined);
}

/** The list was sent to a member. */
export function deliver(lease: Lease, revision: number, now: number): void {
  if (lease.delivered >= revision) return;
  lease.delivered = revision;
  lease.deliveredAt = now;
  lease.changed = true;
}

/**
 * A member's port was probed. An open port keeps a member alive that does not poll for itself: it may have
 * said who it is only once, on start-up, and its silence since then means nothing. A failure counts for nothing
 * when the member was heard after the probe was sent off (`askedAt`), and for nothing but `down` when there was nobody
 * else to ask whether it is this server that reaches nobody (`control`). A host that does not answer at all does not
 * revive one that is down.
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

/** The member could not be probed: that says nothing of it. It is tried again as soon as any other. */
export function missProbe({ lease }: Member, now: number): void {
  lease.probedAt = now;
}

/** The member's end of its poll connection was closed, which its process's death does too: it lived until now. */
export function seeEnd(lease: Lease, now: number): void {
  lease.endedAt = Math.max(lease.endedAt, now);
  lease.changed = true;
}

/** Nobody listens on its port, and nothing was heard of it since that was seen. */
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

/** Milliseconds since then. */
export function sinceAlive(member: Member, now: number): number {
  return now - lastAlive(member);
}

/** A static member that was never heard itself has no lease to speak of. */
export function hasLease(member: Member): boolean {
  return member.source !== 'static' || member.lease.heardAt > member.joinedAt;
}

export function presenceOf(member: Member, rules: Rules, now: number): Presence {
  if (isDown(member.lease)) return 'down';
  return hasLease(member) && silence(member, now) >= rules.memberTtl ? 'silent' : 'live';
}

/** As operators see a member: *static* is one that an operator put and that was not seen to be gone. */
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
 * Live for long enough to take part in Raft for certain: a node that has just joined or come back still boots,
 * and then elects, while its polls are heard already.
 */
export function isStable(member: Member, rules: Rules, now: number): boolean {
  if (!isLive(member, rules, now)) return false;
  return (
    member.source === 'static' ||
    (member.presence === 'live' && now - member.presenceSince >= STABLE_AFTER_MS)
  );
}

/**
 * Live again, or its agent says that its Nacos starts, for so short a time that it may take no part in Raft yet. Whoever has
 * only just joined has not come back.
 */
export function isJustBack({ source, presence, presenceSince, joinedAt }: Member, now: number): boolean {
  const isBack = source !== 'static' && presence === 'live' && presenceSince > joinedAt;
  return isBack && now - presenceSince < STABLE_AFTER_MS;
}

/** Whether a waiting address still counts. */
export function isHeld(waiting: { readonly lease: Lease }, rules: Rules, now: number): boolean {
  return silence(waiting, now) < rules.memberTtl;
}

/**
 * Silent, and its port did not answer a recent probe of this server while another's did (control.ts), nor any server's: what
 * one server finds refused another may reach. Without probes, silence alone must do.
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

/** Whether its port answered a probe just now. */
export function answeredLately({ lease }: Member, now: number): boolean {
  return isOpenLately(lease, now) && !isDown(lease);
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

/**
 * Whether its connection has ended since it was heard, and what its port said of that could not be believed (control.ts): of
 * a cluster that dies as a whole, the others' end was perhaps seen only after that.
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
