import type { Address } from './address.js';
import type { Cluster, ClusterKey, ProbeAnswer } from './cluster.js';
import type { Outcome } from './decide.js';
import type { RecordedEvent } from './events.js';

/** What the registry's runtime needs of the world, each with one real implementation and one for tests. */

export interface Clock {
  /** Milliseconds on the lease clock, whole. Never goes back. */
  now(): number;
  /** Milliseconds since 1970, for people to read. No rule may use it. */
  wall(): number;
}

/** This machine could not even try, or had no time to see what came of it: that says nothing of the member. */
export interface Unknown {
  /** Why: a clause. */
  readonly unknown: string;
}

export interface Probe {
  /** Connects to a member's main port and hangs up. Never throws. */
  probe(address: Address): Promise<ProbeAnswer | Unknown>;
}

/** What a store tells a decision besides the cluster. */
export interface StoreSnapshot {
  /** Milliseconds on the lease clock of the store. */
  readonly now: number;
  /** The grace (R8) that the store knows of; the server's own may be later. */
  readonly graceUntil: number;
  /** See Moment.othersKnow; absent without others. */
  readonly othersKnow?: boolean | undefined;
  /** How many clusters exist. */
  readonly clusters: number;
  /** Whether this one is stored and not served, since all together are too many. */
  readonly isLeft?: boolean;
}

/** A decision about one cluster as the store runs it; more than once if need be. */
export type Work = (cluster: Cluster, scene: StoreSnapshot) => Outcome;

export interface CommittedDecision extends Outcome {
  readonly recorded: readonly RecordedEvent[];
}

/**
 * A clock that ran without a break between two times of its own, and was that far behind the shared one, in milliseconds. What
 * is later than `until` comes from others.
 */
export interface Behind {
  readonly since: number;
  readonly until: number;
  readonly by: number;
}

/** A clock stood still: last at a time of its own, and for so long in all, in milliseconds. */
export interface Stood {
  readonly at: number;
  readonly by: number;
}

/** Is told of every cluster that became another, whoever decided it, in the order in which it happened. */
export interface ClusterListener {
  /**
   * `sent` is the version of it whose list is to be sent: the cluster itself when its list is released, else an older one or
   * none (see agreement.ts). Called again when that becomes another.
   */
  changed(cluster: Cluster, sent: Cluster | undefined): void;
  /** The shared clock is far ahead of this server's, which stood still meanwhile, and goes on from there. */
  catchUp(now: number): Behind;
  /**
   * What was heard until now is about to be written, and then the others are told that it is, whether an answer comes or not:
   * what is heard from here on they do not know.
   */
  telling(): void;
  /** The others go on without this server, or the store has lost something: no list is certain until the next exchange is over. */
  lost(): void;
}

/** What a store holds at the start, besides the clusters. */
export interface OpenResult {
  /** The lease clock goes on from here. */
  readonly hearing: number;
  /** Whether another server kept the lists until now, so that nothing was missed. */
  readonly attended: boolean;
  /** How many stored clusters did not fit, and are not served. */
  readonly left?: number;
}

/** What this server says to the others that keep the same lists. */
export interface SyncRequest {
  /** Its lease clock. */
  readonly hearing: number;
  /** Whether that stood still since the last exchange. */
  readonly stood?: Stood | undefined;
  /** When its own grace (R8) ends, which then holds for all. */
  readonly graceUntil: number;
  /** How long a grace lasts, in milliseconds, should one begin now. */
  readonly grace: number;
  /** How much later a mere renewal may be written, in milliseconds. */
  readonly renewalSlackMs: number;
  /** Whether somebody waits for what the others hear. */
  readonly isWaiting: boolean;
  /** Whether none will follow, so that everything must be written now. */
  readonly isLast: boolean;
}

/** What it learned in return. */
export interface SyncResult {
  readonly scene: StoreSnapshot;
  /** How long nobody could hear, in milliseconds; 0 usually. One server alone is told. */
  readonly missedMs: number;
  /** How many other servers keep the same lists. */
  readonly others: number;
  /** Whether there is no trace of any other: one that was given up may come back and go on. */
  readonly isAlone: boolean;
  /** Whether it should be asked again soon, since the servers are agreeing on a change. */
  readonly soon: boolean;
  /** How many leases were written, those of all clusters. */
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
 * Keeps clusters durably. Every method but `open` and `close` rejects with {@link StoreUnavailable} while the
 * store is out of reach, and has then changed nothing; with {@link StoreOutcomeUnknown} when it was reached, and what came of
 * it is not known. `exchange` may be said again in either case.
 */
export interface Store {
  /** How often it wants to exchange, in milliseconds. */
  readonly pace: number;
  /** Whether several servers may keep lists in it at once; its clock is then the one that counts. */
  readonly isShared: boolean;
  /**
   * Brings the schema up to date and loads everything, of which the listener is told. Rejects with
   * {@link StoreRefused} when it must not start, with {@link StoreUnavailable} when it may be tried again. `grace`: for how
   * long, in milliseconds, no other server evicts from then on when there is a list (R8), 0 by default; they learn it with this
   * server's first word.
   */
  open(listener: ClusterListener, grace?: number): Promise<OpenResult>;
  /** Runs one decision at a time for each cluster, and resolves when its outcome is durable. */
  transact(key: ClusterKey, work: Work): Promise<CommittedDecision>;
  /** Writes what was heard since the last call, in one batch, and the clock; learns what other servers did. */
  sync(report: SyncRequest): Promise<SyncResult>;
  /** Newest first, or oldest first with `after`. */
  events(query: EventQuery): Promise<readonly RecordedEvent[]>;
  /** Takes leave of the other servers. */
  close(): Promise<void>;
}

/**
 * The store cannot be used now; it may come back. Nothing was changed, unless it is a {@link StoreOutcomeUnknown}.
 */
export class StoreUnavailable extends Error {
  override readonly name: string = 'StoreUnavailable';
}

/**
 * The store was asked, and did not say in time what came of it: the change may have been made, may be made yet, or never.
 * Whoever asked must look before he asks again.
 */
export class StoreOutcomeUnknown extends StoreUnavailable {
  override readonly name = 'StoreOutcomeUnknown';
}

/** Others were deciding on the same cluster all the time; the store is there, and nothing was changed. */
export class StoreBusy extends StoreUnavailable {
  override readonly name = 'StoreBusy';
}

/** The store cannot be used as it is: a sentence for the operator. */
export class StoreRefused extends Error {
  override readonly name = 'StoreRefused';
  /** Whether another try may find it otherwise without anybody's doing: a full disk, a lock that somebody holds. */
  readonly mayPass: boolean;

  constructor(
    message: string,
    { mayPass = false, ...options }: ErrorOptions & { readonly mayPass?: boolean } = {},
  ) {
    super(message, options);
    this.mayPass = mayPass;
  }
}
