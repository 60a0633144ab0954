const SECOND = 1_000;

/** The times of the rules, in milliseconds. */
export interface Rules {
  /** TTL of a member or a waiting address. Default 15 s, three polls of Nacos. */
  readonly memberTtl: number;
  /**
   * Silence after which an unreachable member is evicted (R5). Default 60 s, at least
   * {@link REPLACED_EVICT_AFTER}.
   */
  readonly evictAfter: number;
  /**
   * How long all live members must have had a joiner on their list before it counts as settled. Default 20 s.
   */
  readonly settleAfter: number;
  /** How long a poll that cannot be answered yet is held. Default 2 s; Nacos's read timeout is 2.5 s. */
  readonly pollHold: number;
  /** Whether members' ports are probed. Without it silence alone evicts. Default true. */
  readonly probe: boolean;
  /**
   * Most addresses of all clusters together, with waiting ones and tombstones. Default {@link ALL_ADDRESSES}.
   */
  readonly maxAddresses: number;
  /** Most clusters of one server. Default {@link MAX_CLUSTERS}. */
  readonly maxClusters: number;
}

/** Keeps any number of requests from filling the memory. To raise it, raise the memory limit too. */
export const ALL_ADDRESSES = 20_000;

/** Most clusters of one server. */
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
 * Shortest silence before any eviction, used when the member's replacement is there. After a leader's crash
 * the others need 5 to 6 s for an election, more with split votes, and a removal without a leader is lost for
 * ever (2.5.1 JRaftServer.peerChange).
 */
export const REPLACED_EVICT_AFTER = 30 * SECOND;

/**
 * How long a member must have been live before an eviction may count on its vote (R5). A Nacos boots in about
 * 20 s, polls from the first of them, and elects only then.
 */
export const STABLE_AFTER_MS = 30 * SECOND;

/**
 * The least time in which a new node boots and is added to Raft (seen on 2.5.1: about 7 s on a fast machine).
 */
export const JOINING = 5 * SECOND;

/**
 * How long after it joined a newcomer must be heard to count as heard again: longer than a held poll takes to
 * be repeated, shorter than the 5 s between the list that a node starts with and its next poll (2.5.1
 * AddressServerMemberLookup).
 */
export const HEARD_AGAIN = 4 * SECOND;

/**
 * Silence after which the next poll of a polling member is late: Nacos polls 5 s after its last poll ended.
 */
export const LATE_POLL = 8 * SECOND;

/**
 * How long a node may take to apply a list that it was sent. It passes the change to Raft on another thread,
 * and the leader of each group, perhaps the leaving node, must commit the removal (seen on 2.5.1: up to 1.1 s
 * under load; a node that was stopped earlier stayed a phantom voter). With a poll every 5 s it fits into a
 * leave's `wait=10s`.
 */
export const LIST_DIGESTED = 3 * SECOND;

/** How long polls of an address that left do not register it again; Nacos stops in 2 to 10 s. */
export const QUIET_AFTER_LEAVE = 15 * SECOND;

/**
 * How long a tombstone is kept after its address was last heard: longer than an idle connection opened before
 * the leave may live (75 s keep-alive).
 */
export const DEPARTED_MEMORY = 120 * SECOND;

/** The age after which a probe's answer proves nothing any more. */
export const PROBE_FRESH = 10 * SECOND;

/** How often a silent member's port is probed. */
export const PROBE_EVERY = 3 * SECOND;

/** How long a reading of Raft's state may be used, counted from when its nodes were asked. */
export const EVIDENCE_FRESH = 15 * SECOND;

/**
 * How long all live members must have had a joiner on their list when it is seen to be a voter of every
 * group, and to follow the leaders.
 */
export const SETTLE_AS_VOTER = 5 * SECOND;

/**
 * How long a repair may be silent before it counts as over. Each of its steps takes less, or reports
 * meanwhile.
 */
export const REPAIR_LEASE = 30 * SECOND;

/** Most members and waiting addresses of one cluster. */
export const MAX_ADDRESSES = 1_000;

/** How long a cluster without members must be idle before it is forgotten. */
export const EMPTY_FORGOTTEN = 24 * 3_600 * SECOND;

/**
 * How long a cluster must be silent, with no port of it open, before it is forgotten: LONE with a single
 * member, which bootstraps the same list when it comes back; DEAD with more, whose members would not.
 */
export const LONE_FORGOTTEN = 7 * 24 * 3_600 * SECOND;
export const DEAD_FORGOTTEN = 90 * 24 * 3_600 * SECOND;

/** How many deleted clusters, the latest ones, keep their revision. */
export const DELETED_KEPT = 10_000;

/** Largest `expect`. */
export const MAX_EXPECT = 99;

/**
 * Length of a grace (R8), in milliseconds: no member is evicted for so long after the server could not hear.
 */
export function graceTime(rules: Rules): number {
  return 2 * rules.memberTtl;
}

/**
 * After this time without a sign in the store, a server cannot report what it hears, and no member is
 * evicted.
 */
export const REPLICA_FRESH = 5 * SECOND;

/**
 * When the others stop waiting for a server that is gone without signing off. Longer than a restart of the
 * database takes, during which every server goes on with what it has (R9).
 */
export const REPLICA_LOST_AFTER = 120 * SECOND;

/**
 * How long after its last contact with the store a server that shares its lists takes them for current. Less
 * than {@link REPLICA_LOST_AFTER}, by far more than two clocks can drift apart in that time.
 */
export const LIST_CURRENT = 105 * SECOND;

/**
 * How long a server that lost the store does not answer for a member that it knows to be silent. Longer than
 * {@link REPLICA_FRESH}, after which the other servers evict no member.
 */
export const SILENT_UNTOLD = 8 * SECOND;
