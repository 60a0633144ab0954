import type { Address } from './address.js';
import type { Cluster, ClusterKey, ProbeAnswer } from './cluster.js';
import type { Outcome } from './decide.js';
import type { RecordedEvent } from './events.js';

/**
 * What the registry's runtime needs from outside. Each interface has one real implementation and one for
 * tests.
 */

export interface Clock {
  /** Whole milliseconds on the lease clock. Never goes back. */
  now(): number;
  /** Milliseconds since 1970, for people to read. No rule may use it. */
  wall(): number;
}

/**
 * This machine could not even try, or had no time to read the result. That proves nothing about the member.
 */
export interface Unknown {
  /** Why: a clause. */
  readonly unknown: string;
}

export interface Probe {
  /** Connects to a member's main port and hangs up. Never throws. */
  probe(address: Address): Promise<ProbeAnswer | Unknown>;
}

/** What a store passes to a decision besides the cluster. */
export interface StoreSnapshot {
  /** Milliseconds on the store's lease clock. */
  readonly now: number;
  /** When the grace (R8) that the store knows of ends; the server's own may end later. */
  readonly graceUntil: number;
  /** See RuleContext.othersKnow; absent without other servers. */
  readonly othersKnow?: boolean | undefined;
  /** How many clusters exist. */
  readonly clusters: number;
  /** Whether this cluster is stored but not served, since all clusters together are too large. */
  readonly isLeft?: boolean;
}

/** A decision about one cluster. The store may run it more than once. */
export type Work = (cluster: Cluster, scene: StoreSnapshot) => Outcome;

export interface CommittedDecision extends Outcome {
  readonly recorded: readonly RecordedEvent[];
}

/**
 * Between two of its own times, a clock ran without a break and was `by` milliseconds behind the shared one.
 * Times after `until` come from other servers.
 */
export interface Behind {
  readonly since: number;
  readonly until: number;
  readonly by: number;
}

/** A clock stood still: when it last did, by its own time, and for how long in all, in milliseconds. */
export interface Stood {
  readonly at: number;
  readonly by: number;
}

/** Receives every changed cluster, whichever server decided the change, in the order of the changes. */
export interface ClusterListener {
  /**
   * `sent` is the version whose list may be sent: the cluster itself when its list is released, else an older
   * one or none (see agreement.ts). Called again when `sent` changes.
   */
  changed(cluster: Cluster, sent: Cluster | undefined): void;
  /**
   * The shared clock is far ahead of this server's, which stood still meanwhile and now goes on from there.
   */
  catchUp(now: number): Behind;
  /**
   * Called just before what was heard so far is written. From then on the other servers may be told that it
   * is stored, whether or not an answer arrives. They do not know what is heard later.
   */
  telling(): void;
  /**
   * The other servers go on without this one, or the store lost data. No list is certain until the next sync
   * succeeds.
   */
  lost(): void;
}

/** What a store reports when it opens, besides the clusters. */
export interface OpenResult {
  /** Where the lease clock goes on, in milliseconds. */
  readonly hearing: number;
  /** Whether another server kept the lists until now, so that nothing was missed. */
  readonly attended: boolean;
  /** How many stored clusters exceed the limits and are not served. */
  readonly left?: number;
}

/** What this server reports to the others that keep the same lists. */
export interface SyncRequest {
  /** Its lease clock, in milliseconds. */
  readonly hearing: number;
  /** Set when that clock stood still since the last sync. */
  readonly stood?: Stood | undefined;
  /** When this server's own grace (R8) ends; it then holds for all servers. */
  readonly graceUntil: number;
  /** How long a grace that begins now would last, in milliseconds. */
  readonly grace: number;
  /** How much later a mere renewal may be written, in milliseconds. */
  readonly renewalSlackMs: number;
  /** Whether a caller waits for what the other servers hear. */
  readonly isWaiting: boolean;
  /** Whether this is the last sync, so that everything must be written now. */
  readonly isLast: boolean;
}

/** What a server learns from a sync. */
export interface SyncResult {
  readonly scene: StoreSnapshot;
  /** How long no server could hear, in milliseconds; usually 0. The store reports it to one server only. */
  readonly missedMs: number;
  /** How many other servers keep the same lists. */
  readonly others: number;
  /**
   * Whether the store shows no trace of another server. One that was given up leaves a trace, since it may
   * come back.
   */
  readonly isAlone: boolean;
  /** Whether the server should sync again soon, since the servers are agreeing on a change. */
  readonly soon: boolean;
  /** How many leases of all clusters were written. */
  readonly written: number;
}

export interface EventQuery {
  readonly cluster?: ClusterKey | undefined;
  /** Only events with a smaller number. */
  readonly before?: number | undefined;
  /** Only events with a larger number. */
  readonly after?: number | undefined;
  /** At most this many, 1 to 1001. */
  readonly limit: number;
}

/**
 * Keeps clusters durably. While the store is out of reach, every method but `open` and `close` rejects with
 * {@link StoreUnavailable} and has changed nothing. It rejects with {@link StoreOutcomeUnknown} when it
 * reached the store but does not know the outcome. `sync` may be repeated in either case.
 */
export interface Store {
  /** How often it wants to be synced, in milliseconds. */
  readonly pace: number;
  /** Whether several servers may keep lists in it at once. Its clock then counts for all of them. */
  readonly isShared: boolean;
  /**
   * Brings the schema up to date, loads all clusters and passes them to the listener. Rejects with
   * {@link StoreRefused} when the server must not start, with {@link StoreUnavailable} when a retry may
   * succeed. `grace`: for how long from then on, in milliseconds, no other server evicts when there is a list
   * (R8); 0 by default. The others learn of it from this server's first write.
   */
  open(listener: ClusterListener, grace?: number): Promise<OpenResult>;
  /** Runs one decision at a time for each cluster, and resolves when its outcome is durable. */
  transact(key: ClusterKey, work: Work): Promise<CommittedDecision>;
  /** Writes in one batch the clock and what was heard since the last call; learns what other servers did. */
  sync(report: SyncRequest): Promise<SyncResult>;
  /** Newest first, or oldest first with `after`. */
  events(query: EventQuery): Promise<readonly RecordedEvent[]>;
  /** Signs off from the other servers and closes the connections. */
  close(): Promise<void>;
}

/**
 * The store cannot be used now but may come back. Nothing was changed, unless it is a
 * {@link StoreOutcomeUnknown}.
 */
export class StoreUnavailable extends Error {
  override readonly name: string = 'StoreUnavailable';
}

/**
 * The store did not report an outcome in time: the change may have been made, may be made yet, or never. Look
 * at the state before you repeat the request.
 */
export class StoreOutcomeUnknown extends StoreUnavailable {
  override readonly name = 'StoreOutcomeUnknown';
}

/** Other servers kept deciding on the same cluster. The store can be reached, and nothing was changed. */
export class StoreBusy extends StoreUnavailable {
  override readonly name = 'StoreBusy';
}

/** The store cannot be used as it is. The message is a sentence for the operator. */
export class StoreRefused extends Error {
  override readonly name = 'StoreRefused';
  /**
   * Whether a retry may succeed without an operator's doing, for example after a full disk or a held lock.
   */
  readonly mayPass: boolean;

  constructor(
    message: string,
    { mayPass = false, ...options }: ErrorOptions & { readonly mayPass?: boolean } = {},
  ) {
    super(message, options);
    this.mayPass = mayPass;
  }
}
