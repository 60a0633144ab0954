import { randomInt, randomUUID } from 'node:crypto';
import { releasable } from '../../registry/agreement.js';
import { keyOf, type Cluster, type ClusterKey } from '../../registry/cluster.js';
import { eventTypeOf, type RecordedEvent } from '../../registry/events.js';
import {
  StoreBusy,
  StoreOutcomeUnknown,
  StoreRefused,
  StoreUnavailable,
  type ClusterListener,
  type CommittedDecision,
  type EventQuery,
  type SyncResult,
  type OpenResult,
  type SyncRequest,
  type Store,
  type Work,
} from '../../registry/interfaces.js';
import { REPLICA_LOST_AFTER } from '../../registry/rules.js';
import { KeyedQueue } from '../../util/keyed-queue.js';
import { DatabaseError, type Database, type Session } from './client/database.js';
import { Decisions, sceneOf } from './decisions.js';
import { KnownClusters, type Loaded } from './known-clusters.js';
import {
  Queries,
  type OwnWrite,
  type StateRow,
  type StoredCluster,
  type StoredEvent,
  type StoredLeaseRow,
} from './queries.js';
import { ReplicaState } from './replica-state.js';

/** Interval of writing renewals, unless a change must be confirmed. */
const WRITE_EVERY_MS = 1_000;

/** Interval of reading other servers' renewals while no request waits for them. */
const READ_EVERY_MS = 2_000;

/**
 * How far this server's clock may be behind the shared one. A slow exchange, which ends with the time from
 * its beginning, makes it fall back by less.
 */
const CLOCK_BEHIND_MS = 5_000;

/** A generous limit for a transaction, from reading the clock to its commit. */
const LATE_COMMIT_AFTER_MS = 3_000;

/** How long a cluster without a list is kept. */
const FORGET_AFTER_MS = 3_600_000;

/** A step back of the shared clock that setting the database's wall clock never reaches. */
const CLOCK_BACK_MS = 5_000;

/** Attempts to enter this server's row while other processes take it in between. */
const ENTER_TRIES = 5;

const NOTHING_HEARD: SyncRequest = {
  hearing: 0,
  graceUntil: 0,
  grace: 0,
  renewalSlackMs: 0,
  isWaiting: false,
  isLast: false,
};

export interface SqlStoreOptions {
  readonly database: Database;
  /** Brings the schema up to date, or refuses to (migrator.ts). */
  readonly prepare: (database: Database) => Promise<void>;
  /** Name of this server among those on the database, such as `host:port`; the same after a restart. */
  readonly replica: string;
}

/**
 * Store that several servers share, on one MySQL or PostgreSQL. A decision locks the cluster's row, reads
 * what the others changed and heard, and commits before it is answered. Leases are kept in memory and
 * exchanged in one batch each way, at most once a second. registry/agreement.ts explains how servers agree on
 * a list.
 */
export class SqlStore implements Store {
  readonly pace: number = 500;
  readonly isShared = true;
  readonly #options: SqlStoreOptions;
  readonly #db: Database;
  readonly #queries: Queries;
  /** Token of this process's row; replaced when the database turns out to have lost something. */
  #token = randomUUID();
  /** The token last seen in the row; undefined before it was entered. */
  #enteredToken: string | undefined;
  /** Tokens that this process replaced: its own earlier ones, and that of the process before it. */
  readonly #replaced = new Set<string>();
  /** Identifies this process as a writer of leases. */
  readonly #writer = randomInt(1, 2 ** 47);
  readonly #known = new KnownClusters();
  readonly #decisions: Decisions;
  readonly #queue = new KeyedQueue();
  #id: string;
  /** The last change up to which this server has read everything. */
  #seenChange = -1;
  /** Transactions that this server has noted in its row, and how many of them are known to be committed. */
  #writes = 0;
  #confirmed = 0;
  /** Set while this server's row may not cover what was read last: the database may have lost it since. */
  #isUnconfirmed = false;
  #writtenAt = -Infinity;
  /** Time of the last exchange, on this process's own clock. */
  #exchangedAt = -Infinity;
  /** Leases written since this time on the shared clock have not been read yet. */
  #readUpTo = 0;
  #readAt = -Infinity;
  /** The shared clock at the last exchange. */
  #lastNow = 0;
  #forgotAt = performance.now();

  constructor(options: SqlStoreOptions) {
    this.#options = options;
    this.#db = options.database;
    this.#queries = new Queries(options.database.dialect);
    this.#id = options.replica;
    const isUnconfirmed = (): boolean => this.#isUnconfirmed;
    const self = {
      writer: this.#writer,
      get isUnconfirmed(): boolean {
        return isUnconfirmed();
      },
      state: (session: Session) => this.#certainState(session),
      note: (session: Session) => this.#note(session),
    };
    this.#decisions = new Decisions(this.#db, this.#queries, this.#known, self);
  }

  /** Decisions that were repeated after a deadlock or a serialisation failure. */
  get retries(): number {
    return this.#decisions.retries;
  }

  async open(listener: ClusterListener, grace = 0): Promise<OpenResult> {
    this.#known.listener = listener;
    return this.#reach('open', async () => {
      await this.#options.prepare(this.#db);
      return this.#db.together((session) => this.#open(session, grace));
    });
  }

  async #open(session: Session, grace: number): Promise<OpenResult> {
    const before = await this.#state(session);
    // Enter first, then read: from now on every server that changes a list waits for this one.
    let state = await this.#enter(session, before);
    while ((await this.#readChanges(session, state)) === 'in part') state = await this.#state(session);
    this.#known.promise(state.promisable(Math.max(0, this.#seenChange)));
    // From now on the others take this server for one that receives polls. What its predecessor heard last
    // may be lost.
    const report = this.#known.hasList ? { ...NOTHING_HEARD, graceUntil: Infinity, grace } : NOTHING_HEARD;
    const { released } = await this.#renew(session, state, report);
    this.#known.agree(released);
    const { now, missedMs: deaf } = state.clock;
    this.#readUpTo = now - LATE_COMMIT_AFTER_MS;
    this.#lastNow = now;
    const attended = deaf === 0 && before.others.some(({ seenAt }) => now - seenAt < 2 * WRITE_EVERY_MS);
    return { hearing: now, attended };
  }

  transact(key: ClusterKey, work: Work): Promise<CommittedDecision> {
    return this.#queue.run(keyOf(key), () => this.#reach('use', () => this.#decisions.decide(key, work)));
  }

  sync(report: SyncRequest): Promise<SyncResult> {
    return this.#reach('use', () => this.#db.together((session) => this.#sync(session, report)));
  }

  async #sync(session: Session, report: SyncRequest): Promise<SyncResult> {
    // Decisions continue meanwhile.
    const confirmed = this.#confirmed;
    let state = await this.#state(session);
    const isLost = this.#hasLost(state, confirmed);
    if (isLost || !state.isEntered) {
      // Nothing cached from the database holds any more. Its clock continues from the last known time, or
      // every time known here would lie ahead of it. Only the clock: this server's row is entered again
      // below.
      if (this.#isEntered) this.#distrust(isLost);
      this.#readAnew();
      await session.run(this.#queries.report(this.#own(this.#lastNow), this.#lastNow, state.databaseMs, 0));
      state = await this.#state(session);
    } else if (this.#isUnconfirmed) {
      this.#readAnew();
    }
    state = await this.#enter(session, state);
    const ahead = report.hearing - state.clock.now;
    this.#known.setBack(this.#lastNow, ahead, report.stood);
    if (-ahead > CLOCK_BEHIND_MS) this.#catchUp(state.clock.now);
    this.#lastNow = state.clock.now;
    const changed = await this.#readChanges(session, state);
    const at = performance.now();
    const hasOthers = state.others.length > 0;
    if (hasOthers && (report.isWaiting || at - this.#readAt >= READ_EVERY_MS)) {
      await this.#readLeases(session, state);
      this.#readAt = at;
    }
    // Stop sending older lists first, then promise that.
    this.#known.promise(state.promisable(Math.max(0, this.#seenChange)));
    // Confirm a change that others wait for at once, with everything heard before it was known here.
    let written = 0;
    let last = state;
    const confirms = changed !== 'none' || this.#isUnconfirmed || this.#known.isPending || report.isLast;
    const isDue = at - this.#writtenAt >= WRITE_EVERY_MS - this.pace / 2;
    if (confirms || isDue || state.clock.missedMs > 0) {
      this.#known.listener?.telling();
      written = await this.#writeLeases(session, state, confirms ? 0 : report.renewalSlackMs);
      last = await this.#renew(session, state, report);
      this.#writtenAt = at;
    }
    if (at - this.#forgotAt >= FORGET_AFTER_MS) {
      await session.run(this.#queries.forgetClusters(state.clock.now - FORGET_AFTER_MS));
      this.#forgotAt = at;
    }
    this.#known.agree(last.released);
    this.#exchangedAt = at;
    // Whether the others know a change is checked again for the cluster under decision.
    const { missedMs: deaf, now } = state.clock;
    // Decisions get an endless grace after a time without any server. This server has just written when it
    // ends.
    const graceUntil = deaf > 0 ? Math.max(state.graceUntil, now + report.grace) : state.graceUntil;
    const scene = { ...sceneOf(state, 0, this.#known.size), graceUntil };
    const soon = changed === 'in part' || (this.#known.isPending && scene.othersKnow !== false);
    return { scene, missedMs: deaf, others: state.others.length, isAlone: last.isAlone, soon, written };
  }

  async events(query: EventQuery): Promise<readonly RecordedEvent[]> {
    const rows = await this.#reach('use', () => this.#db.run<StoredEvent>(this.#queries.events(query)));
    return rows.map(({ time_ms, type, address, ...event }) => {
      return { ...event, type: eventTypeOf(type), time: time_ms, ...(address === null ? {} : { address }) };
    });
  }

  async close(): Promise<void> {
    await this.#queue.settled();
    if (this.#enteredToken !== undefined) {
      // If this fails, the others wait for this server for a while although it is gone.
      const leave = this.#queries.leaveReplica(this.#id, this.#enteredToken, this.#lastNow);
      await this.#db.run(leave).catch(() => undefined);
    }
    await this.#db.close();
  }

  async #state(session: Session): Promise<ReplicaState> {
    const rows = await session.run<StateRow>(this.#queries.state());
    return new ReplicaState(rows, { id: this.#id, token: this.#token, enteredToken: this.#enteredToken });
  }

  /**
   * Reads the clock and the replicas for a decision. Rejects with `conflict` if the database has lost
   * changes.
   */
  async #certainState(session: Session): Promise<ReplicaState> {
    const confirmed = this.#confirmed;
    const state = await this.#state(session);
    // Without its row this server cannot tell: versions and ids may be those of another past.
    const isCertain = state.own !== undefined || !this.#isEntered;
    if (isCertain && !this.#hasLost(state, confirmed)) return state;
    throw new DatabaseError(
      'conflict',
      `${this.#db.name} has lost changes that it had confirmed; they are written back`,
    );
  }

  /**
   * Whether the database has lost changes that it had confirmed: it was replaced by an older copy, or its
   * tables were created again. Others may have written since, so this server's own row is the best witness. A
   * missing row was forgotten if this server was away for long, or belongs to another process.
   */
  #hasLost({ changes, own, isTaken, holder, clock }: ReplicaState, confirmed: number): boolean {
    if (!this.#isEntered) return false;
    if (changes < this.#seenChange || clock.now < this.#lastNow - CLOCK_BACK_MS) return true;
    if (own) return own.written < confirmed;
    if (holder !== undefined && this.#replaced.has(holder)) return true;
    return !isTaken && performance.now() - this.#exchangedAt < REPLICA_LOST_AFTER;
  }

  /** Whether this server's row was last seen with its current token. */
  get #isEntered(): boolean {
    return this.#enteredToken === this.#token;
  }

  #readAnew(): void {
    this.#known.forgetVersions();
    this.#seenChange = -1;
  }

  /**
   * Drops what was cached, since this server now has less than its row says. That row's last writes may still
   * reach the database, so it takes a new token.
   */
  #distrust(isLost: boolean): void {
    this.#known.listener?.lost();
    this.#known.distrust(isLost);
    this.#seenChange = -1;
    this.#confirmed = 0;
    this.#isUnconfirmed = false;
    this.#token = randomUUID();
  }

  /** This server's next row. */
  #own(now: number): OwnWrite {
    return {
      id: this.#id,
      token: this.#token,
      seen_at: now,
      seen: Math.max(0, this.#seenChange),
      promised: Math.max(0, this.#known.promised),
      written: ++this.#writes,
    };
  }

  async #note(session: Session): Promise<() => void> {
    const token = this.#token;
    const written = ++this.#writes;
    const isEntered = this.#isEntered;
    if (isEntered) await session.run(this.#queries.noteWritten(this.#id, token, written));
    return () => {
      if (isEntered) this.#confirm(token, written);
    };
  }

  #confirm(token: string, written: number): void {
    if (token === this.#token) this.#confirmed = Math.max(this.#confirmed, written);
  }

  /** Keeps what was heard after a pause from being dated before it. */
  #catchUp(now: number): void {
    const behind = this.#known.listener?.catchUp(now);
    if (behind) this.#known.bringForward(behind);
  }

  /** Enters this server's row unless it is entered, and returns the state with it. */
  async #enter(session: Session, before: ReplicaState): Promise<ReplicaState> {
    let state = before;
    for (let tries = 0; ; tries++) {
      if (state.isEntered) {
        this.#enteredToken = this.#token;
        return state;
      }
      if (tries === ENTER_TRIES) break;
      let { holder } = state;
      const isOwnPast = holder !== undefined && this.#replaced.has(holder);
      if (this.#enteredToken !== undefined && state.isTaken && !isOwnPast) {
        // Another process has taken the name: two servers were given the same one.
        this.#id = `${this.#options.replica}#${this.#token}`;
        holder = undefined;
      }
      if (holder !== undefined) this.#replaced.add(holder);
      const row = { seen_at: state.clock.now, seen: 0, promised: 0, revoked_at: 0, written: 0 };
      await session.run(this.#queries.enterReplica({ id: this.#id, token: this.#token, ...row }, holder));
      state = await this.#state(session);
    }
    throw new DatabaseError(
      'unavailable',
      `${this.#db.name} keeps giving the name ${this.#id} to another server; give each server its own`,
    );
  }

  /** Reads every cluster that changed since the last time. */
  async #readChanges(session: Session, state: ReplicaState): Promise<'none' | 'in part' | 'all'> {
    this.#known.aim(state.changes);
    if (state.changes === this.#seenChange) return 'none';
    const rows = await session.run<StoredCluster>(this.#queries.clustersSince(this.#seenChange));
    const isFirst = this.#seenChange < 0;
    // Until this server's row covers what is read now.
    this.#isUnconfirmed = true;
    const newer = rows.filter((row) => !this.#known.isUpToDate(row));
    for (let i = 0; i < newer.length; i += 500) {
      const some = newer.slice(i, i + 500);
      const loaded = await this.#loadWhole(session, some);
      for (const one of loaded) this.#known.keep(one, state.released);
      // The others changed while they were read, and are read next time.
      if (loaded.length < some.length) return 'in part';
    }
    for (const lost of isFirst ? this.#known.missing(rows) : []) await this.#restore(lost);
    for (const behind of this.#known.takeBehind()) await this.#restore(behind);
    this.#seenChange = state.changes;
    return 'all';
  }

  /** Loads the clusters of these rows, without those that changed while they were read. */
  async #loadWhole(session: Session, rows: readonly StoredCluster[]): Promise<Loaded[]> {
    const loaded = await this.#known.load(session, this.#queries, rows);
    const since = Math.min(...rows.map(({ change_seq }) => change_seq)) - 1;
    const now = await session.run<StoredCluster>(this.#queries.clustersSince(since));
    const versions = new Map(now.map(({ id, version }) => [id, version]));
    return loaded.filter(({ row }) => versions.get(row.id) === row.version);
  }

  /**
   * Writes a cluster back whose list in the database is older than the one already served: the older must
   * never be served again.
   */
  async #restore(cluster: Cluster): Promise<void> {
    await this.#decisions.decideNow(cluster, (found) => {
      return { cluster: found, events: [], reply: { type: 'done' } };
    });
  }

  async #readLeases(session: Session, state: ReplicaState): Promise<void> {
    const news = this.#queries.leasesSince(this.#readUpTo, this.#writer);
    const rows = await session.run<StoredLeaseRow>(news);
    this.#known.heard(rows);
    this.#readUpTo = state.clock.now - LATE_COMMIT_AFTER_MS;
  }

  /** Writes changed leases, and returns how many. */
  async #writeLeases(session: Session, { clock: { now } }: ReplicaState, patience: number): Promise<number> {
    let written = 0;
    for (const batch of this.#known.dirtyLeases(now, patience)) {
      await session.run(this.#queries.writeLeases(batch.rows, now, this.#writer));
      batch.written();
      written += batch.rows.length;
    }
    return written;
  }

  /**
   * Reports what this server has, releases what all servers have promised, and returns the new state. Rejects
   * if the others gave this server up meanwhile; it enters again the next time.
   */
  async #renew(session: Session, state: ReplicaState, report: SyncRequest): Promise<ReplicaState> {
    const { clock, databaseMs, storedDatabaseMs, others, overdue, forgetsBefore } = state;
    if (clock.isSetBack) await session.run(this.#queries.setDatabaseClock(storedDatabaseMs, databaseMs));
    const grace = Math.max(
      Math.min(report.graceUntil, clock.now + report.grace),
      clock.missedMs > 0 ? clock.now + report.grace : 0,
    );
    const own = this.#own(clock.now);
    await session.run(this.#queries.report(own, clock.now, databaseMs, grace));
    for (const other of overdue) await session.run(this.#queries.revokeReplica(other, clock.now));
    if (forgetsBefore !== undefined) await session.run(this.#queries.forgetReplicas(forgetsBefore));
    const waited = others.filter((other) => !overdue.includes(other));
    if (releasable([...waited, { ...own, revokedAt: 0 }]) > state.released) {
      await session.run(this.#queries.release());
    }
    const after = await this.#state(session);
    if (!after.isEntered || (after.own?.written ?? 0) < own.written) {
      throw new DatabaseError(
        'conflict',
        `the other servers on ${this.#db.name} have given up on this one; it joins again`,
      );
    }
    this.#confirm(own.token, own.written);
    this.#isUnconfirmed = false;
    return after;
  }

  async #reach<T>(phase: 'open' | 'use', work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
      if (phase === 'open' && error.kind === 'misconfigured') {
        throw new StoreRefused(error.message, { cause: error });
      }
      if (error.kind === 'rejected') throw error;
      if (error.kind === 'conflict') throw new StoreBusy(error.message, { cause: error });
      if (error.kind === 'unknown') throw new StoreOutcomeUnknown(error.message, { cause: error });
      throw new StoreUnavailable(error.message, { cause: error });
    }
  }
}
