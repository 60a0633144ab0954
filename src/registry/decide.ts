import { canonical, type Address } from './address.js';
import { advance, founding } from './advance.js';
import { given, joined, type Cluster, type Departed, type Member, type Waiting } from './cluster.js';
import { eventOf, type RegistryEvent } from './events.js';
import { explainWaiting } from './gate.js';
import { hear, isLive, isUnreachable, newLease, recall } from './lease.js';
import type { Moment } from './moment.js';
import { quorumOf } from './quorum.js';
import { MAX_ADDRESSES, MAX_CLUSTERS, QUIET_AFTER_LEAVE } from './rules.js';

/**
 * The registry: every rule of what a list may become, and nothing else.
 *
 * `decide` takes a cluster, a command and the time, and returns the cluster that follows, the events to
 * record and the reply. It imports no HTTP, no store and no clock. It never changes a cluster, but for the
 * leases, which are observations (see cluster.ts). An unchanged cluster is returned as the same object, so the caller
 * sees that nothing needs storing.
 */

export type Command =
  /** A Nacos node polls, or somebody sends a heartbeat for it. */
  | {
      readonly type: 'poll';
      readonly address: Address;
      readonly source: 'poll' | 'heartbeat';
      readonly id?: string | undefined;
      /** 1 to {@link MAX_EXPECT}. */
      readonly expect?: number | undefined;
      /** When the connection that carries it was opened, on the hearing clock. */
      readonly connectedAt: number;
    }
  /** A held poll's connection ended before its answer: the caller is gone. */
  | { readonly type: 'abandon'; readonly address: Address }
  /** A member's own word, or an operator's. The node is stopped `wait` milliseconds later at the latest. */
  | { readonly type: 'leave'; readonly address: Address; readonly wait?: number }
  /** Members that stay until deleted. */
  | { readonly type: 'put'; readonly addresses: readonly Address[] }
  | { readonly type: 'delete'; readonly addresses: readonly Address[] }
  /** After a lost majority: the list becomes those that answer and those that wait. */
  | { readonly type: 'recover' }
  /** Time has passed, or something was observed. */
  | { readonly type: 'tick' }
  /** The server was restarted: who waited before may be gone, and who was down is so until it is heard. */
  | { readonly type: 'resume' };

export interface Context extends Moment {
  /** How many clusters exist. */
  readonly clusters: number;
}

export type Refusal =
  /** A live member or waiting address has this id. */
  | 'id-in-use'
  /** Another spelling of this address is on the list or waits. */
  | 'other-spelling'
  | 'too-many-addresses'
  | 'too-many-clusters'
  | 'quorum-not-lost'
  | 'nobody-to-recover-with';

export type Reply =
  /** The caller is on the list, which is safe to start from. */
  | { readonly type: 'listed' }
  | { readonly type: 'waiting'; readonly reason: string }
  | { readonly type: 'refused'; readonly code: Refusal; readonly reason: string }
  | { readonly type: 'left' }
  | { readonly type: 'unknown' }
  | { readonly type: 'done' };

export interface Outcome {
  readonly cluster: Cluster;
  readonly events: readonly RegistryEvent[];
  readonly reply: Reply;
}

export function decide(cluster: Cluster, command: Command, context: Context): Outcome {
  switch (command.type) {
    case 'poll':
      return poll(cluster, command, context);
    case 'abandon':
      return then({ ...cluster, waiting: without(cluster.waiting, command.address) }, [], context, cluster);
    case 'leave':
      return leave(cluster, command, context);
    case 'put':
      return put(cluster, command.addresses, context);
    case 'delete':
      return remove(cluster, command.addresses, context);
    case 'recover':
      return recover(cluster, context);
    case 'tick':
      return then(cluster, [], context);
    case 'resume':
      for (const member of cluster.members.values()) recall(member);
      return cluster.waiting.size === 0
        ? unchanged(cluster, { type: 'done' })
        : { cluster: { ...cluster, waiting: new Map() }, events: [], reply: { type: 'done' } };
  }
}

type Poll = Extract<Command, { type: 'poll' }>;

/**
 * True when a poll of a listed member says something that must be decided and stored beyond its renewal,
 * which is the caller's to make in either case (R2: a listed address gets the list at once).
 */
export function saysSomethingNew(
  member: Member,
  poll: Omit<Poll, 'type' | 'address' | 'connectedAt'>,
): boolean {
  return (
    member.presence !== 'live' ||
    (poll.id !== undefined && poll.id !== member.id) ||
    (poll.expect !== undefined && poll.expect !== member.expect) ||
    (member.source === 'heartbeat' && poll.source === 'poll')
  );
}

function poll(cluster: Cluster, poll: Poll, context: Context): Outcome {
  const member = cluster.members.get(poll.address);
  if (member) {
    hear(member.lease, context.now, poll.source === 'poll');
    return saysSomethingNew(member, poll)
      ? then(update(cluster, member, poll, context), [], context, cluster, () => ({ type: 'listed' }))
      : unchanged(cluster, { type: 'listed' });
  }

  const departed = cluster.departed.get(poll.address);
  if (departed && isStopping(departed, poll, context.now)) {
    departed.lease.heardAt = context.now;
    return unchanged(cluster, {
      type: 'waiting',
      reason: `${poll.address} has left ${cluster.product}/${cluster.name}; what it polls while it stops does not register it again`,
    });
  }

  const refused = refuse(cluster, poll, context);
  if (refused) return unchanged(cluster, refused);

  const before = cluster.waiting.get(poll.address);
  const lease = before?.lease ?? newLease(context.now);
  hear(lease, context.now, poll.source === 'poll');
  const fresh: Waiting = {
    address: poll.address,
    source: poll.source,
    since: before?.since ?? context.now,
    lease,
    ...given('id', poll.id ?? before?.id),
    ...given('expect', poll.expect ?? before?.expect),
  };
  const same =
    before !== undefined &&
    before.id === fresh.id &&
    before.expect === fresh.expect &&
    before.source === fresh.source;
  const waiting = same
    ? cluster.waiting
    : new Map(withoutSameId(cluster.waiting, fresh)).set(poll.address, fresh);
  const departedLeft = departed ? without(cluster.departed, poll.address) : cluster.departed;
  const next = same && !departed ? cluster : { ...cluster, waiting, departed: departedLeft };
  const events = before
    ? []
    : [eventOf(cluster, 'waiting', explainWaiting(next, fresh, context), poll.address)];
  return then(next, events, context, cluster, (settled) =>
    settled.members.has(poll.address)
      ? { type: 'listed' }
      : { type: 'waiting', reason: explainWaiting(settled, fresh, context) },
  );
}

/** What a listed member's poll says anew: a stable id, a larger cluster, that it polls for itself. */
function update(cluster: Cluster, member: Member, poll: Poll, context: Context): Cluster {
  const idIsFree = poll.id !== undefined && !idHolder(cluster, poll.id, poll.address, context);
  const changed: Member = {
    ...member,
    ...given('id', idIsFree ? poll.id : member.id),
    ...given('expect', poll.expect ?? member.expect),
    source: member.source === 'heartbeat' && poll.source === 'poll' ? 'poll' : member.source,
  };
  const asksAnew = poll.expect !== undefined && poll.expect !== member.expect;
  return {
    ...cluster,
    size: asksAnew ? Math.max(cluster.size, poll.expect) : cluster.size,
    members: new Map(cluster.members).set(member.address, changed),
  };
}

/**
 * R4: a leaving node polls on while it stops. For a while no poll of its address registers it; afterwards
 * only one on a connection that was opened after the leave does.
 */
function isStopping(departed: Departed, poll: Poll, now: number): boolean {
  return now < departed.quietUntil || poll.connectedAt <= departed.leftAt;
}

function refuse(cluster: Cluster, poll: Poll, context: Context): Reply | undefined {
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

function overLimit(cluster: Cluster, more: number, context: Context): Reply | undefined {
  const isNew = cluster.epoch === 0 && cluster.waiting.size === 0;
  if (isNew && context.clusters >= MAX_CLUSTERS) {
    return refusal(
      'too-many-clusters',
      `this server holds ${MAX_CLUSTERS} clusters already, the most it takes`,
    );
  }
  if (cluster.members.size + cluster.waiting.size + more > MAX_ADDRESSES) {
    return refusal(
      'too-many-addresses',
      `${cluster.product}/${cluster.name} would hold more than ${MAX_ADDRESSES} addresses, the most it takes`,
    );
  }
  return undefined;
}

function leave(
  cluster: Cluster,
  { address, wait = 0 }: Extract<Command, { type: 'leave' }>,
  context: Context,
): Outcome {
  const quietUntil = context.now + wait + QUIET_AFTER_LEAVE;
  if (!cluster.members.has(address) && !cluster.waiting.has(address)) {
    const departed = cluster.departed.get(address);
    if (!departed) return unchanged(cluster, { type: 'unknown' });
    // Said again: it still runs, and the quiet time starts anew.
    return {
      cluster: {
        ...cluster,
        departed: new Map(cluster.departed).set(address, {
          ...departed,
          leftAt: context.now,
          quietUntil,
        }),
      },
      events: [],
      reply: { type: 'left' },
    };
  }
  const { cluster: next, events } = takeOff(
    cluster,
    [address],
    'left by its own or an operator’s word',
    context,
    quietUntil,
  );
  return then(next, events, context, cluster, () => ({ type: 'left' }));
}

function remove(cluster: Cluster, addresses: readonly Address[], context: Context): Outcome {
  const { cluster: next, events } = takeOff(
    cluster,
    addresses,
    'deleted through the official API',
    context,
    context.now + QUIET_AFTER_LEAVE,
  );
  return then(next, events, context, cluster, () => ({ type: 'done' }));
}

function takeOff(
  cluster: Cluster,
  addresses: readonly Address[],
  reason: string,
  context: Context,
  quietUntil: number,
): { cluster: Cluster; events: RegistryEvent[] } {
  const members = new Map(cluster.members);
  const waiting = new Map(cluster.waiting);
  const departed = new Map(cluster.departed);
  const listed = addresses.filter((address) => members.delete(address));
  for (const address of addresses) {
    const known = cluster.members.get(address) ?? cluster.waiting.get(address);
    waiting.delete(address);
    if (known) departed.set(address, { leftAt: context.now, quietUntil, lease: known.lease });
  }
  if (listed.length === 0) return { cluster: { ...cluster, waiting, departed }, events: [] };
  const remaining = members.size;
  const next: Cluster = {
    ...cluster,
    members,
    waiting,
    departed,
    revision: cluster.revision + 1,
    changedAt: context.now,
    // Less those who left, but not below what stays: a replacement may have joined first.
    size: remaining === 0 ? 0 : Math.max(cluster.size - listed.length, Math.min(cluster.size, remaining)),
    quorumLost: remaining > 0 && cluster.quorumLost,
  };
  return { cluster: next, events: listed.map((address) => eventOf(next, 'left', reason, address)) };
}

function put(cluster: Cluster, addresses: readonly Address[], context: Context): Outcome {
  const wanted = [...new Set(addresses)];
  for (const address of wanted) {
    const spelling =
      otherSpelling(cluster, address) ??
      wanted.find((other) => other !== address && canonical(other) === canonical(address));
    if (spelling !== undefined) {
      return unchanged(
        cluster,
        refusal(
          'other-spelling',
          `${address} is another spelling of ${spelling}; Nacos would take them for two members`,
        ),
      );
    }
  }
  const added = wanted.filter((address) => !cluster.members.has(address));
  const tooMany = overLimit(
    cluster,
    added.filter((address) => !cluster.waiting.has(address)).length,
    context,
  );
  if (tooMany) return unchanged(cluster, tooMany);

  if (cluster.members.size === 0) {
    const founders = wanted.map((address) => ({
      ...newStatic(cluster, address, cluster.revision + 1, context),
      settled: true,
    }));
    const { cluster: next, events } = founding(
      cluster,
      founders,
      'founded',
      `${founders.length} static member(s) were put`,
      context,
    );
    return then(next, events, context, cluster, () => ({ type: 'done' }));
  }

  const revision = added.length > 0 ? cluster.revision + 1 : cluster.revision;
  const members = new Map(cluster.members);
  for (const address of wanted) {
    const before = members.get(address);
    members.set(
      address,
      before ? { ...before, source: 'static' } : newStatic(cluster, address, revision, context),
    );
  }
  const next: Cluster = {
    ...cluster,
    members,
    waiting: new Map([...cluster.waiting].filter(([address]) => !members.has(address))),
    departed: new Map([...cluster.departed].filter(([address]) => !members.has(address))),
    revision,
    changedAt: added.length > 0 ? context.now : cluster.changedAt,
    size: Math.max(cluster.size, [...members.values()].filter((member) => member.source === 'static').length),
  };
  const events = added.map((address) =>
    eventOf(next, 'admitted', 'put as a static member by an operator', address),
  );
  return then(next, events, context, cluster, () => ({ type: 'done' }));
}

function newStatic(cluster: Cluster, address: Address, revision: number, context: Context): Member {
  const waited = cluster.waiting.get(address);
  return {
    address,
    ...given('id', waited?.id),
    ...given('expect', waited?.expect),
    source: 'static',
    joinedAt: context.now,
    joinedRevision: revision,
    settled: false,
    presence: 'live',
    presenceSince: context.now,
    lease: waited?.lease ?? newLease(context.now),
  };
}

/**
 * R7, the operator's part: the list becomes those that answer and those that wait. A silent member whose
 * port answers stays, since dropping a live node would harm it (injury 2).
 */
function recover(cluster: Cluster, context: Context): Outcome {
  const { rules, now } = context;
  const all = [...cluster.members.values()];
  const { held, finding } = quorumOf(cluster, context);
  if (all.length === 0 || held) {
    const has = all.length === 0 ? 'has no list' : `has a majority, ${finding}`;
    return unchanged(
      cluster,
      refusal(
        'quorum-not-lost',
        `${cluster.product}/${cluster.name} ${has}; recover is for a lost majority only`,
      ),
    );
  }
  const kept = all.filter((member) => isLive(member, rules, now) || !isUnreachable(member, rules, now));
  const joining = [...cluster.waiting.values()];
  if (kept.length + joining.length === 0 || (kept.length === all.length && joining.length === 0)) {
    const why =
      kept.length === 0
        ? 'no member answers and nobody waits'
        : 'nobody is known to be unreachable and nobody waits';
    return unchanged(
      cluster,
      refusal('nobody-to-recover-with', `${cluster.product}/${cluster.name} cannot be recovered yet: ${why}`),
    );
  }
  const revision = cluster.revision + 1;
  const members = new Map<Address, Member>(kept.map((member) => [member.address, member]));
  for (const waiting of joining) members.set(waiting.address, joined(waiting, revision, false, now));
  const next: Cluster = {
    ...cluster,
    members,
    waiting: new Map(),
    revision,
    changedAt: now,
    size: Math.max(members.size, ...joining.map((waiting) => waiting.expect ?? 0)),
    quorumLost: false,
  };
  const reason = `an operator recovered the list: ${kept.length} kept, ${joining.length} of those waiting admitted, ${all.length - kept.length} unreachable dropped. Now repair Raft on a survivor (resetPeers)`;
  return then(next, [eventOf(next, 'recovered', reason)], context, cluster, () => ({ type: 'done' }));
}

function otherSpelling(cluster: Cluster, address: Address): Address | undefined {
  const form = canonical(address);
  const differs = (other: Address): boolean => other !== address && canonical(other) === form;
  return [...cluster.members.keys()].find(differs) ?? [...cluster.waiting.keys()].find(differs);
}

/** Who else alive has this id. */
function idHolder(cluster: Cluster, id: string, address: Address, context: Context): Address | undefined {
  const { rules, now } = context;
  for (const member of cluster.members.values()) {
    if (member.id === id && member.address !== address && isLive(member, rules, now)) return member.address;
  }
  for (const waiting of cluster.waiting.values()) {
    // One that waits at a Nacos's start-up is never away for longer than between two tries.
    const away = now - waiting.lease.heardAt > rules.gateHold + 1_000;
    if (waiting.id === id && waiting.address !== address && !away) return waiting.address;
  }
  return undefined;
}

/** Everybody waiting but an earlier address of the same id, which the newcomer replaces. */
function withoutSameId(waiting: Cluster['waiting'], fresh: Waiting): [Address, Waiting][] {
  return [...waiting].filter(
    ([, other]) => fresh.id === undefined || other.id !== fresh.id || other.address === fresh.address,
  );
}

function then(
  next: Cluster,
  events: readonly RegistryEvent[],
  context: Context,
  original: Cluster = next,
  reply: (cluster: Cluster) => Reply = () => ({ type: 'done' }),
): Outcome {
  const advanced = advance(next, context);
  const same = advanced.cluster === next && isSame(next, original);
  const cluster = same ? original : advanced.cluster;
  return { cluster, events: [...events, ...advanced.events], reply: reply(cluster) };
}

/** A copy in which nothing was replaced is not a change. */
function isSame(a: Cluster, b: Cluster): boolean {
  return a === b || (Object.keys(a) as (keyof Cluster)[]).every((field) => a[field] === b[field]);
}

function unchanged(cluster: Cluster, reply: Reply): Outcome {
  return { cluster, events: [], reply };
}

function refusal(code: Refusal, reason: string): Reply {
  return { type: 'refused', code, reason };
}

function without<V>(map: ReadonlyMap<Address, V>, address: Address): ReadonlyMap<Address, V> {
  if (!map.has(address)) return map;
  const copy = new Map(map);
  copy.delete(address);
  return copy;
}
