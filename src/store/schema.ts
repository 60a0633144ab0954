import type { Generated } from 'kysely';
import type { Presence, Source } from '../registry/cluster.js';
import type { EventType } from '../registry/events.js';

/**
 * The tables of migrations/mysql and migrations/postgres. Times are milliseconds on the lease clock, except
 * columns that end in `_ms`.
 */
export interface Tables {
  address_server_schema: SchemaTable;
  address_server_clock: ClockTable;
  address_server_replica: ReplicaTable;
  address_server_cluster: ClusterTable;
  address_server_member: MemberTable;
  address_server_waiting: WaitingTable;
  address_server_departed: DepartedTable;
  address_server_lease: LeaseTable;
  address_server_event: EventTable;
}

/** One row for each applied migration. */
export interface SchemaTable {
  version: number;
  /** The oldest schema version whose programs may use this one. */
  compatible_with: number;
  applied_ms: number;
}

/** The shared lease clock, in a single row. */
export interface ClockTable {
  one: 1;
  hearing_ms: number;
  /** The database's wall clock when hearing_ms was written, milliseconds since 1970. */
  database_ms: number;
  grace_until: number;
  /** Number of the last change of any cluster. */
  changes: number;
  /** Lists of changes up to this one may be sent (registry/agreement.ts). */
  released: number;
}

/** The servers that share this database. */
export interface ReplicaTable {
  id: string;
  /** Identifies the process that has the id. */
  token: string;
  /** The leases hold everything it heard until this time, and it has every change made until then. */
  seen_at: number;
  /** It has every change up to this one. */
  seen: number;
  /** It sends no list that a change up to this one has replaced. */
  promised: number;
  /** When the others stopped waiting for it; 0 while they wait. */
  revoked_at: number;
  /** Lower bound of its transactions that were confirmed under this token. */
  written: number;
}

export interface ClusterTable {
  id: Generated<number>;
  product: string;
  name: string;
  epoch: number;
  revision: number;
  changed_at: number;
  size: number;
  quorum_lost: number;
  awaits_repair: number;
  repair_by: string | null;
  repair_until: number | null;
  /** Counts changes of this row and of the rows that belong to it. */
  version: number;
  /** Number of the last such change (`changes` of the clock). */
  change_seq: number;
  /** Number of the last change of the list. */
  list_seq: number;
  /** Time of the last change. */
  decided_at: number;
}

export interface MemberTable {
  cluster_id: number;
  address: string;
  position: number;
  stable_id: string | null;
  expect: number | null;
  source: Source;
  joined_at: number;
  joined_revision: number;
  known_since: number | null;
  settled: number;
  presence: Presence;
  presence_since: number;
}

export interface WaitingTable {
  cluster_id: number;
  address: string;
  position: number;
  stable_id: string | null;
  expect: number | null;
  source: 'poll' | 'heartbeat';
  since: number;
}

export interface DepartedTable {
  cluster_id: number;
  address: string;
  left_at: number;
  quiet_until: number;
}

/**
 * What is known of an address, whether it is a member, waiting or departed. Every column but one only grows.
 */
export interface LeaseTable {
  cluster_id: number;
  address: string;
  heard_at: number;
  open_at: number;
  ended_at: number;
  refused_at: number;
  delivered: number;
  delivered_at: number;
  polls: number;
  /** When the row was last written. */
  written_at: number;
  /** The server that wrote the row, if the row has no news for that server; 0 otherwise. */
  writer: number;
}

export interface EventTable {
  seq: Generated<number>;
  time_ms: number;
  product: string;
  name: string;
  type: EventType;
  address: string | null;
  revision: number;
  reason: string;
}
