import type { Address } from '../../../src/registry/address.js';
import { releasable, type Replica } from '../../../src/registry/agreement.js';
import { emptyCluster, type Cluster, type Lease } from '../../../src/registry/cluster.js';
import { merge, newLease, storedLease } from '../../../src/registry/lease.js';
import { clusterRow, leaseRow, leasesOf, toLease } from '../../../src/store/rows.js';
import type { LeaseWrite, StateRow, StoredCluster, StoredLeaseRow } from '../../../src/store/sql/queries.js';
import { readClock } from '../../../src/store/sql/shared-clock.js';
import type { Schedule } from './schedule.js';

/** 2001: the database's wall clock when a history begins. */
const WALL = 1_000_000_000_000;

/** How the database can be reached: at once, not at all (refused), or with no answer ever. */
export type Reach = 'ok' | 'refused' | 'silent';

interface ReplicaRow {
  readonly id: string;
  readonly token: string;
  seenAt: number;
  seenChange: number;
  promised: number;
  revokedAt: number;
  written: number;
}

/**
 * The tables of a MySQL or PostgreSQL that several servers share, as queries.ts reads and writes them. Every statement
 * takes one moment, as does a decision's whole transaction, which its lock makes true enough.
 */
export class SharedDatabase {
  isDown = false;
  /** The one cluster's row, and what belongs to it; its leases are those of whoever decided, and not to be read. */
  row: StoredCluster;
  cluster: Cluster = emptyCluster({ product: 'nacos', name: 'serverlist' });
  readonly leases = new Map<Address, StoredLeaseRow>();
  readonly #schedule: Schedule;
  readonly #clock = { hearing: 0, database: 0, graceUntil: 0, changes: 0, released: 0 };
  readonly #replicas = new Map<string, ReplicaRow>();
  readonly #cut = new Set<string>();
  #setForward = 0;

  constructor(schedule: Schedule) {
    this.#schedule = schedule;
    this.row = {
      ...clusterRow(this.cluster),
      id: 1,
      version: 0,
      change_seq: 0,
      list_seq: 0,
      decided_at: 0,
    };
  }

  /** Its own wall clock. */
  get wall(): number {
    return WALL + this.#setForward + this.#schedule.now;
  }

  /** The lease clock as whoever asked now would read it. */
  get hearing(): number {
    return readClock(this.#clock, this.wall).now;
  }

  /** A failover to a host with another wall clock. */
  jump(by: number): void {
    this.#setForward += by;
  }

  /** The network between one server and the database. */
  cut(id: string): void {
    this.#cut.add(id);
  }

  mend(id: string): void {
    this.#cut.delete(id);
  }

  reach(id: string): Reach {
    if (this.#cut.has(id)) return 'silent';
    return this.isDown ? 'refused' : 'ok';
  }

  state(): StateRow[] {
    const { hearing, database, graceUntil, changes, released } = this.#clock;
    const now = this.wall;
    // Spelt out, since it is what the simulation does most: spreading a clock into each row took a fifth of its time.
    const row = (replica: ReplicaRow | undefined): StateRow => ({
      hearing_ms: hearing,
      database_ms: database,
      grace_until: graceUntil,
      changes,
      released,
      now_ms: now,
      id: replica?.id ?? null,
      token: replica?.token ?? null,
      seen_at: replica?.seenAt ?? null,
      seen: replica?.seenChange ?? null,
      promised: replica?.promised ?? null,
      revoked_at: replica?.revokedAt ?? null,
      written: replica?.written ?? null,
    });
    return this.#replicas.size === 0 ? [row(undefined)] : Array.from(this.#replicas.values(), row);
  }

  enter(id: string, token: string, seenAt: number): void {
    const nothing = { seenChange: 0, promised: 0, revokedAt: 0, written: 0 };
    this.#replicas.set(id, { id, token, seenAt, ...nothing });
  }

  /** Nobody waits any more for a replica that has not been seen since. */
  revoke({ id, token, seenAt }: Replica, now: number): void {
    const row = this.#replicas.get(id);
    if (row?.token === token && row.seenAt === seenAt && row.revokedAt === 0) row.revokedAt = now;
  }

  forgetReplicas(revokedBefore: number): void {
    for (const [id, { revokedAt }] of this.#replicas) {
      if (revokedAt > 0 && revokedAt < revokedBefore) this.#replicas.delete(id);
    }
  }

  /** A transaction of a replica says so in its row. */
  noteWritten(id: string, token: string, written: number): void {
    const row = this.#replicas.get(id);
    if (row?.token === token) row.written = Math.max(row.written, written);
  }

  release(): void {
    const released = releasable([...this.#replicas.values()]);
    this.#clock.released = Math.max(this.#clock.released, released);
  }

  leave(id: string, token: string, now: number): void {
    const row = this.#replicas.get(id);
    if (row?.token === token && row.revokedAt === 0) row.revokedAt = Math.max(1, now);
  }

  /** As if it had never been there. */
  forget(id: string): void {
    this.#replicas.delete(id);
  }

  setDatabaseClock(before: number, now: number): void {
    if (this.#clock.database === before) this.#clock.database = now;
  }

  moveClock(hearing: number, database: number): void {
    const clock = this.#clock;
    clock.hearing = Math.max(clock.hearing, hearing);
    clock.database = Math.max(clock.database, database);
  }

  report(own: Omit<ReplicaRow, 'revokedAt'>, hearing: number, database: number, grace: number): void {
    const clock = this.#clock;
    clock.hearing = Math.max(clock.hearing, hearing);
    clock.database = Math.max(clock.database, database);
    clock.graceUntil = Math.max(clock.graceUntil, grace);
    const replica = this.#replicas.get(own.id);
    if (replica?.token !== own.token || replica.revokedAt > 0) return;
    replica.seenAt = Math.max(replica.seenAt, own.seenAt);
    replica.seenChange = Math.max(replica.seenChange, own.seenChange);
    replica.promised = Math.max(replica.promised, own.promised);
    replica.written = Math.max(replica.written, own.written);
  }

  /** Merges rows as the statement of queries.ts does. */
  writeLeases(rows: readonly LeaseWrite[], now: number): void {
    for (const row of rows) {
      const before = this.leases.get(row.address);
      const facts = before ? toLease(before) : toLease(row);
      if (before) merge(facts as Lease, toLease(row));
      const written_at = Math.max(before?.written_at ?? now, now);
      this.leases.set(row.address, { cluster_id: 1, ...leaseRow(row.address, facts), written_at, writer: 0 });
    }
  }

  leasesSince(writtenAt: number): StoredLeaseRow[] {
    return [...this.leases.values()].filter((row) => row.written_at >= writtenAt);
  }

  /** The cluster as a server reads it that has these leases in memory: what is stored is added to them. */
  load(own: ReadonlyMap<Address, Lease>): Cluster {
    const lease = (address: Address, heardAt: number): Lease => {
      const row = this.leases.get(address);
      const known = own.get(address);
      if (!row) return known ?? newLease(heardAt);
      const facts = toLease(row);
      if (!known) return storedLease(facts);
      merge(known, facts);
      return known;
    };
    const { members, waiting, tombstones } = this.cluster;
    return {
      ...this.cluster,
      members: new Map([...members].map(([a, m]) => [a, { ...m, lease: lease(a, m.joinedAt) }])),
      waiting: new Map([...waiting].map(([a, w]) => [a, { ...w, lease: lease(a, w.since) }])),
      tombstones: new Map([...tombstones].map(([a, d]) => [a, { ...d, lease: lease(a, d.leftAt) }])),
    };
  }

  /** Stores a decision. Returns the cluster's new row. */
  commit(after: Cluster, isNewList: boolean, decidedAt: number): StoredCluster {
    const before = this.cluster;
    const change = ++this.#clock.changes;
    // A first list is older than no other.
    const isFirst = before.members.size === 0 && this.row.list_seq <= this.#clock.released;
    const listSeq = isFirst ? 0 : change;
    this.row = {
      ...this.row,
      ...clusterRow(after),
      version: this.row.version + 1,
      change_seq: change,
      list_seq: isNewList ? listSeq : this.row.list_seq,
      decided_at: decidedAt,
    };
    this.cluster = after;
    const kept = leasesOf(after);
    for (const address of leasesOf(before).keys()) if (!kept.has(address)) this.leases.delete(address);
    return this.row;
  }

  /** Whether all servers can know that nobody listens on the address's port. */
  saysDown(address: Address): boolean {
    const row = this.leases.get(address);
    return row !== undefined && row.refused_at >= row.heard_at && row.refused_at >= row.open_at;
  }
}
