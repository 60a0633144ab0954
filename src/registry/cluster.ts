import type { Address } from './address.js';

/*
 * The nouns of the registry.
 *
 * All times are milliseconds on the lease clock (see runtime/lease-clock.ts): it only runs while the
 * server can hear, so a difference of two of them is silence, never the server's own absence.
 */

/** Which list: `/{product}/{name}`, for Nacos nodes usually `/nacos/serverlist`. */
export interface ClusterKey {
  readonly product: string;
  readonly name: string;
}

/** How a member makes itself heard. */
export type Source =
  /** its own Nacos polls the list with `self` */
  | 'poll'
  /** a script or sidecar POSTs for it; its Nacos polls without `self` or not at all */
  | 'heartbeat'
  /** an operator put it through the official API; always listed until deleted */
  | 'static';

/** What a TCP connect to a member's main port ended with. */
export type ProbeAnswer = 'open' | 'refused' | 'unreachable';

/**
 * What was last observed of an address. The one mutable part of a cluster: renewals touch it without a decision (see
 * lease.ts), and all versions of the cluster share it, so none is lost to a decision under way. What several servers
 * observed of one address comes together in any order (merge), since every fact only grows.
 */
export interface Lease extends StoredLease {
  /**
   * When this server's probe last failed, since the address was heard, in a way that says something of it (control.ts);
   * NEVER at first. Not shared.
   */
  failedAt: number;
  /** When this server last probed it since it was heard; NEVER at first. Not shared. */
  probedAt: number;
  /** Whether something was observed that the store may not have yet. */
  changed: boolean;
  /** What the store has of it; the store's own note (store/stored-leases.ts), which no rule looks at. */
  stored: StoredLease | undefined;
}

/** The facts of a lease that are stored and shared. */
export interface StoredLease {
  /** When it was last heard. */
  heardAt: number;
  /** When its port last answered a probe: it lived then, heard or not. NEVER (-1) at first. */
  openAt: number;
  /** When it ended its poll connection, which its process's death does too: it lived until then. NEVER at first. */
  endedAt: number;
  /** When nobody listened on its port. It is `down` as long as nothing else was heard of it since. NEVER at first. */
  refusedAt: number;
  /** The list's revision that it was last sent, or that its agent says its Nacos has; 0 for none. */
  delivered: number;
  /** When it was first sent that revision. */
  deliveredAt: number;
  /**
   * Whether it has ever polled the list itself, or its agent said what it has: only then does {@link delivered} say what
   * its Nacos knows.
   */
  polls: boolean;
}

/** An address on the list. */
export interface Member {
  readonly address: Address;
  /** A stable identity (pod or host name) that outlives the address. */
  readonly id?: string;
  /** The cluster size it last asked for. */
  readonly expect?: number;
  readonly source: Source;
  readonly joinedAt: number;
  /** The first revision with it on the list. */
  readonly joinedRevision: number;
  /** Since when it and every other live member have a list with it; see {@link settled}. */
  readonly knownSince?: number;
  /** An initial member, or known for the settle time: its Raft log may be trusted not to be blank. */
  readonly settled: boolean;
  /** What the last event said of it. */
  readonly presence: Presence;
  /** Since when. */
  readonly presenceSince: number;
  readonly lease: Lease;
}

/** *live*: heard within its TTL. *silent*: not. *down*: nobody listens on its port any more. */
export type Presence = 'live' | 'silent' | 'down';

/** A new address held at the gate, not on the list. */
export interface Waiting {
  readonly address: Address;
  readonly id?: string;
  readonly expect?: number;
  readonly source: 'poll' | 'heartbeat';
  readonly since: number;
  /** Shared and mutable as a member's. */
  readonly lease: Lease;
}

/** An address that left and may still poll while it stops. */
export interface Tombstone {
  readonly leftAt: number;
  /** Until then no poll of its address registers it again. */
  readonly rejoinBlockedUntil: number;
  /** When it was last heard since; touched without a decision. */
  readonly lease: Lease;
}

/** One list with everything that decides about it. Immutable but for the leases. */
export interface Cluster extends ClusterKey {
  /** Counts bootstraps; 0 before the first. */
  readonly epoch: number;
  /** Counts changes of the list. */
  readonly revision: number;
  /** When the list last changed. */
  readonly changedAt: number;
  /** How many members the cluster is meant to have; 0 without a list. */
  readonly size: number;
  /** Whether the last word on the quorum was that it is lost (R6). */
  readonly quorumLost: boolean;
  /** In the order of joining. */
  readonly members: ReadonlyMap<Address, Member>;
  /** In the order of arrival. */
  readonly waiting: ReadonlyMap<Address, Waiting>;
  readonly tombstones: ReadonlyMap<Address, Tombstone>;
  /**
   * Whether an operator recovered the list (R7) and Raft has not been seen to have leaders since: until then nobody joins,
   * since blank nodes would outvote the survivors.
   */
  readonly awaitsRepair: boolean;
  /** Who repairs Raft (repairing.ts). */
  readonly repair: Repair | undefined;
  /**
   * Why what is stored of it cannot be its state: a sentence. Then nothing of it is known here, and nothing is decided or
   * served until somebody has put it right.
   */
  readonly damage?: string;
}

/** The lock of a repair: one at a time. */
export interface Repair {
  /** Who has it, in words. */
  readonly holder: string;
  /** Until when nothing need be heard of it. */
  readonly until: number;
}

export function emptyCluster(key: ClusterKey): Cluster {
  return {
    product: key.product,
    name: key.name,
    epoch: 0,
    revision: 0,
    changedAt: 0,
    size: 0,
    quorumLost: false,
    members: new Map(),
    waiting: new Map(),
    tombstones: new Map(),
    awaitsRepair: false,
    repair: undefined,
  };
}

/** `product/name`, unique since neither holds a slash. */
export function keyOf(key: ClusterKey): string {
  return `${key.product}/${key.name}`;
}

/** The smallest number of voters that outvotes the rest of `size`. */
export function majority(size: number): number {
  return Math.floor(size / 2) + 1;
}

/** Whether anybody was ever listed or waits: only then does a cluster exist for those who ask. */
export function isKnown(cluster: Cluster): boolean {
  return cluster.epoch > 0 || cluster.waiting.size > 0 || cluster.damage !== undefined;
}

/** True when nothing would be lost by forgetting the cluster but the count of its lists: no list, and nobody waits. */
export function isForgettable(cluster: Cluster): boolean {
  return !isKnown(cluster) && cluster.tombstones.size === 0;
}

/** How many addresses a cluster takes memory for. */
export function heldBy({ members, waiting, tombstones }: Cluster): number {
  return members.size + waiting.size + tombstones.size;
}

/** The member that a waiting address becomes. */
export function joined(waiting: Waiting, revision: number, settled: boolean, now: number): Member {
  return {
    address: waiting.address,
    ...optional('id', waiting.id),
    ...optional('expect', waiting.expect),
    source: waiting.source,
    joinedAt: now,
    joinedRevision: revision,
    settled,
    presence: 'live',
    presenceSince: now,
    lease: waiting.lease,
  };
}

/** `{ [name]: value }`, or nothing of it when there is no value. */
export function optional<K extends string, V>(name: K, value: V | undefined): Partial<Record<K, V>> {
  return (value === undefined ? {} : { [name]: value }) as Partial<Record<K, V>>;
}

/** The same map when all of it is kept, so that an unchanged table is seen to be unchanged. */
export function filterMap<V>(
  map: ReadonlyMap<Address, V>,
  keep: (value: V, address: Address) => boolean,
): ReadonlyMap<Address, V> {
  for (const [address, value] of map) {
    if (!keep(value, address)) return new Map([...map].filter(([one, other]) => keep(other, one)));
  }
  return map;
}
