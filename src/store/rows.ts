import type { Address } from '../registry/address.js';
import {
  emptyCluster,
  keyOf,
  type Cluster,
  type ClusterKey,
  type Tombstone,
  type Lease,
  type Member,
  type StoredLease,
  type Waiting,
} from '../registry/cluster.js';
import { FACT_NAMES, type LeaseFact } from '../registry/lease-facts.js';
import { problemIn } from './row-check.js';
import { heardOnce, storedLease } from '../registry/lease.js';
import type { ClusterTable, DepartedTable, LeaseTable, MemberTable, WaitingTable } from './schema.js';

/* Converts clusters to rows of the tables that all dialects share, and back. */

export type ClusterRow = Pick<
  ClusterTable,
  | 'product'
  | 'name'
  | 'epoch'
  | 'revision'
  | 'changed_at'
  | 'size'
  | 'quorum_lost'
  | 'awaits_repair'
  | 'repair_by'
  | 'repair_until'
>;
export type MemberRow = Omit<MemberTable, 'cluster_id'>;
export type WaitingRow = Omit<WaitingTable, 'cluster_id'>;
export type DepartedRow = Omit<DepartedTable, 'cluster_id'>;
export type LeaseRow = Omit<LeaseTable, 'cluster_id' | 'written_at' | 'writer'>;

/** The columns of a lease's row. */
export const LEASE_COLUMNS: readonly (keyof LeaseRow)[] = ['address', ...FACT_NAMES.map(columnOf)];

/** The column of a fact: `heardAt` is `heard_at`. */
export function columnOf(fact: LeaseFact): Exclude<keyof LeaseRow, 'address'> {
  return fact.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`) as Exclude<keyof LeaseRow, 'address'>;
}

/** All rows of one cluster. */
export interface ClusterRows {
  readonly cluster: ClusterRow;
  /** Sorted by position. */
  readonly members: readonly MemberRow[];
  readonly waiting: readonly WaitingRow[];
  readonly tombstones: readonly DepartedRow[];
}

/** Rows to write, and addresses whose rows are deleted. */
export interface Rows<R> {
  readonly put: readonly R[];
  readonly remove: readonly Address[];
}

/** Rows that turn one version of a cluster into the next, without its leases. */
export interface RowChanges {
  readonly members: Rows<MemberRow>;
  readonly waiting: Rows<WaitingRow>;
  readonly tombstones: Rows<DepartedRow>;
}

/** Compares two versions of a cluster by identity: unchanged values are the same objects. */
export function changesOf(before: Cluster, after: Cluster): RowChanges {
  return {
    members: difference(before.members, after.members, memberRow),
    waiting: difference(before.waiting, after.waiting, waitingRow),
    tombstones: difference(before.tombstones, after.tombstones, departedRow),
  };
}

function difference<V, R>(
  before: ReadonlyMap<Address, V>,
  after: ReadonlyMap<Address, V>,
  row: (address: Address, value: V, place: number) => R,
): Rows<R> {
  if (before === after) return { put: [], remove: [] };
  const put: R[] = [];
  let place = 0;
  for (const [address, value] of after) {
    if (before.get(address) !== value) put.push(row(address, value, place));
    place++;
  }
  return { put, remove: [...before.keys()].filter((address) => !after.has(address)) };
}

/** The lease of every address of a cluster: members, waiting and departed. */
export function leasesOf(cluster: Cluster): Map<Address, Lease> {
  const leases = new Map<Address, Lease>();
  for (const table of [cluster.tombstones, cluster.waiting, cluster.members]) {
    for (const [address, { lease }] of table) leases.set(address, lease);
  }
  return leases;
}

export function clusterRow(cluster: Cluster): ClusterRow {
  return {
    product: cluster.product,
    name: cluster.name,
    epoch: cluster.epoch,
    revision: cluster.revision,
    changed_at: cluster.changedAt,
    size: cluster.size,
    quorum_lost: Number(cluster.quorumLost),
    awaits_repair: Number(cluster.awaitsRepair),
    repair_by: cluster.repair?.holder ?? null,
    repair_until: cluster.repair?.until ?? null,
  };
}

function memberRow(address: Address, m: Member, place: number): MemberRow {
  return {
    address,
    position: positionOf(m.joinedAt, place),
    stable_id: m.id ?? null,
    expect: m.expect ?? null,
    source: m.source,
    joined_at: m.joinedAt,
    joined_revision: m.joinedRevision,
    known_since: m.knownSince ?? null,
    settled: Number(m.settled),
    presence: m.presence,
    presence_since: m.presenceSince,
  };
}

function waitingRow(address: Address, w: Waiting, place: number): WaitingRow {
  return {
    address,
    position: positionOf(w.since, place),
    stable_id: w.id ?? null,
    expect: w.expect ?? null,
    source: w.source,
    since: w.since,
  };
}

function departedRow(address: Address, d: Tombstone): DepartedRow {
  return { address, left_at: d.leftAt, quiet_until: d.rejoinBlockedUntil };
}

/**
 * A member's sort key, from the time of joining and the place on the list. It follows the list's order
 * although only new rows are written.
 */
function positionOf(time: number, place: number): number {
  return time * 1_024 + place;
}

export function leaseRow(address: Address, lease: StoredLease): LeaseRow {
  return {
    address,
    heard_at: lease.heardAt,
    open_at: lease.openAt,
    ended_at: lease.endedAt,
    refused_at: lease.refusedAt,
    delivered: lease.delivered,
    delivered_at: lease.deliveredAt,
    polls: Number(lease.polls),
  };
}

export function toLease(row: LeaseRow): StoredLease {
  return {
    heardAt: row.heard_at,
    openAt: row.open_at,
    endedAt: row.ended_at,
    refusedAt: row.refused_at,
    delivered: row.delivered,
    deliveredAt: row.delivered_at,
    polls: row.polls === 1,
  };
}

/**
 * Builds a cluster from its rows, marked as damaged if they are invalid. `leaseFor` returns the lease of an
 * address; an address without one counts as heard at the time in its other row.
 */
export function toCluster(
  { cluster, members, waiting, tombstones }: ClusterRows,
  leaseFor: (address: Address) => Lease | undefined,
): Cluster {
  const rows = { cluster, members, waiting, tombstones };
  const leases = new Map(
    [...members, ...waiting, ...tombstones].map(({ address }) => [address, leaseFor(address)]),
  );
  const problem = problemIn(rows, leases);
  if (problem !== undefined) return { ...emptyCluster(cluster), damage: damageOf(cluster, problem) };
  const lease = (address: Address, heardAt: number): Lease =>
    leases.get(address) ?? storedLease(heardOnce(heardAt));
  return {
    ...emptyCluster(cluster),
    epoch: cluster.epoch,
    revision: cluster.revision,
    changedAt: cluster.changed_at,
    size: cluster.size,
    quorumLost: cluster.quorum_lost === 1,
    awaitsRepair: cluster.awaits_repair === 1,
    repair:
      cluster.repair_by === null
        ? undefined
        : { holder: cluster.repair_by, until: cluster.repair_until ?? 0 },
    members: new Map(
      members.map((row) => [row.address, toMember(row, lease(row.address, row.joined_at))] as const),
    ),
    waiting: new Map(
      waiting.map((row) => [row.address, toWaiting(row, lease(row.address, row.since))] as const),
    ),
    tombstones: new Map(
      tombstones.map(
        (row) =>
          [
            row.address,
            {
              leftAt: row.left_at,
              rejoinBlockedUntil: row.quiet_until,
              lease: lease(row.address, row.left_at),
            },
          ] as const,
      ),
    ),
  };
}

function damageOf(key: ClusterKey, problem: string): string {
  return `the stored state of ${keyOf(key)} is invalid, so none of it is served: ${problem}. Correct its rows, or restore a backup. With SQLite, stop the server to do so; other databases are read again at the next request`;
}

function toMember(row: MemberRow, lease: Lease): Member {
  return {
    address: row.address,
    source: row.source,
    joinedAt: row.joined_at,
    joinedRevision: row.joined_revision,
    settled: row.settled === 1,
    presence: row.presence,
    presenceSince: row.presence_since,
    ...(row.known_since === null ? {} : { knownSince: row.known_since }),
    ...identity(row),
    lease,
  };
}

function toWaiting(row: WaitingRow, lease: Lease): Waiting {
  return { address: row.address, source: row.source, since: row.since, ...identity(row), lease };
}

function identity(row: MemberRow | WaitingRow): { id?: string; expect?: number } {
  return {
    ...(row.stable_id === null ? {} : { id: row.stable_id }),
    ...(row.expect === null ? {} : { expect: row.expect }),
  };
}

/** Groups rows by their cluster's id, in their original order. */
export function byCluster<R>(rows: readonly (R & { readonly cluster_id: number })[]): Map<number, R[]> {
  const sorted = new Map<number, R[]>();
  for (const row of rows) {
    const some = sorted.get(row.cluster_id);
    if (some) some.push(row);
    else sorted.set(row.cluster_id, [row]);
  }
  return sorted;
}
