import type { Address } from './address.js';
import {
  given,
  joined,
  majority,
  type Cluster,
  type Departed,
  type Member,
  type Waiting,
} from './cluster.js';
import { eventOf, type EventType, type RegistryEvent } from './events.js';
import {
  hasLease,
  hasRevision,
  isHeld,
  isLive,
  isUnreachable,
  presenceOf,
  silence,
  sinceAlive,
} from './lease.js';
import { DEPARTED_MEMORY, LATE_POLL, PROBE_FRESH, REPLACED_EVICT_AFTER, type Rules } from './rules.js';

/*
 * What follows from a cluster's state and the time alone, after every command and every tick, in this order:
 *
 *   presence → waiting that gave up → settled → found or refound → evict one → admit → quorum lost or back
 *
 * A step that changes the list raises the revision, and nobody has that revision yet, so the steps of one
 * pass cannot build on each other's changes where a rule demands that the last change has been delivered.
 */

/** When, and under which rules. */
export interface Moment {
  /** Milliseconds on the hearing clock. */
  readonly now: number;
  readonly rules: Rules;
  /** Nobody is evicted before this time (R8). */
  readonly graceUntil: number;
}

interface Step {
  readonly cluster: Cluster;
  readonly events: readonly RegistryEvent[];
}

export function advance(cluster: Cluster, moment: Moment): Step {
  let current = cluster;
  const events: RegistryEvent[] = [];
  for (const step of [presence, forget, settle, found, evict, admit, quorum]) {
    const result = step(current, moment);
    current = result.cluster;
    events.push(...result.events);
  }
  return { cluster: current, events };
}

/** Records who fell silent, went down or returned. */
function presence(cluster: Cluster, { now, rules }: Moment): Step {
  const events: RegistryEvent[] = [];
  let members: Map<Address, Member> | undefined;
  for (const member of cluster.members.values()) {
    const is = presenceOf(member, rules, now);
    if (is === member.presence) continue;
    members ??= new Map(cluster.members);
    members.set(member.address, { ...member, presence: is });
    const quiet = `${Math.round(silence(member, now) / 1_000)} s`;
    if (is === 'live') {
      events.push(eventOf(cluster, 'returned', `was ${member.presence}, answers again`, member.address));
    } else if (is === 'down') {
      events.push(eventOf(cluster, 'down', 'nobody listens on its port; it stays listed', member.address));
    } else {
      events.push(eventOf(cluster, 'silent', `not heard for ${quiet}; it stays listed`, member.address));
    }
  }
  return { cluster: members ? { ...cluster, members } : cluster, events };
}

/** Drops waiting addresses that gave up and leaves that nobody can poll on any more. */
function forget(cluster: Cluster, { now, rules }: Moment): Step {
  const waiting = filtered(cluster.waiting, (one) => isHeld(one, rules, now));
  const departed = filtered(cluster.departed, (one) => !isForgotten(one, now));
  const same = waiting === cluster.waiting && departed === cluster.departed;
  return { cluster: same ? cluster : { ...cluster, waiting, departed }, events: [] };
}

function isForgotten(departed: Departed, now: number): boolean {
  return now - Math.max(departed.leftAt, departed.lease.heardAt) > DEPARTED_MEMORY;
}

/**
 * A joiner settles when it has polled a list with itself on it, as have the other live members, and that has
 * held for the settle time. The time starts anew when the joiner is silent, or when no majority is live: Raft
 * cannot have added it then, and it may come back as blank as it came.
 */
function settle(cluster: Cluster, moment: Moment): Step {
  const { now, rules } = moment;
  let members: Map<Address, Member> | undefined;
  for (const member of cluster.members.values()) {
    if (member.settled) continue;
    const known =
      isLive(member, rules, now) &&
      hasLiveMajority(cluster, moment) &&
      lacking(cluster, member.joinedRevision, moment).length === 0;
    const knownSince = known ? (member.knownSince ?? now) : undefined;
    const settled = knownSince !== undefined && now - knownSince >= rules.settleAfter;
    if (knownSince === member.knownSince && !settled) continue;
    members ??= new Map(cluster.members);
    const { knownSince: _before, ...rest } = member;
    members.set(member.address, { ...rest, settled, ...given('knownSince', knownSince) });
  }
  return { cluster: members ? { ...cluster, members } : cluster, events: [] };
}

function hasLiveMajority({ members }: Cluster, { now, rules }: Moment): boolean {
  const live = [...members.values()].filter((member) => isLive(member, rules, now)).length;
  return live >= majority(members.size);
}

/** The live members that do not have the list of a revision yet. */
export function lacking(
  cluster: Cluster,
  revision: number,
  { now, rules }: Pick<Moment, 'now' | 'rules'>,
): Address[] {
  return [...cluster.members.values()]
    .filter((member) => isLive(member, rules, now) && !hasRevision(member, revision, cluster, rules, now))
    .map(({ address }) => address);
}

/**
 * R1, and R7: all of a cluster is gone and enough wait to be a cluster of that size. Refounding drops every
 * member, so it is as bound to grace (R8) as an eviction, and as late (R5).
 */
function found(cluster: Cluster, moment: Moment): Step {
  const { now, rules, graceUntil } = moment;
  if (cluster.waiting.size === 0 || cluster.waiting.size < neededToFound(cluster)) {
    return { cluster, events: [] };
  }
  const all = [...cluster.members.values()];
  const gone = all.every(
    (member) => isUnreachable(member, rules, now) && silence(member, now) >= rules.evictAfter,
  );
  if (all.length > 0 && (!gone || now < graceUntil)) return { cluster, events: [] };
  const founders = [...cluster.waiting.values()];
  return founding(
    cluster,
    founders.map((one) => joined(one, cluster.revision + 1, true, now)),
    all.length === 0 ? 'founded' : 'refounded',
    all.length === 0
      ? `${founders.length} waited at once, ${neededToFound(cluster)} wanted`
      : `all ${all.length} members were silent and unreachable, and ${founders.length} new ones waited`,
    moment,
  );
}

/** How many must wait at once before those waiting become the list. */
export function neededToFound(cluster: Cluster): number {
  if (cluster.members.size > 0) return Math.max(1, cluster.size);
  return Math.max(1, ...[...cluster.waiting.values()].map((waiting) => waiting.expect ?? 1));
}

/** The first list of an epoch: all founders get one identical list (injury 1). */
export function founding(
  cluster: Cluster,
  founders: readonly Member[],
  type: Extract<EventType, 'founded' | 'refounded'>,
  reason: string,
  { now }: Moment,
): Step {
  const members = new Map(founders.map((founder) => [founder.address, founder]));
  const next: Cluster = {
    ...cluster,
    epoch: cluster.epoch + 1,
    revision: cluster.revision + 1,
    changedAt: now,
    size: Math.max(members.size, ...founders.map((founder) => founder.expect ?? 0)),
    quorumLost: false,
    members,
    waiting: filtered(cluster.waiting, (waiting) => !members.has(waiting.address)),
    departed: filtered(cluster.departed, (_, address) => !members.has(address)),
  };
  const event = eventOf(next, type, `${reason}: ${[...members.keys()].join(', ')}`);
  return { cluster: next, events: [event] };
}

/** R5: one unreachable member at a time, late, while Raft can still remove it, and no election is likely. */
function evict(cluster: Cluster, moment: Moment): Step {
  const { now, rules, graceUntil } = moment;
  if (now < graceUntil) return { cluster, events: [] };
  const all = [...cluster.members.values()];
  const due = all
    .map((member) => ({ member, replacement: replacementOf(cluster, member, moment) }))
    .filter(({ member, replacement }) => {
      const after =
        replacement === undefined ? rules.evictAfter : Math.min(rules.evictAfter, REPLACED_EVICT_AFTER);
      // A member whose polls were lost may have died only now, however long its silence.
      if (sinceAlive(member, now) < REPLACED_EVICT_AFTER) return false;
      return isUnreachable(member, rules, now) && silence(member, now) >= after;
    })
    .sort((a, b) => a.member.lease.heardAt - b.member.lease.heardAt)[0];
  if (due === undefined) return { cluster, events: [] };
  const live = all.filter((member) => isLive(member, rules, now)).length;
  if (live < majority(all.length)) return { cluster, events: [] };
  if (lacking(cluster, cluster.revision, moment).length > 0) return { cluster, events: [] };
  if (all.some((member) => member !== due.member && hasJustDied(member, moment)))
    return { cluster, events: [] };

  const { member, replacement } = due;
  const members = new Map(cluster.members);
  members.delete(member.address);
  const next: Cluster = { ...cluster, members, revision: cluster.revision + 1, changedAt: now };
  const why = `not heard for ${Math.round(silence(member, now) / 1_000)} s${rules.probe ? ' and its port does not answer' : ''}`;
  const event =
    typeof replacement === 'string'
      ? eventOf(next, 'replaced', `${why}; ${replacement} has taken its place`, member.address)
      : eventOf(next, 'evicted', why, member.address);
  return { cluster: next, events: [event] };
}

/**
 * Whether a member may have died so lately that, if it led, the others have no new leader yet: to take another
 * one off the list then would leave that one a voter for ever (injury 4).
 */
function hasJustDied(member: Member, { now, rules }: Moment): boolean {
  if (!hasLease(member) || sinceAlive(member, now) >= REPLACED_EVICT_AFTER) return false;
  const { probe, heardAt } = member.lease;
  if (probe?.answer === 'open' && probe.at >= heardAt && now - probe.at <= PROBE_FRESH) return false;
  return (
    presenceOf(member, rules, now) !== 'live' || (member.lease.polls && silence(member, now) > LATE_POLL)
  );
}

/**
 * The live and settled member with the same id, or `true` when as many members as the cluster should have are
 * live and settled without this one.
 */
function replacementOf(cluster: Cluster, gone: Member, { now, rules }: Moment): Address | true | undefined {
  const able = [...cluster.members.values()].filter(
    (member) => member !== gone && member.settled && isLive(member, rules, now),
  );
  const sameId = gone.id === undefined ? undefined : able.find((member) => member.id === gone.id);
  return sameId?.address ?? (able.length >= cluster.size ? true : undefined);
}

/** R3: whoever waits and is being heard comes in, first come first served, as long as the gate is open. */
function admit(cluster: Cluster, { now, rules }: Moment): Step {
  let current = cluster;
  const events: RegistryEvent[] = [];
  if (cluster.members.size === 0) return { cluster, events };
  for (const waiting of cluster.waiting.values()) {
    if (gate(current, { now, rules }) !== undefined) break;
    // One that is neither held nor about to try again may be dead; it comes in with its next poll.
    if (now - waiting.lease.heardAt > rules.gateHold) continue;
    const revision = current.revision + 1;
    current = {
      ...current,
      members: new Map(current.members).set(waiting.address, joined(waiting, revision, false, now)),
      waiting: filtered(current.waiting, (_, address) => address !== waiting.address),
      departed: filtered(current.departed, (_, address) => address !== waiting.address),
      revision,
      changedAt: now,
      size: Math.max(current.size, waiting.expect ?? 0),
    };
    events.push(eventOf(current, 'admitted', admission(current, waiting), waiting.address));
  }
  return { cluster: current, events };
}

function admission(cluster: Cluster, waiting: Waiting): string {
  const predecessor = [...cluster.members.values()].find(
    (member) => member.id !== undefined && member.id === waiting.id && member.address !== waiting.address,
  );
  return predecessor ? `passed the gate, to replace ${predecessor.address}` : 'passed the gate';
}

/** Why the gate is closed; undefined when it is open. */
function gate(cluster: Cluster, { now, rules }: Pick<Moment, 'now' | 'rules'>): string | undefined {
  const all = [...cluster.members.values()];
  const live = all.filter((member) => isLive(member, rules, now)).length;
  if (live < majority(all.length)) {
    return `only ${live} of ${all.length} members are live, and Raft needs ${majority(all.length)} to add one`;
  }
  const unsettled = all.filter((member) => !member.settled);
  if (unsettled.length + 1 >= majority(all.length + 1)) {
    return `${unsettled.map((member) => member.address).join(', ')} joined only just, and new nodes must stay fewer than a majority`;
  }
  return undefined;
}

/** The sentence that a waiting caller gets. */
export function explainWaiting(cluster: Cluster, waiting: Waiting, moment: Moment): string {
  const name = `${cluster.product}/${cluster.name}`;
  if (cluster.members.size === 0) {
    return `${name} is founding: ${cluster.waiting.size} of ${neededToFound(cluster)} members wait`;
  }
  const closed = gate(cluster, moment);
  return closed === undefined
    ? `${waiting.address} waits for its turn to join ${name}`
    : `${waiting.address} waits to join ${name}: ${closed}`;
}

/** R6: a lost majority is said once, loudly; the list stays. */
function quorum(cluster: Cluster, { now, rules }: Moment): Step {
  const all = [...cluster.members.values()];
  const live = all.filter((member) => isLive(member, rules, now)).length;
  const quorumLost = all.length > 0 && live < majority(all.length);
  if (quorumLost === cluster.quorumLost) return { cluster, events: [] };
  const next = { ...cluster, quorumLost };
  return {
    cluster: next,
    events: quorumLost ? [eventOf(next, 'preserved', quorumAdvice(live, all.length))] : [],
  };
}

/** What to do about a lost majority. */
export function quorumAdvice(live: number, size: number): string {
  return (
    `only ${live} of ${size} members are live, no majority: the list is kept as it is and nobody is evicted. ` +
    'Restart the missing nodes at their addresses; if they are gone for good, start new ones and recover the cluster'
  );
}

function filtered<V>(
  map: ReadonlyMap<Address, V>,
  keep: (value: V, address: Address) => boolean,
): ReadonlyMap<Address, V> {
  const kept = [...map].filter(([address, value]) => keep(value, address));
  return kept.length === map.size ? map : new Map(kept);
}

/** False when a tick can change nothing: a cheap look that spares a quiet cluster the whole pass. */
export function needsTick(cluster: Cluster, { now, rules }: Pick<Moment, 'now' | 'rules'>): boolean {
  if (cluster.waiting.size > 0 || cluster.departed.size > 0 || cluster.quorumLost) return true;
  for (const member of cluster.members.values()) {
    if (!member.settled || member.presence !== 'live') return true;
    if (presenceOf(member, rules, now) !== 'live') return true;
  }
  return false;
}
