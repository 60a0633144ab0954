import type { Address } from './address.js';
import { optional, isKnown, type Cluster, type Tombstone, type Member, type Waiting } from './cluster.js';
import type { Command, CommandContext, Decision, Poll, Reply } from './commands.js';
import { eventOf } from './events.js';
import { forget } from './forget.js';
import { explainWaiting } from './gate.js';
import { leave, remove } from './leave.js';
import { deliver, hearPoll, newLease, presenceOf, silence } from './lease.js';
import { conclude, notServed, overLimit, refusal, refuseNewcomers, unchanged } from './decision.js';
import { put } from './put.js';
import { recover, takeForRepaired } from './recover.js';
import { adopt } from './adopt.js';
import { repair } from './repair.js';
import { abandonRepair } from './repairing.js';
import { revisionAhead, setBackAdvice } from './set-back.js';
import { otherSpelling } from './spelling.js';

export type {
  Command,
  CommandContext as Context,
  Decision as Outcome,
  Poll,
  Refusal,
  Reply,
} from './commands.js';

/**
 * The registry: every rule of what a list may become, and nothing else.
 *
 * `decide` takes a cluster, a command and the time. It returns the next cluster, the events to record and the
 * reply. It imports no HTTP, no store and no clock. It changes no cluster except for the leases, which are
 * observations (see cluster.ts). It returns an unchanged cluster as the same object, so that the caller sees
 * that there is nothing to store.
 */
export function decide(cluster: Cluster, command: Command, context: CommandContext): Decision {
  if (cluster.damage !== undefined) return unchanged(cluster, refusal('damaged', cluster.damage));
  if (context.isLeft && command.type !== 'forget') return unchanged(cluster, notServed(cluster, context));
  switch (command.type) {
    case 'poll':
      return poll(cluster, command, context);
    case 'unhealthy':
      return reportUnhealthy(cluster, command, context);
    case 'abandon':
      return conclude(
        { ...cluster, waiting: without(cluster.waiting, command.address) },
        [],
        context,
        cluster,
      );
    case 'leave':
      return leave(cluster, command, context);
    case 'put':
      return put(cluster, command.addresses, context);
    case 'delete':
      return remove(cluster, command.addresses, context);
    case 'forget':
      return forget(cluster, context);
    case 'adopt':
      return adopt(cluster, context);
    case 'recover':
      return command.repaired ? takeForRepaired(cluster, context) : recover(cluster, context);
    case 'repair':
      return repair(cluster, command, context);
    case 'refused':
      return noteRefused(cluster, command);
    case 'tick':
      return conclude(cluster, [], context);
    case 'resume':
      return resume(cluster);
  }
}

/** Leaves the list as it is, but returns a new object; otherwise the store would drop the event. */
function noteRefused(cluster: Cluster, { reason, address }: Extract<Command, { type: 'refused' }>): Decision {
  if (!isKnown(cluster)) return unchanged(cluster, { type: 'unknown' });
  const events = [eventOf(cluster, 'refused', reason, address)];
  return { cluster: { ...cluster }, events, reply: { type: 'done' } };
}

function resume(cluster: Cluster): Decision {
  const { cluster: next, events } = abandonRepair(cluster, 'its server is gone');
  if (next.waiting.size === 0 && next === cluster) return unchanged(cluster, { type: 'done' });
  return { cluster: { ...next, waiting: new Map() }, events, reply: { type: 'done' } };
}

/**
 * True when a listed member's poll brings news that must be decided and stored, beyond the renewal. The
 * caller renews the lease in either case (R2: a listed address gets the list at once).
 */
export function saysSomethingNew(
  member: Member,
  poll: Pick<Poll, 'source' | 'id' | 'expect' | 'starting'>,
): boolean {
  return (
    member.presence !== 'live' ||
    poll.starting === true ||
    isFirstWord(member) ||
    (poll.id !== undefined && poll.id !== member.id) ||
    (poll.expect !== undefined && poll.expect !== member.expect) ||
    (member.source === 'heartbeat' && poll.source === 'poll')
  );
}

/**
 * Whether a static member is heard for the first time, as in a migration. Its node was just restarted with
 * `self`, and may have led until then (R5).
 */
function isFirstWord({ source, presenceSince, joinedAt }: Member): boolean {
  return source === 'static' && presenceSince <= joinedAt;
}

function poll(cluster: Cluster, poll: Poll, context: CommandContext): Decision {
  const member = cluster.members.get(poll.address);
  if (member) {
    hearPoll(member.lease, poll, context.now);
    return saysSomethingNew(member, poll)
      ? conclude(update(cluster, member, poll, context), [], context, cluster, () => ({ type: 'listed' }))
      : unchanged(cluster, { type: 'listed' });
  }

  const tombstone = cluster.tombstones.get(poll.address);
  if (tombstone && isStopping(tombstone, poll, context.now)) {
    hearPoll(tombstone.lease, poll, context.now);
    return unchanged(cluster, {
      type: 'waiting',
      why: 'left',
      reason: `${poll.address} has left ${cluster.product}/${cluster.name}; its polls while it stops do not register it again`,
    });
  }

  const refused = refuse(cluster, poll, context);
  if (refused) return unchanged(cluster, refused);

  const before = cluster.waiting.get(poll.address);
  const wasAhead = revisionAhead(cluster) !== undefined;
  const lease = before?.lease ?? newLease(context.now);
  hearPoll(lease, poll, context.now);
  const fresh: Waiting = {
    address: poll.address,
    source: poll.source,
    since: before?.since ?? context.now,
    lease,
    ...optional('id', poll.id ?? before?.id),
    ...optional('expect', poll.expect ?? before?.expect),
  };
  const same =
    before !== undefined &&
    before.id === fresh.id &&
    before.expect === fresh.expect &&
    before.source === fresh.source;
  const waiting = same
    ? cluster.waiting
    : new Map(withoutSameId(cluster.waiting, fresh)).set(poll.address, fresh);
  // With a list, the runtime notes what the node was delivered (registry-service.ts). Here there is none, and
  // the node's revision is of a list that the database does not know.
  if (poll.revision !== undefined && poll.revision > cluster.revision && cluster.members.size === 0) {
    deliver(lease, poll.revision, context.now);
  }
  const tombstones = tombstone ? without(cluster.tombstones, poll.address) : cluster.tombstones;
  const next = same && !tombstone ? cluster : { ...cluster, waiting, tombstones };
  const events = before
    ? []
    : [eventOf(cluster, 'waiting', explainWaiting(next, fresh, context), poll.address)];
  const ahead = revisionAhead(next);
  if (ahead !== undefined && !wasAhead) events.push(eventOf(cluster, 'set-back', setBackAdvice(next, ahead)));
  return conclude(next, events, context, cluster, (settled) =>
    settled.members.has(poll.address)
      ? { type: 'listed' }
      : {
          type: 'waiting',
          why: settled.members.size === 0 ? 'bootstrapping' : 'gate',
          reason: explainWaiting(settled, fresh, context),
        },
  );
}

/**
 * The agent's report is no sign of death, so the member stays listed. But an eviction may not count on its
 * vote (R5) until it has been well for a while. A silent or down member gets no further event.
 */
function reportUnhealthy(
  cluster: Cluster,
  { address, problem }: Extract<Command, { type: 'unhealthy' }>,
  context: CommandContext,
): Decision {
  const member = cluster.members.get(address);
  if (!member) return unchanged(cluster, { type: 'unknown' });
  if (presenceOf(member, context.rules, context.now) !== 'live') return conclude(cluster, [], context);
  const members = new Map(cluster.members).set(address, { ...member, presenceSince: context.now });
  const event = eventOf(cluster, 'unhealthy', `its agent says: ${problem}; it stays listed`, address);
  return conclude({ ...cluster, members }, [event], context, cluster);
}

/**
 * Applies the news of a listed member's poll: a stable id, a larger cluster, its first own poll, a start of
 * its Nacos.
 */
function update(cluster: Cluster, member: Member, poll: Poll, context: CommandContext): Cluster {
  const idIsFree = poll.id !== undefined && !idHolder(cluster, poll.id, poll.address, context);
  const { knownSince, ...known } = member;
  const changed: Member = {
    ...known,
    // Its lease runs, but its Nacos takes no part in Raft yet: it neither settles nor counts as stable.
    ...(poll.starting || isFirstWord(member)
      ? { presenceSince: context.now }
      : optional('knownSince', knownSince)),
    ...optional('id', idIsFree ? poll.id : member.id),
    ...optional('expect', poll.expect ?? member.expect),
    source: member.source === 'heartbeat' && poll.source === 'poll' ? 'poll' : member.source,
  };
  const asksAnew = member.settled && poll.expect !== undefined && poll.expect !== member.expect;
  return {
    ...cluster,
    size: asksAnew ? Math.max(cluster.size, poll.expect) : cluster.size,
    members: new Map(cluster.members).set(member.address, changed),
  };
}

/**
 * R4: a leaving node keeps polling while it stops. Until `rejoinBlockedUntil` no poll of its address
 * registers it; afterwards only one on a connection that was opened after the leave does.
 */
function isStopping(tombstone: Tombstone, poll: Poll, now: number): boolean {
  return now < tombstone.rejoinBlockedUntil || poll.connectedAt <= tombstone.leftAt;
}

function refuse(cluster: Cluster, poll: Poll, context: CommandContext): Reply | undefined {
  const strange = refuseNewcomers(cluster, [poll.address]);
  if (strange) return strange;
  const spelling = otherSpelling(cluster, poll.address);
  if (spelling !== undefined) {
    return refusal(
      'other-spelling',
      `${poll.address} is another spelling of ${spelling}, which is here already; Nacos would take them for two members. Use ${spelling}`,
    );
  }
  if (poll.id !== undefined) {
    const holder = idHolder(cluster, poll.id, poll.address, context);
    if (holder !== undefined) {
      return refusal(
        'id-in-use',
        `id=${poll.id} belongs to ${holder}, which is alive; ${poll.address} can take its place once it is silent, or needs an id of its own`,
      );
    }
  }
  const known = cluster.waiting.has(poll.address);
  return known ? undefined : overLimit(cluster, 1, context);
}

/**
 * The other living address with this id. A static member counts as live (R3), but holds no id once it is
 * silent or down.
 */
function idHolder(
  cluster: Cluster,
  id: string,
  address: Address,
  context: CommandContext,
): Address | undefined {
  const { rules, now } = context;
  for (const member of cluster.members.values()) {
    const isAlive = presenceOf(member, rules, now) === 'live';
    if (member.id === id && member.address !== address && isAlive) return member.address;
  }
  for (const waiting of cluster.waiting.values()) {
    // A node that waits at start-up is never away for longer than between two tries.
    const away = silence(waiting, now) > rules.pollHold + 1_000;
    if (waiting.id === id && waiting.address !== address && !away) return waiting.address;
  }
  return undefined;
}

/** All waiting addresses, without an earlier address of the same id, which the newcomer replaces. */
function withoutSameId(waiting: Cluster['waiting'], fresh: Waiting): [Address, Waiting][] {
  return [...waiting].filter(
    ([, other]) => fresh.id === undefined || other.id !== fresh.id || other.address === fresh.address,
  );
}

function without<V>(map: ReadonlyMap<Address, V>, address: Address): ReadonlyMap<Address, V> {
  if (!map.has(address)) return map;
  const copy = new Map(map);
  copy.delete(address);
  return copy;
}
