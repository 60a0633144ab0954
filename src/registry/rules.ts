const SECOND = 1_000;

/** The times of the rules, in milliseconds. */
export interface Rules {
  /** A member's or a waiting address's lease. Default 15 s, three polls of Nacos. */
  readonly memberTtl: number;
  /** Silence after which an unreachable member is evicted (R5). Default 60 s, at least {@link REPLACED_EVICT_AFTER}. */
  readonly evictAfter: number;
  /** How long a joiner must be known to all live members before it counts as settled. Default 20 s. */
  readonly settleAfter: number;
  /** How long a poll that cannot be answered yet is held. Default 2 s; Nacos's read timeout is 2.5 s. */
  readonly pollHold: number;
  /** Whether members' ports are probed. Without it silence alone evicts. Default true. */
  readonly probe: boolean;
  /** Addresses of all clusters together, with those that wait and those that left lately. Default {@link ALL_ADDRESSES}. */
  readonly maxAddresses: number;
  /** Clusters of one server. Default {@link MAX_CLUSTERS}. */
  readonly maxClusters: number;
}

/** A bound, so that no number of requests can fill the memory; whoever raises it raises the memory limit too. */
export const ALL_ADDRESSES = 20_000;

/** Clusters of one server. */
export const MAX_CLUSTERS = 10_000;

export const DEFAULT_RULES: Rules = {
  memberTtl: 15 * SECOND,
  evictAfter: 60 * SECOND,
  settleAfter: 20 * SECOND,
  pollHold: 2 * SECOND,
  probe: true,
  maxAddresses: ALL_ADDRESSES,
  maxClusters: MAX_CLUSTERS,
};

/**
 * Silence before an eviction when the member's replacement is there, and never less: after a leader's crash
 * the others need 5 to 6 s for an election, more with split votes, and a removal without a leader is lost
 * for ever (2.5.1 JRaftServer.peerChange).
 */
export const REPLACED_EVICT_AFTER = 30 * SECOND;

/**
 * How long a member must have been live before an eviction may count on its vote (R5): a Nacos boots in about
 * 20 s, polls from the first of them, and then elects.
 */
export const STABLE_AFTER_MS = 30 * SECOND;

/** The least time in which a new node boots and is added to Raft (seen on 2.5.1: about 7 s on a fast machine). */
export const JOINING = 5 * SECOND;

/**
 * How long after it joined a newcomer must be heard to have been heard again: more than a held poll takes to be repeated,
 * less than the 5 s between the list that a node starts with and its next poll (2.5.1 AddressServerMemberLookup).
 */
export const HEARD_AGAIN = 4 * SECOND;

/** Silence of a member that polls after which its next poll is late: Nacos polls 5 s after the last one ended. */
export const LATE_POLL = 8 * SECOND;

/**
 * How long a node may work on a list after it was sent to it: it tells Raft from another thread, and the leader of
 * each group, perhaps the one that leaves, must commit the removal (seen on 2.5.1: up to 1.1 s under load; a node
 * that was stopped earlier stayed a phantom voter). With a poll every 5 s it fits into a leave's `wait=10s`.
 */
export const LIST_DIGESTED = 3 * SECOND;

/** How long the polls of an address that left do not register it again; Nacos stops in 2 to 10 s. */
export const QUIET_AFTER_LEAVE = 15 * SECOND;

/**
 * How long a leave is remembered after its address was last heard: longer than an idle connection opened
 * before the leave may live (75 s keep-alive).
 */
export const DEPARTED_MEMORY = 120 * SECOND;

/** A probe's answer older than this proves nothing any more. */
export const PROBE_FRESH = 10 * SECOND;

/** How often a silent member's port is probed. */
export const PROBE_EVERY = 3 * SECOND;

/** How long what Raft was seen to believe may be used, from when its nodes were asked. */
export const EVIDENCE_FRESH = 15 * SECOND;

/** How long a joiner must be known to all when it is seen to be a voter of every group that follows the leader. */
export const SETTLE_AS_VOTER = 5 * SECOND;

/** How long nothing may be heard of a repair before it counts as over; each of its steps takes less, or says so meanwhile. */
export const REPAIR_LEASE = 30 * SECOND;

/** Members and waiting addresses of one cluster. */
export const MAX_ADDRESSES = 1_000;

/** How long nothing may happen to a cluster without members before it is forgotten. */
export const EMPTY_FORGOTTEN = 24 * 3_600 * SECOND;

/**
 * For how long nothing may be heard of a cluster, and no port of it answer, before it is forgotten: of one with a single
 * member, which bootstraps the same list when it comes back, and of any other, whose members would not.
 */
export const LONE_FORGOTTEN = 7 * 24 * 3_600 * SECOND;
export const DEAD_FORGOTTEN = 90 * 24 * 3_600 * SECOND;

/** Deleted clusters, the latest ones, of which the count of lists is kept. */
export const DELETED_KEPT = 10_000;

/** Largest `expect`. */
export const MAX_EXPECT = 99;

/** Grace (R8): how long nobody is evicted after the server could not hear. */
export function graceTime(rules: Rules): number {
  return 2 * rules.memberTtl;
}

/** A server that has not been seen in the store for this long cannot say what it hears, and nobody is evicted. */
export const REPLICA_FRESH = 5 * SECOND;

/**
 * When the others stop waiting for a server that is gone without a word. Longer than a restart of the database takes,
 * during which every server goes on with what it has (R9).
 */
export const REPLICA_LOST_AFTER = 120 * SECOND;

/**
 * How long after it last reached the store a server with others beside it takes its lists for current. Less than
 * {@link REPLICA_LOST_AFTER}, by far more than two clocks can part in that time.
 */
export const LIST_CURRENT = 105 * SECOND;

/**
 * How long a server that lost the store does not speak for a member that it knows to be silent; longer than
 * {@link REPLICA_FRESH}, after which the others evict nobody.
 */
export const SILENT_UNTOLD = 8 * SECOND;
