import type { Address } from '../../registry/address.js';
import {
  emptyCluster,
  isForgettable,
  keyOf,
  type Cluster,
  type Lease,
  type StoredLease,
} from '../../registry/cluster.js';
import { TIME_FACTS } from '../../registry/lease-facts.js';
import { merge, storedLease } from '../../registry/lease.js';
import {
  aim,
  learn,
  requiredVersions,
  promise,
  sendable,
  UNREAD,
  type Version,
} from '../../registry/agreement.js';
import type { Behind, ClusterListener, Stood } from '../../registry/interfaces.js';
import { reconciled } from '../../registry/reconcile.js';
import { factsOf, isDirty, noteLost, noteStored } from '../stored-leases.js';
import { byCluster, leaseRow, leasesOf, toCluster, toLease } from '../rows.js';
import type { Session } from './client/database.js';
import {
  LEASES_AT_ONCE,
  type LeaseWrite,
  type Queries,
  type StoredCluster,
  type StoredLeaseRow,
} from './queries.js';
import type { DepartedTable, MemberTable, WaitingTable } from '../schema.js';

/** How far this server's clock may be ahead of the shared one before its observations are set back. */
const CLOCK_AHEAD_MS = 1_000;

/** A cluster that was read from the database. */
export interface Loaded {
  readonly row: StoredCluster;
  /** The database's version. */
  readonly stored: Cluster;
  /** The version to use: the database's, unless the database has lost what it had confirmed. */
  readonly cluster: Cluster;
}

/** The times of a lease on the lease clock, with those that only this server knows. */
const OBSERVED_TIMES = [...TIME_FACTS, 'failedAt', 'probedAt'] as const;

interface Known {
  readonly row: StoredCluster;
  readonly cluster: Cluster;
  readonly leases: ReadonlyMap<Address, Lease>;
  /** Its lists; the last one is the cluster's own. */
  readonly versions: readonly Version<Cluster>[];
  /** The list to send; undefined while none may be sent. */
  readonly sent: Cluster | undefined;
  /** Set if the database has lost changes since, so its version may be another server's doing. */
  readonly isDisputed: boolean;
}

/** Leases to write. Call `written` once they are committed. */
export interface LeaseBatch {
  readonly rows: readonly LeaseWrite[];
  written(): void;
}

/**
 * A server's in-memory copy of the clusters in the database. An unchanged cluster keeps its object, and an
 * address keeps its lease through all versions of its cluster.
 */
export class KnownClusters {
  listener: ClusterListener | undefined;
  readonly #byName = new Map<string, Known>();
  readonly #byId = new Map<number, Known>();
  #pending = 0;
  #promised = -1;
  #aim = -1;
  #released = -1;
  /** What was released when the last exchange ended. */
  #releasedLast = -1;
  #behind: Cluster[] = [];

  get size(): number {
    return this.#byName.size;
  }

  get hasList(): boolean {
    return [...this.#byName.values()].some(({ cluster }) => cluster.members.size > 0);
  }

  /** Whether any newest list is not released yet. */
  get isPending(): boolean {
    return this.#pending > 0;
  }

  isUpToDate(row: StoredCluster): boolean {
    const known = this.#byName.get(keyOf(row))?.row;
    return known?.id === row.id && known.version === row.version;
  }

  /**
   * The last change that this server has promised: it sends no list that a change up to this one has
   * replaced.
   */
  get promised(): number {
    return this.#promised;
  }

  /**
   * Drops everything cached from the database, but keeps the lists already served. `isLost`: the database has
   * lost changes that it had confirmed, so what it has now may be another server's doing.
   */
  distrust(isLost: boolean): void {
    this.#promised = this.#aim = this.#released = this.#releasedLast = -1;
    for (const [name, known] of this.#byName) {
      const { cluster } = known;
      this.#put(name, known, {
        ...known,
        row: { ...known.row, version: -1 },
        versions: [{ list: cluster, revision: cluster.revision, change: UNREAD, replacedBy: Infinity }],
        sent: undefined,
        isDisputed: isLost || known.isDisputed,
      });
      for (const lease of known.leases.values()) noteLost(lease);
    }
    // Its ids may belong to other clusters now.
    this.#byId.clear();
  }

  /** Marks every cluster for reading again: the database may have lost what was read last. */
  forgetVersions(): void {
    for (const [name, known] of this.#byName) {
      this.#put(name, known, { ...known, row: { ...known.row, version: -1 } });
    }
  }

  /** Clusters that had a list but are not in the database. Forgets those without a list. */
  missing(rows: readonly StoredCluster[]): Cluster[] {
    const there = new Set(rows.map(keyOf));
    const missing: Cluster[] = [];
    for (const [name, known] of [...this.#byName]) {
      const { cluster } = known;
      if (there.has(name)) continue;
      if (cluster.epoch > 0) missing.push(cluster);
      else {
        this.#put(name, known, undefined);
        const nothing = emptyCluster(cluster);
        this.listener?.changed(nothing, nothing);
      }
    }
    return missing;
  }

  /** Returns, once, the clusters whose list in the database was older than the known one. */
  takeBehind(): Cluster[] {
    return this.#behind.splice(0);
  }

  /** A cluster whose row was just created. */
  unknown(row: StoredCluster): Loaded {
    const stored = emptyCluster(row);
    const known = this.#byName.get(keyOf(row));
    return { row, stored, cluster: known ? truthOf(known, stored) : stored };
  }

  /** Reads one cluster. Its leases are always read, its rows only if they changed. */
  async read(session: Session, queries: Queries, row: StoredCluster): Promise<Loaded> {
    const known = this.#byName.get(keyOf(row));
    // A person who corrects damaged rows does not increase their version, so they are always read.
    const isRead = known?.row.id === row.id && known.row.version === row.version;
    if (!isRead || known.cluster.damage !== undefined) {
      const [loaded] = await this.load(session, queries, [row]);
      if (!loaded) throw new Error(`${keyOf(row)} was not read`);
      return loaded;
    }
    this.#merge(known, await session.run<StoredLeaseRow>(queries.leasesOf([row.id])));
    return { row, stored: known.cluster, cluster: known.cluster };
  }

  /** Reads clusters with their members, waiting addresses, tombstones and leases. */
  async load(session: Session, queries: Queries, rows: readonly StoredCluster[]): Promise<Loaded[]> {
    const ids = rows.map(({ id }) => id);
    const members = byCluster(await session.run<MemberTable>(queries.rowsOf('address_server_member', ids)));
    const waiting = byCluster(await session.run<WaitingTable>(queries.rowsOf('address_server_waiting', ids)));
    const tombstones = byCluster(
      await session.run<DepartedTable>(queries.rowsOf('address_server_departed', ids)),
    );
    const leases = byCluster(await session.run<StoredLeaseRow>(queries.leasesOf(ids)));
    return rows.map((row) => {
      const { id } = row;
      const known = this.#byName.get(keyOf(row));
      const facts = new Map((leases.get(id) ?? []).map((lease) => [lease.address, toLease(lease)]));
      const stored = toCluster(
        {
          cluster: row,
          members: members.get(id) ?? [],
          waiting: waiting.get(id) ?? [],
          tombstones: tombstones.get(id) ?? [],
        },
        (address) => this.#leaseOf(known?.leases.get(address), facts.get(address)),
      );
      return { row, stored, cluster: known ? truthOf(known, stored) : stored };
    });
  }

  /**
   * Takes over a cluster that was read or written. An older version than the known one is ignored. `released`
   * was read with it or before it.
   */
  keep({ row, stored, cluster }: Loaded, released: number): void {
    const name = keyOf(row);
    const before = this.#byName.get(name);
    if (before?.row.id === row.id && before.row.version > row.version) return;
    if (cluster !== stored) {
      this.#behind.push(cluster);
      return;
    }
    this.#released = Math.max(this.#released, released);
    const { revision } = cluster;
    const all = learn(before?.versions ?? [], { list: cluster, revision, change: row.list_seq });
    const { versions, sent } = this.#judge(all);
    if (before) this.#byId.delete(before.row.id);
    if (isForgettable(cluster)) {
      this.#put(name, before, undefined);
    } else {
      this.#put(name, before, {
        row,
        cluster,
        leases: leasesOf(cluster),
        versions,
        sent,
        isDisputed: false,
      });
    }
    this.listener?.changed(cluster, sent);
  }

  /** Announces a read of the clusters with all changes up to this one. */
  aim(change: number): void {
    this.#aim = aim(this.#aim, change, this.#releasedLast);
  }

  /**
   * Promises to send nothing that a change up to its aim has replaced, as far as the others allow: up to
   * `promisable`.
   */
  promise(promisable: number): void {
    const promised = promise(this.#promised, { aim: this.#aim, promisable });
    if (promised === this.#promised) return;
    this.#promised = promised;
    this.#follow();
  }

  /** Lists of changes up to this one may be sent. */
  agree(released: number): void {
    this.#released = Math.max(this.#released, released);
    this.#releasedLast = this.#released;
    this.#follow();
  }

  /** The versions to keep, and the one to send, by the current marks. */
  #judge(all: readonly Version<Cluster>[]): Pick<Known, 'versions' | 'sent'> {
    const marks = { released: this.#released, promised: this.#promised, aim: this.#aim };
    const versions = requiredVersions(all, marks);
    return { versions, sent: sendable(versions, marks)?.list };
  }

  #follow(): void {
    if (this.#pending === 0) return;
    for (const [name, known] of this.#byName) {
      if (!isPending(known)) continue;
      const { versions, sent } = this.#judge(known.versions);
      if (versions === known.versions && sent === known.sent) continue;
      this.#put(name, known, { ...known, versions, sent });
      if (sent !== known.sent) this.listener?.changed(known.cluster, sent);
    }
  }

  #put(name: string, before: Known | undefined, next: Known | undefined): void {
    const pending = (known: Known | undefined): number => Number(known !== undefined && isPending(known));
    this.#pending += pending(next) - pending(before);
    if (!next) {
      this.#byName.delete(name);
      return;
    }
    this.#byName.set(name, next);
    this.#byId.set(next.row.id, next);
  }

  /** Merges leases that other servers wrote. */
  heard(rows: readonly StoredLeaseRow[]): void {
    for (const row of rows) {
      const lease = this.#byId.get(row.cluster_id)?.leases.get(row.address);
      if (lease) this.#leaseOf(lease, toLease(row));
    }
  }

  /**
   * Corrects leases after this server's clock ran `ahead` ms ahead of the shared one, which stood still while no
   * server reached the database. Times after `since` move back by as much, so a silence keeps its length. Times
   * from before this server's own clock `stood` still move back by that, too: otherwise the one would make up
   * for the other.
   */
  setBack(since: number, ahead: number, stood: Stood = { at: 0, by: 0 }): void {
    if (ahead + stood.by <= CLOCK_AHEAD_MS) return;
    const later = ahead > CLOCK_AHEAD_MS ? ahead : 0;
    this.#shift((at) =>
      at > since ? Math.max(since, at - (at <= stood.at ? ahead + stood.by : later)) : at,
    );
  }

  /**
   * Corrects leases after this server's clock stood still before `since`: times observed up to `until` were
   * `by` ms later on the shared clock.
   */
  bringForward({ since, until, by }: Behind): void {
    this.#shift((at) => (at >= since && at <= until ? at + by : at));
  }

  #shift(shifted: (at: number) => number): void {
    for (const { leases } of this.#byName.values()) {
      for (const lease of leases.values()) {
        for (const time of OBSERVED_TIMES) lease[time] = shifted(lease[time]);
      }
    }
  }

  /**
   * Leases to write, in batches: those that this server changed since the last write, with no time later than
   * `now`. Mere renewals count only if they are more than `patience` ms newer than what is stored.
   */
  *dirtyLeases(now: number, patience: number): Generator<LeaseBatch> {
    let batch: LeaseWrite[] = [];
    let written: [Lease, StoredLease][] = [];
    const done = (): LeaseBatch => {
      const finished = written;
      return { rows: batch, written: () => this.#written(finished) };
    };
    // All servers write in the same order, so two that write the same rows wait for each other but never
    // deadlock.
    for (const id of [...this.#byId.keys()].sort((a, b) => a - b)) {
      const known = this.#byId.get(id);
      if (!known) continue;
      for (const [address, lease] of this.#dirty(known.leases, patience)) {
        const facts = capped(lease, now);
        batch.push({ cluster_id: id, ...leaseRow(address, facts) });
        written.push([lease, facts]);
        if (batch.length < LEASES_AT_ONCE) continue;
        yield done();
        [batch, written] = [[], []];
      }
    }
    if (batch.length > 0) yield done();
  }

  /** Leases to write for one cluster after a decision, with no time later than `now`. */
  dirtyLeasesOf(cluster: Cluster, id: number, now: number): LeaseBatch {
    const written = this.#dirty(leasesOf(cluster)).map(
      ([address, lease]) => [address, lease, capped(lease, now)] as const,
    );
    return {
      rows: written.map(([address, , facts]) => ({ cluster_id: id, ...leaseRow(address, facts) })),
      written: () => this.#written(written.map(([, lease, facts]) => [lease, facts])),
    };
  }

  #dirty(leases: ReadonlyMap<Address, Lease>, patience?: number): [Address, Lease][] {
    const dirty: [Address, Lease][] = [];
    for (const [address, lease] of leases) {
      if (isDirty(lease, patience)) dirty.push([address, lease]);
    }
    return dirty.sort(([a], [b]) => (a < b ? -1 : 1));
  }

  #written(leases: readonly (readonly [Lease, StoredLease])[]): void {
    for (const [lease, facts] of leases) noteStored(lease, facts);
  }

  #merge(known: Known, rows: readonly StoredLeaseRow[]): void {
    for (const row of rows) {
      const lease = known.leases.get(row.address);
      if (lease) this.#leaseOf(lease, toLease(row));
    }
  }

  /** Merges the database's facts into the lease of an address. */
  #leaseOf(known: Lease | undefined, facts: StoredLease | undefined): Lease | undefined {
    if (!facts) return known;
    const lease = known ?? storedLease(facts);
    merge(lease, facts);
    noteStored(lease, facts);
    return lease;
  }
}

/** Whether a cluster's newest list is not released yet. */
function isPending({ sent, cluster }: Known): boolean {
  return sent !== cluster;
}

/**
 * Caps a lease's times at `now`. This server's clock may be a little ahead, or far if no server could receive
 * polls for a while.
 */
function capped(lease: Lease, now: number): StoredLease {
  for (const time of TIME_FACTS) lease[time] = Math.min(lease[time], now);
  return factsOf(lease);
}

/**
 * The version of a cluster to use: the database's, unless it is older than the known one or the database has
 * lost changes.
 */
function truthOf({ cluster, isDisputed }: Known, stored: Cluster): Cluster {
  // Only people can correct invalid rows; merging the known state into them would hide the damage.
  if (stored.damage !== undefined || cluster.epoch === 0) return stored;
  if (cluster.revision > stored.revision) return cluster;
  return isDisputed ? reconciled(cluster, stored) : stored;
}
