import type { ClusterKey } from '../../registry/cluster.js';
import type { RecordedEvent, RegistryEvent } from '../../registry/events.js';
import type { EventQuery } from '../../registry/interfaces.js';
import type { ClusterRow, ClusterRows, LeaseRow, RowChanges, Rows } from '../rows.js';

/** Messages between the store and the thread that owns the database: plain data only. */

/** One change of a cluster: computed by the store, applied in one transaction. */
export interface Change extends RowChanges {
  /** The cluster's own row; undefined if the cluster is to be forgotten. */
  readonly cluster: ClusterRow | undefined;
  readonly key: ClusterKey;
  readonly leases: Rows<LeaseRow>;
  readonly events: readonly RegistryEvent[];
  /** Wall clock, milliseconds since 1970. */
  readonly time: number;
  readonly hearing: number;
}

/**
 * Renewed leases of one cluster, as one flat array with the columns of each lease in turn. A batch may hold
 * thousands, and an array for each would cost both threads.
 */
export interface LeaseBatch {
  readonly product: string;
  readonly name: string;
  readonly leases: (string | number)[];
}

/** The file's content. */
export interface Stored {
  readonly clusters: readonly (ClusterRows & { readonly leases: readonly LeaseRow[] })[];
  readonly hearing: number;
  /** Clusters that exceeded the limit on loaded addresses. */
  readonly left: readonly ClusterKey[];
}

export interface Calls {
  /** `most`: most addresses to load. */
  open: { ask: { file: string; migrations: string; most: number }; answer: Stored };
  /** Loads one cluster. */
  load: { ask: ClusterKey; answer: Stored['clusters'][number] | undefined };
  commit: { ask: Change; answer: RecordedEvent[] };
  flush: { ask: { batches: LeaseBatch[]; hearing: number }; answer: null };
  events: { ask: EventQuery; answer: RecordedEvent[] };
  close: { ask: null; answer: null };
}

export type CallName = keyof Calls;

/** A call that is sent to the thread. */
export interface Request {
  readonly id: number;
  readonly call: CallName;
  readonly ask: unknown;
}

export type Response =
  | { readonly id: number; readonly ok: true; readonly answer: unknown }
  /**
   * `refused`: the store must not be used; `mayPass`: that may change by itself. Otherwise the store may
   * recover.
   */
  | {
      readonly id: number;
      readonly ok: false;
      readonly refused: { readonly mayPass: boolean } | undefined;
      readonly message: string;
    };
