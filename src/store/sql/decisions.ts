import { setTimeout as sleep } from 'node:timers/promises';
import { keyOf, type Cluster, type ClusterKey } from '../../registry/cluster.js';
import type { RecordedEvent, RegistryEvent } from '../../registry/events.js';
import {
  StoreBusy,
  type CommittedDecision,
  type StoreSnapshot,
  type Work,
} from '../../registry/interfaces.js';
import { changesOf, clusterRow } from '../rows.js';
import { DatabaseError, type Database, type Session } from './client/database.js';
import type { KnownClusters } from './known-clusters.js';
import type { Queries, StoredCluster } from './queries.js';
import type { ReplicaState } from './replica-state.js';

/** Time limit of a decision with all its tries; a poll is answered within 2.5 s. */
const DECISION_LIMIT_MS = 1_800;

/** Concurrent decisions; one connection stays free for the exchange. */
const DECISIONS_AT_ONCE = 3;

/** Events kept of one cluster and of all; trimmed once in so many decisions. */
const EVENTS_PER_CLUSTER = 1_000;
const EVENTS_IN_ALL = 100_000;
const TRIM_EVERY = 50;

/** What decisions need of this server. */
export interface Self {
  /** Id of this process as a writer of leases; see LeaseTable.writer. */
  readonly writer: number;
  /**
   * Reads the clock and the replicas. Rejects with a DatabaseError of kind `conflict` if the database has
   * lost something, which the next exchange repairs.
   */
  state(session: Session): Promise<ReplicaState>;
  /**
   * Whether the database may have lost what was read last, so that nothing in memory is certain to be up to
   * date.
   */
  readonly isUnconfirmed: boolean;
  /**
   * Notes a transaction in this server's row, to tell later whether the database has lost it. A transaction's
   * result is kept only with such a note. Call the returned function after the commit.
   */
  note(session: Session): Promise<() => void>;
}

/** Makes decisions about clusters, each in a transaction that locks the cluster's row. */
export class Decisions {
  readonly #db: Database;
  readonly #queries: Queries;
  readonly #known: KnownClusters;
  readonly #self: Self;
  readonly #turns: (() => void)[] = [];
  #deciding = 0;
  #decided = 0;
  #retries = 0;

  constructor(db: Database, queries: Queries, known: KnownClusters, self: Self) {
    this.#db = db;
    this.#queries = queries;
    this.#known = known;
    this.#self = self;
  }

  /** Decisions that were repeated after a deadlock or a serialisation failure. */
  get retries(): number {
    return this.#retries;
  }

  /**
   * Makes a decision in its turn. After a deadlock or a serialisation failure, which change nothing, it
   * decides again on the new state. Rejects with DatabaseError, or with StoreBusy if other servers kept the
   * cluster locked.
   */
  decide(key: ClusterKey, work: Work): Promise<CommittedDecision> {
    return this.#pipeline(() => this.decideNow(key, work));
  }

  /** Makes a decision like {@link decide}, but without waiting for its turn. */
  async decideNow(key: ClusterKey, work: Work): Promise<CommittedDecision> {
    const until = performance.now() + DECISION_LIMIT_MS;
    for (let attempt = 1; ; attempt++) {
      const left = until - performance.now();
      try {
        return await this.#tryToDecide(key, work, Math.max(left, 1));
      } catch (error) {
        if (!(error instanceof DatabaseError) || error.kind !== 'conflict') throw error;
        const pause = Math.random() * 40 * attempt;
        if (performance.now() + pause >= until) throw new StoreBusy(error.message, { cause: error });
        this.#retries++;
        await sleep(pause);
      }
    }
  }

  async #tryToDecide(key: ClusterKey, work: Work, limit: number): Promise<CommittedDecision> {
    let keep: (() => void) | undefined;
    let decided: CommittedDecision | undefined;
    await this.#db
      .transaction(limit, async (session) => {
        const { row, isNew } = await this.#lock(session, key);
        // Before the leases: they then include what a replica wrote before it reported that.
        const state = await this.#self.state(session);
        if (this.#self.isUnconfirmed) this.#known.forgetVersions();
        const found = isNew ? this.#known.unknown(row) : await this.#known.read(session, this.#queries, row);
        const before = found.cluster;
        const outcome = work(before, sceneOf(state, row.change_seq, this.#known.size));
        const leases = this.#known.dirtyLeasesOf(outcome.cluster, row.id, state.clock.now);
        if (outcome.cluster === found.stored) {
          decided = { ...outcome, recorded: [] };
          if (isNew) throw new NothingDecided();
          const isNews = !this.#known.isUpToDate(row);
          if (leases.rows.length > 0) {
            await session.run(this.#queries.writeLeases(leases.rows, state.clock.now, this.#self.writer));
          }
          const noted = isNews ? await this.#self.note(session) : undefined;
          keep = () => {
            noted?.();
            this.#known.keep(found, state.released);
            if (leases.rows.length > 0) leases.written();
          };
          return;
        }
        await this.#writeRows(session, row.id, found.stored, outcome.cluster);
        if (leases.rows.length > 0) {
          await session.run(this.#queries.writeLeases(leases.rows, state.clock.now, this.#self.writer));
        }
        const recorded = await this.#record(session, key, outcome.events, state.databaseMs);
        // Last, since every change of another cluster waits from here to the commit.
        const change = await this.#countChange(session);
        const noted = await this.#self.note(session);
        const isNewList = outcome.cluster.revision !== found.stored.revision;
        // A first list replaces no other, unless there was one before whose end some server may not know.
        const isFirst = before.members.size === 0 && row.list_seq <= state.released;
        const list_seq = isNewList ? (isFirst ? 0 : change) : row.list_seq;
        const next = {
          version: row.version + 1,
          change_seq: change,
          list_seq,
          decided_at: state.clock.now,
        };
        const { product: _product, name: _name, ...columns } = clusterRow(outcome.cluster);
        await session.run(this.#queries.updateCluster(row.id, { ...columns, ...next }));
        decided = { ...outcome, recorded };
        keep = () => {
          noted();
          leases.written();
          const { cluster } = outcome;
          const whole = { ...row, ...next };
          this.#known.keep({ row: whole, stored: cluster, cluster }, state.released);
        };
      })
      .catch((error: unknown) => {
        if (!(error instanceof NothingDecided)) throw error;
      });
    keep?.();
    if (!decided) throw new Error('a decision was made and is gone');
    return decided;
  }

  /** Counts this change, and returns its number. */
  async #countChange(session: Session): Promise<number> {
    await session.run(this.#queries.countChange());
    const [counted] = await session.run<{ changes: number }>(this.#queries.changes());
    if (!counted) throw new Error('the clock’s row is missing');
    return counted.changes;
  }

  /** Locks the cluster's row until the transaction ends; creates it if there is none. */
  async #lock(session: Session, key: ClusterKey): Promise<{ row: StoredCluster; isNew: boolean }> {
    const [row] = await session.run<StoredCluster>(this.#queries.lockCluster(key));
    if (row) return { row, isNew: false };
    await session.run(this.#queries.createCluster(key));
    const [created] = await session.run<StoredCluster>(this.#queries.lockCluster(key));
    if (!created) throw new Error(`the row of ${keyOf(key)} was made and is gone`);
    return { row: created, isNew: created.version === 0 };
  }

  async #writeRows(session: Session, id: number, before: Cluster, after: Cluster): Promise<void> {
    const { members, waiting, tombstones } = changesOf(before, after);
    const gone: string[] = [];
    for (const [table, rows] of [
      ['address_server_member', members],
      ['address_server_waiting', waiting],
      ['address_server_departed', tombstones],
    ] as const) {
      if (rows.remove.length > 0) await session.run(this.#queries.remove(table, id, rows.remove));
      for (const statement of this.#queries.put(table, id, rows.put)) await session.run(statement);
      gone.push(...rows.remove);
    }
    const left = gone.filter(
      (address) =>
        !after.members.has(address) && !after.waiting.has(address) && !after.tombstones.has(address),
    );
    if (left.length > 0) await session.run(this.#queries.remove('address_server_lease', id, left));
  }

  /** Records a cluster's events. Its row is locked, so their numbers follow the order of its decisions. */
  async #record(
    session: Session,
    key: ClusterKey,
    events: readonly RegistryEvent[],
    time: number,
  ): Promise<RecordedEvent[]> {
    if (events.length === 0) return [];
    await session.run(this.#queries.addEvents(time, events));
    const rows = await session.run<{ seq: number }>(this.#queries.newestEvents(key, events.length));
    const recorded = events.map((event, i) => {
      return { ...event, seq: rows[events.length - 1 - i]?.seq ?? 0, time };
    });
    if (this.#decided++ % TRIM_EVERY === 0) {
      const [old] = await session.run<{ seq: number }>(
        this.#queries.newestEvents(key, 1, EVENTS_PER_CLUSTER),
      );
      if (old) await session.run(this.#queries.trimEvents(old.seq, key));
      const last = recorded.at(-1)?.seq ?? 0;
      if (last > EVENTS_IN_ALL) await session.run(this.#queries.trimEvents(last - EVENTS_IN_ALL));
    }
    return recorded;
  }

  /** Runs work in its turn, since the database's connections are few. */
  async #pipeline<T>(work: () => Promise<T>): Promise<T> {
    if (this.#deciding >= DECISIONS_AT_ONCE) await new Promise<void>((resolve) => this.#turns.push(resolve));
    else this.#deciding++;
    try {
      return await work();
    } finally {
      const next = this.#turns.shift();
      if (next) next();
      else this.#deciding--;
    }
  }
}

/** The state that a decision gets. `change`: the last change of the cluster that it is about. */
export function sceneOf(state: ReplicaState, change: number, clusters: number): StoreSnapshot {
  return {
    now: state.clock.now,
    graceUntil: state.clock.missedMs > 0 ? Infinity : state.graceUntil,
    othersKnow: state.othersKnow(change),
    clusters,
  };
}

/** Rolls back a transaction that decided nothing about a new cluster. */
class NothingDecided extends Error {}
