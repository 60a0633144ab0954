import type { ClusterKey } from '../../registry/cluster.js';
import type { RecordedEvent, RegistryEvent } from '../../registry/events.js';
import type { EventQuery } from '../../registry/interfaces.js';
import type { ClusterRow, ClusterRows, LeaseRow, RowChanges, Rows } from '../rows.js';

/** What the store asks of the thread that owns the database, and what it gets: plain data only. */

/** A change of one cluster, computed by the store, applied in one transaction. */
export interface Change extends RowChanges {
  /** The cluster's own row; absent when the cluster is to be forgotten. */
  readonly cluster: ClusterRow | undefined;
  readonly key: ClusterKey;
  readonly leases: Rows<LeaseRow>;
  readonly events: readonly RegistryEvent[];
  /** Wall clock, milliseconds since 1970. */
  readonly time: number;
  readonly hearing: number;
}

/**
 * The renewed leases of one cluster, the columns of one after those of the other in one flat array, since a batch may
 * hold thousands and each array of its own costs both threads.
 */
export interface LeaseBatch {
  readonly product: string;
  readonly name: string;
  readonly leases: (string | number)[];
}

/** What the file holds. */
export interface Stored {
  readonly clusters: readonly (ClusterRows & { readonly leases: readonly LeaseRow[] })[];
  readonly hearing: number;
  /** Clusters that did not fit. */
  readonly left: readonly ClusterKey[];
}

export interface Calls {
  /** `most`: addresses that are loaded, at most. */
  open: { ask: { file: string; migrations: string; most: number }; answer: Stored };
  /** One cluster. */
  load: { ask: ClusterKey; answer: Stored['clusters'][number] | undefined };
  commit: { ask: Change; answer: RecordedEvent[] };
  flush: { ask: { batches: LeaseBatch[]; hearing: number }; answer: null };
  events: { ask: EventQuery; answer: RecordedEvent[] };
  close: { ask: null; answer: null };
}

export type CallName = keyof Calls;

/** What crosses the thread's border. */
export interface Request {
  readonly id: number;
  readonly call: CallName;
  readonly ask: unknown;
}

export type Response =
  | { readonly id: number; readonly ok: true; readonly answer: unknown }
  /** `refused`: the store must not be used, and whether that may pass; otherwise it may come back. */
  | {
      readonly id: number;
      readonly ok: false;
      readonly refused: { readonly mayPass: boolean } | undefined;
      readonly message: string;
    };
