import type { Address } from './address.js';

/*
 * The nouns of the registry.
 *
 * All times are milliseconds on the lease clock (see runtime/lease-clock.ts). It runs only while the server
 * can hear, so the difference of two times is silence, never the server's own absence.
 */

/** Names a list by its path `/{product}/{name}`, usually `/nacos/serverlist` for Nacos nodes. */
export interface ClusterKey {
  readonly product: string;
  readonly name: string;
}

/** How a member makes itself heard. */
export type Source =
  /** its own Nacos polls the list with `self` */
  | 'poll'
  /** a script or sidecar POSTs for the node; its Nacos polls without `self` or not at all */
  | 'heartbeat'
  /** an operator put it through the official API; always listed until deleted */
  | 'static';

/** The outcome of a TCP connect to a member's main port. */
export type ProbeAnswer = 'open' | 'refused' | 'unreachable';

/**
 * What was last observed of an address. It is the one mutable part of a cluster: renewals change it without a
 * decision (see lease.ts). All versions of the cluster share it, so a decision under way loses no renewal.
 * Servers may merge their observations of an address in any order, since every fact only grows.
 */
export interface Lease extends StoredLease {
  /**
   * When a probe by this server last failed since the address was heard, with another node's answer to vouch
   * for the failure (control.ts). NEVER at first. Not shared.
   */
  failedAt: number;
  /** When this server last probed the address since it was heard. NEVER at first. Not shared. */
  probedAt: number;
  /** Whether an observation may be missing in the store. */
  changed: boolean;
  /**
   * The facts as the store has them: the store's own bookkeeping (store/stored-leases.ts), which no rule
   * reads.
   */
  stored: StoredLease | undefined;
}

/** The facts of a lease that are stored and shared. */
export interface StoredLease {
  /** When the address was last heard. */
  heardAt: number;
  /** When its port last answered a probe: the node was alive then, heard or not. NEVER (-1) at first. */
  openAt: number;
  /**
   * When the node last ended its poll connection, as its process's death also does: it was alive until then.
   * NEVER at first.
   */
  endedAt: number;
  /**
   * When its port last refused a probe. The address is `down` until it is heard or found open again. NEVER at
   * first.
   */
  refusedAt: number;
  /** The newest list revision that the node was sent, or that its agent reported; 0 for none. */
  delivered: number;
  /** When the node was first sent that revision. */
  deliveredAt: number;
  /**
   * Whether the node ever polled the list itself, or its agent reported its revision. Only then does
   * {@link delivered} show what its Nacos knows.
   */
  polls: boolean;
}

/** An address on the list. */
export interface Member {
  readonly address: Address;
  /** A stable identity (pod or host name) that outlives the address. */
  readonly id?: string;
  /** The cluster size that it last asked for. */
  readonly expect?: number;
  readonly source: Source;
  readonly joinedAt: number;
  /** The first revision that lists the member. */
  readonly joinedRevision: number;
  /** Since when this and every other live member have had a list with it; see {@link settled}. */
  readonly knownSince?: number;
  /**
   * True once its Raft log is assumed not to be blank: it is an initial member, or every live member has had
   * it on its list for the settle time.
   */
  readonly settled: boolean;
  /** Its presence as of the latest event. */
  readonly presence: Presence;
  /** When that presence began; restarts when its agent reports a problem or a start. */
  readonly presenceSince: number;
  readonly lease: Lease;
}

/**
 * *live*: heard within its TTL. *silent*: not heard within it. *down*: its port refused a probe since it was
 * last heard.
 */
export type Presence = 'live' | 'silent' | 'down';

/** A new address that is held at the gate and is on no list yet. */
export interface Waiting {
  readonly address: Address;
  readonly id?: string;
  readonly expect?: number;
  readonly source: 'poll' | 'heartbeat';
  readonly since: number;
  /** Shared by all versions of the cluster and mutable, as a member's lease is. */
  readonly lease: Lease;
}

/** An address that left and may still poll while it stops. */
export interface Tombstone {
  readonly leftAt: number;
  /** Before this time, no poll of the address registers it again. */
  readonly rejoinBlockedUntil: number;
  /** Shows when the address was last heard since it left; changes without a decision. */
  readonly lease: Lease;
}

/** One list with everything that decides about it. Immutable except for the leases. */
export interface Cluster extends ClusterKey {
  /** Counts bootstraps; 0 before the first. */
  readonly epoch: number;
  /** Counts changes of the list. */
  readonly revision: number;
  /** When the list last changed. */
  readonly changedAt: number;
  /** How many members the cluster is meant to have; 0 without a list. */
  readonly size: number;
  /** Whether the latest quorum event reported that the majority is lost (R6). */
  readonly quorumLost: boolean;
  /** In the order of joining. */
  readonly members: ReadonlyMap<Address, Member>;
  /** In the order of arrival. */
  readonly waiting: ReadonlyMap<Address, Waiting>;
  readonly tombstones: ReadonlyMap<Address, Tombstone>;
  /**
   * True after an operator recovered the list (R7), until Raft is seen to have leaders again. Until then no
   * node joins, since blank nodes would outvote the survivors.
   */
  readonly awaitsRepair: boolean;
  /** The lock of the repair of Raft under way (repairing.ts). */
  readonly repair: Repair | undefined;
  /**
   * A sentence: why the stored data cannot be the cluster's state. Its state is then unknown here, and
   * nothing is decided or served until an operator has put it right.
   */
  readonly damage?: string;
}

/** The lock of a repair of Raft; one at a time. */
export interface Repair {
  /** Names the holder for people. */
  readonly holder: string;
  /** When the lock expires unless its holder renews it. */
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

/**
 * Whether the cluster was ever bootstrapped, is damaged, or has waiting addresses. Otherwise it does not
 * exist for callers.
 */
export function isKnown(cluster: Cluster): boolean {
  return cluster.epoch > 0 || cluster.waiting.size > 0 || cluster.damage !== undefined;
}

/**
 * True when forgetting the cluster would lose only its revision: it is unknown to callers and has no
 * tombstone.
 */
export function isForgettable(cluster: Cluster): boolean {
  return !isKnown(cluster) && cluster.tombstones.size === 0;
}

/** How many addresses of a cluster take memory: members, waiting addresses and tombstones. */
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

/** `{ [name]: value }`, or `{}` when the value is undefined. */
export function optional<K extends string, V>(name: K, value: V | undefined): Partial<Record<K, V>> {
  return (value === undefined ? {} : { [name]: value }) as Partial<Record<K, V>>;
}

/** Filters a map. Returns the same map when it keeps every entry, so callers can see that nothing changed. */
export function filterMap<V>(
  map: ReadonlyMap<Address, V>,
  keep: (value: V, address: Address) => boolean,
): ReadonlyMap<Address, V> {
  for (const [address, value] of map) {
    if (!keep(value, address)) return new Map([...map].filter(([one, other]) => keep(other, one)));
  }
  return map;
}
