import { joinLimited, type Address } from './address.js';
import { filterMap, optional, joined, type Cluster, type Tombstone, type Member } from './cluster.js';
import { eventOf, type EventType, type RegistryEvent } from './events.js';
import { evict } from './evict.js';
import { fade, hasFaded } from './forget.js';
import { admit, initialMembers, requiredToBootstrap } from './gate.js';
import { isHeld, isUnreachable, presenceOf, silence, sinceAlive } from './lease.js';
import { heardSince, isKnownToAll, type RuleContext, type Transition } from './rule-context.js';
import { quorumAdvice, quorumOf } from './quorum.js';
import { endRepair, isRepairing, seeRepaired } from './repairing.js';
import { DEPARTED_MEMORY, LATE_POLL, REPLACED_EVICT_AFTER } from './rules.js';
import { firstRevision, revisionAhead } from './set-back.js';
import { settleTime, settlingHindrances } from './settling.js';

/*
 * What follows from a cluster's state and the time alone, after every command and every tick, in this order:
 *
 *   end of a repair → presence → drop waiting addresses that gave up → settle → bootstrap or rebootstrap
 *   → evict one → admit → quorum lost or regained → forget the cluster
 *
 * A step that changes the list raises the revision, and no node has that revision yet. So where a rule
 * demands that the last change was delivered, no step can build on another step's change in the same pass.
 */

const STEPS = [endRepair, seeRepaired, presence, forget, settle, found, evict, admit, quorum, fade];

export function advance(cluster: Cluster, moment: RuleContext): Transition {
  let current = cluster;
  const events: RegistryEvent[] = [];
  for (const step of STEPS) {
    const result = step(current, moment);
    current = result.cluster;
    if (result.events.length > 0) events.push(...result.events);
  }
  return { cluster: current, events };
}

/** Records which members fell silent, went down or returned. */
function presence(cluster: Cluster, { now, rules }: RuleContext): Transition {
  const events: RegistryEvent[] = [];
  let members: Map<Address, Member> | undefined;
  for (const member of cluster.members.values()) {
    const is = presenceOf(member, rules, now);
    if (is === member.presence) continue;
    members ??= new Map(cluster.members);
    members.set(member.address, { ...member, presence: is, presenceSince: now });
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

/** Drops waiting addresses that gave up, and tombstones whose nodes cannot poll any more. */
function forget(cluster: Cluster, { now, rules }: RuleContext): Transition {
  const waiting = filterMap(cluster.waiting, (one) => isHeld(one, rules, now));
  const tombstones = filterMap(cluster.tombstones, (one) => !isForgotten(one, now));
  const same = waiting === cluster.waiting && tombstones === cluster.tombstones;
  return { cluster: same ? cluster : { ...cluster, waiting, tombstones }, events: [] };
}

function isForgotten(tombstone: Tombstone, now: number): boolean {
  return now - Math.max(tombstone.rejoinBlockedUntil, tombstone.lease.heardAt) > DEPARTED_MEMORY;
}

/** Settles a joiner once nothing has hindered it for the settle time (see settling.ts). */
function settle(cluster: Cluster, moment: RuleContext): Transition {
  const { now } = moment;
  let members: Map<Address, Member> | undefined;
  let { size } = cluster;
  const since = heardSince(moment);
  let hindranceOf: ReturnType<typeof settlingHindrances> | undefined;
  for (const member of cluster.members.values()) {
    if (member.settled) continue;
    hindranceOf ??= settlingHindrances(cluster, moment);
    // The node may have restarted, and be blank, while the server could not hear.
    const isHeard = Math.max(member.lease.heardAt, member.lease.openAt) >= since;
    const wasKnown = member.knownSince !== undefined && member.knownSince >= since;
    const known = isHeard && hindranceOf(member) === undefined;
    const knownSince = known ? (wasKnown ? member.knownSince : now) : undefined;
    const settled = knownSince !== undefined && now - knownSince >= settleTime(member, moment);
    if (knownSince === member.knownSince && !settled) continue;
    members ??= new Map(cluster.members);
    const { knownSince: _before, ...rest } = member;
    members.set(member.address, { ...rest, settled, ...optional('knownSince', knownSince) });
    // The size that a newcomer asks for counts only once it has settled.
    if (settled) size = Math.max(size, member.expect ?? 0);
  }
  return { cluster: members ? { ...cluster, members, size } : cluster, events: [] };
}

/**
 * R1, and R7 when the whole cluster is gone and enough nodes wait to be a cluster of that size. A rebootstrap
 * drops every member, so it is bound by grace (R8) and comes as late (R5) as an eviction.
 */
function found(cluster: Cluster, moment: RuleContext): Transition {
  const { now, rules, graceUntil } = moment;
  if (cluster.waiting.size === 0) return { cluster, events: [] };
  const ready = initialMembers(cluster, moment);
  const requiredMembers = requiredToBootstrap(cluster, ready);
  if (ready.length < requiredMembers) return { cluster, events: [] };
  if (isRepairing(cluster, now) || revisionAhead(cluster) !== undefined) return { cluster, events: [] };
  const all = [...cluster.members.values()];
  const gone = all.every(
    (member) =>
      isUnreachable(member, rules, now) &&
      silence(member, now) >= rules.evictAfter &&
      // As in R5: a member whose polls were lost, here or at a server that is cut off, may have answered only
      // just now.
      sinceAlive(member, now) >= REPLACED_EVICT_AFTER &&
      isKnownToAll(member, moment),
  );
  // While a waiting node was heard, a living member would have been heard too. Before that, perhaps no node
  // could reach this server.
  const hasEars = ready.some(({ since }) => now - since >= LATE_POLL);
  if (all.length > 0 && (!gone || !hasEars || now < graceUntil)) return { cluster, events: [] };
  return bootstrapping(
    cluster,
    ready.map((one) => joined(one, cluster.revision + 1, true, now)),
    all.length === 0 ? 'bootstrapped' : 'rebootstrapped',
    all.length === 0
      ? `${ready.length} waited at once, ${requiredMembers} wanted`
      : `all ${all.length} members were silent and unreachable, and ${ready.length} new ones waited`,
    moment,
  );
}

/** Makes the first list of an epoch: all initial members get one identical list (injury 1). */
export function bootstrapping(
  cluster: Cluster,
  initialMembers: readonly Member[],
  type: Extract<EventType, 'bootstrapped' | 'rebootstrapped' | 'recovered'>,
  reason: string,
  { now }: RuleContext,
): Transition {
  const members = new Map(initialMembers.map((initialMember) => [initialMember.address, initialMember]));
  const next: Cluster = {
    ...cluster,
    epoch: cluster.epoch + 1,
    revision: firstRevision(cluster),
    changedAt: now,
    size: Math.max(members.size, ...initialMembers.map((initialMember) => initialMember.expect ?? 0)),
    quorumLost: false,
    awaitsRepair: false,
    members,
    waiting: filterMap(cluster.waiting, (waiting) => !members.has(waiting.address)),
    tombstones: filterMap(cluster.tombstones, (_, address) => !members.has(address)),
  };
  const event = eventOf(next, type, `${reason}: ${joinLimited([...members.keys()])}`);
  return { cluster: next, events: [event] };
}

/** R6: reports a lost majority once, and its return. The list stays as it is. */
function quorum(cluster: Cluster, moment: RuleContext): Transition {
  const { held, finding } = quorumOf(cluster, moment);
  const quorumLost = cluster.members.size > 0 && !held;
  if (quorumLost === cluster.quorumLost) return { cluster, events: [] };
  const next = { ...cluster, quorumLost };
  if (quorumLost) return { cluster: next, events: [eventOf(next, 'quorum-lost', quorumAdvice(finding()))] };
  if (cluster.members.size === 0) return { cluster: next, events: [] };
  return {
    cluster: next,
    events: [eventOf(next, 'quorum-regained', `${finding()}: that is a majority again`)],
  };
}

/** False when a tick can change nothing: a cheap check that spares a quiet cluster the whole pass. */
export function needsTick(cluster: Cluster, { now, rules }: Pick<RuleContext, 'now' | 'rules'>): boolean {
  const { waiting, tombstones, quorumLost, awaitsRepair, repair } = cluster;
  if (cluster.epoch > 0 && cluster.members.size === 0 && hasFaded(cluster, { now, rules })) return true;
  if (waiting.size > 0 || tombstones.size > 0 || quorumLost || awaitsRepair || repair) return true;
  for (const member of cluster.members.values()) {
    if (!member.settled || member.presence !== 'live') return true;
    if (presenceOf(member, rules, now) !== 'live') return true;
  }
  return false;
}
