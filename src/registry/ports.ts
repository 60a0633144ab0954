import type { Address } from './address.js';
import type { Cluster, ClusterKey, ProbeAnswer } from './cluster.js';
import type { Outcome } from './decide.js';
import type { RecordedEvent } from './events.js';

/** What the registry's runtime needs of the world, each with one real implementation and one for tests. */

export interface Clock {
  /** Milliseconds on the hearing clock, whole. Never goes back. */
  hearing(): number;
  /** Milliseconds since 1970, for people to read. No rule may use it. */
  wall(): number;
}

export interface Probe {
  /** Connects to a member's main port and hangs up. Never throws. */
  probe(address: Address): Promise<ProbeAnswer>;
}

/** A decision about one cluster as the store runs it. */
export type Work = (cluster: Cluster, clusters: number) => Outcome;

export interface Decided extends Outcome {
  readonly recorded: readonly RecordedEvent[];
}

/** What a store holds at the start. */
export interface Snapshot {
  readonly clusters: readonly Cluster[];
  /** The hearing clock goes on from here. */
  readonly hearing: number;
}

export interface EventQuery {
  readonly cluster?: ClusterKey | undefined;
  /** Only events with a smaller number. */
  readonly before?: number | undefined;
  /** Only events with a larger number. */
  readonly after?: number | undefined;
  /** At most this many, 1 to 1000. */
  readonly limit: number;
}

/**
 * Keeps clusters durably. Every method but `open` and `close` rejects with {@link StoreUnavailable} while the
 * store is out of reach, and has then changed nothing.
 */
export interface Store {
  /** Brings the schema up to date and loads everything. Rejects with {@link StoreRefused} when it must not start. */
  open(): Promise<Snapshot>;
  /** Runs one decision at a time for each cluster, and resolves when its outcome is durable. */
  transact(key: ClusterKey, work: Work): Promise<Decided>;
  /** Writes the leases of all members heard since the last call, and the clock, in one batch. */
  flush(hearing: number): Promise<void>;
  /** Newest first, or oldest first with `after`. */
  events(query: EventQuery): Promise<readonly RecordedEvent[]>;
  close(): Promise<void>;
}

/** The store cannot be used now; it may come back. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
}

/** The store cannot be used at all: a sentence for the operator, who must act. */
export class StoreRefused extends Error {
  override readonly name = 'StoreRefused';
}
