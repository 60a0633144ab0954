import SQLite from 'better-sqlite3';
import { existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import {
  emptyCluster,
  type Cluster,
  type Departed,
  type Member,
  type Waiting,
} from '../../registry/cluster.js';
import type { RecordedEvent } from '../../registry/events.js';
import { storedLease } from '../../registry/lease.js';
import { StoreRefused, type EventQuery, type Snapshot } from '../../registry/ports.js';
import { readMigrations } from '../migrate.js';
import type { Change, LeaseBatch, Rows } from './messages.js';

/** Events kept of one cluster, and of all. */
const EVENTS_PER_CLUSTER = 1_000;
const EVENTS_IN_ALL = 100_000;

/** How long an open waits for a server that is just stopping to give the file up, in milliseconds. */
const LOCK_TIMEOUT = 3_000;

/** Marks the file as ours, so that another program's database is never migrated ("NAsr"). */
const APPLICATION_ID = 0x4e417372;

/**
 * The registry's SQLite file, synchronous; it lives in a thread of its own (worker.ts), so a slow disk holds
 * up no poll. WAL with full synchronisation: a commit that returned survives a power cut. The file is locked
 * for this process alone, since two servers deciding on one file would not see each other's decisions.
 */
export class SqliteDatabase {
  readonly #db: SQLite.Database;
  readonly #statements: ReturnType<typeof prepare>;

  /** Throws {@link StoreRefused} with what was found and what to do. The file is never overwritten. */
  constructor(file: string, migrationsFolder: string) {
    this.#db = openFile(file);
    try {
      migrate(this.#db, file, migrationsFolder);
      this.#statements = prepare(this.#db);
    } catch (error) {
      this.#db.close();
      throw explain(file, error);
    }
  }

  load(): Snapshot {
    const clock = this.#db.prepare('SELECT hearing_ms FROM address_server_clock').pluck().get() as number;
    const clusters = loadClusters(this.#db);
    return { clusters, hearing: clock };
  }

  /** Applies a change in one transaction; returns its events with their numbers. */
  commit(change: Change): RecordedEvent[] {
    return this.#db.transaction(() => this.#apply(change)).immediate();
  }

  #apply(change: Change): RecordedEvent[] {
    const s = this.#statements;
    const { product, name } = change.key;
    s.clock.run(change.hearing);
    if (change.cluster === undefined) {
      s.forgetCluster.run(product, name);
    } else {
      const { epoch, revision, changedAt, size, quorumLost } = change.cluster;
      const id = s.putCluster
        .pluck()
        .get(product, name, epoch, revision, changedAt, size, Number(quorumLost));
      for (const table of ['members', 'waiting', 'departed'] as const) {
        const rows: Rows = change[table];
        for (const address of rows.remove) s[table].remove.run(id, address);
        for (const row of rows.put) s[table].put.run(id, ...row);
      }
    }
    const recorded = change.events.map((event): RecordedEvent => {
      const { type, address, revision, reason } = event;
      const values = [change.time, product, name, type, address ?? null, revision, reason];
      const { lastInsertRowid } = s.addEvent.run(...values);
      return { ...event, seq: Number(lastInsertRowid), time: change.time };
    });
    if (recorded.length > 0) {
      s.trimCluster.run({ product, name, keep: EVENTS_PER_CLUSTER });
      s.trimAll.run(EVENTS_IN_ALL);
    }
    return recorded;
  }

  flush(batches: readonly LeaseBatch[], hearing: number): void {
    const { clock, clusterId, renew } = this.#statements;
    this.#db
      .transaction(() => {
        clock.run(hearing);
        for (const { product, name, leases } of batches) {
          const id = clusterId.get(product, name);
          for (let i = 0; i < leases.length; i += 4) {
            renew.run(leases[i + 1], leases[i + 2], leases[i + 3], id, leases[i]);
          }
        }
      })
      .immediate();
  }

  events({ cluster, before, after, limit }: EventQuery): RecordedEvent[] {
    const rows = this.#db
      .prepare(
        `SELECT seq, time, product, name, type, address, revision, reason FROM address_server_event
         WHERE (@product IS NULL OR (product = @product AND name = @name))
           AND (@before IS NULL OR seq < @before) AND (@after IS NULL OR seq > @after)
         ORDER BY seq ${after === undefined ? 'DESC' : 'ASC'} LIMIT @limit`,
      )
      .all({
        product: cluster?.product ?? null,
        name: cluster?.name ?? null,
        before: before ?? null,
        after: after ?? null,
        limit,
      }) as (Omit<RecordedEvent, 'address'> & { address: string | null })[];
    return rows.map(({ address, ...event }) => (address === null ? event : { ...event, address }));
  }

  close(): void {
    this.#db.close();
  }
}

function openFile(file: string): SQLite.Database {
  const folder = dirname(file);
  if (!existsSync(folder)) {
    throw new StoreRefused(
      `the database's folder ${folder} does not exist; create it, or name another in DATABASE_URL`,
    );
  }
  if (existsSync(file) && statSync(file).isDirectory()) {
    throw new StoreRefused(`the database ${file} is a folder; name a file in it in DATABASE_URL`);
  }
  let db: SQLite.Database | undefined;
  try {
    db = new SQLite(file, { timeout: LOCK_TIMEOUT });
    db.pragma('locking_mode = EXCLUSIVE');
    // Takes the lock and proves that the file is a database that can be written.
    db.exec('BEGIN IMMEDIATE');
    const owner = db.pragma('application_id', { simple: true }) as number;
    const tables = db.prepare('SELECT count(*) FROM sqlite_master').pluck().get() as number;
    db.exec('COMMIT');
    if (owner !== APPLICATION_ID && tables > 0) {
      throw new StoreRefused(
        `the database ${file} belongs to another program (it has ${tables} tables or indexes and not our mark); name another file in DATABASE_URL`,
      );
    }
    const check = db.pragma('quick_check(1)', { simple: true }) as string;
    if (check !== 'ok') throw new StoreRefused(corrupt(file, check));
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = FULL');
    db.pragma('foreign_keys = ON');
    db.exec('BEGIN IMMEDIATE; COMMIT');
    return db;
  } catch (error) {
    db?.close();
    throw explain(file, error);
  }
}

function migrate(db: SQLite.Database, file: string, folder: string): void {
  const migrations = readMigrations(folder);
  const found = db.pragma('user_version', { simple: true }) as number;
  if (found > migrations.length) {
    throw new StoreRefused(
      `the database ${file} has schema version ${found}, this program knows ${migrations.length}: it was written by a newer version. Start that version, or name another file in DATABASE_URL`,
    );
  }
  db.transaction(() => {
    db.pragma(`application_id = ${APPLICATION_ID}`);
    for (const migration of migrations.slice(found)) {
      db.exec(migration.sql);
      db.pragma(`user_version = ${migration.version}`);
    }
  }).immediate();
}

/** Turns SQLite's codes (sqlite.org/rescode.html) into what an operator can act on. */
function explain(file: string, error: unknown): unknown {
  if (error instanceof StoreRefused || !(error instanceof SQLite.SqliteError)) return error;
  const code = error.code;
  const sentence = code.startsWith('SQLITE_BUSY')
    ? `the database ${file} is locked by another process, perhaps a second server on the same file; stop it, or name another file in DATABASE_URL`
    : code.startsWith('SQLITE_READONLY')
      ? `the database ${file} cannot be written; give this user the right to write the file and its folder`
      : code.startsWith('SQLITE_CANTOPEN') || code.startsWith('SQLITE_PERM')
        ? `the database ${file} cannot be opened; check that the folder exists and that this user may read and write it`
        : code.startsWith('SQLITE_NOTADB') || code.startsWith('SQLITE_CORRUPT')
          ? corrupt(file, error.message)
          : code.startsWith('SQLITE_FULL')
            ? `the disk of the database ${file} is full; make room`
            : `the database ${file} cannot be used (${code})`;
  return new StoreRefused(`${sentence}: ${error.message}`, { cause: error });
}

function corrupt(file: string, found: string): string {
  return `the database ${file} is damaged or no SQLite database (${found}); it was left as it is. Restore a backup, or move it away: the running nodes then found their list anew with their next polls`;
}

function prepare(db: SQLite.Database) {
  const table = (name: string, columns: number) => ({
    put: db.prepare(`INSERT OR REPLACE INTO ${name} VALUES (?${', ?'.repeat(columns)})`),
    remove: db.prepare(`DELETE FROM ${name} WHERE cluster_id = ? AND address = ?`),
  });
  return {
    clock: db.prepare('UPDATE address_server_clock SET hearing_ms = max(hearing_ms, ?)'),
    putCluster: db
      .prepare(
        `INSERT INTO address_server_cluster (product, name, epoch, revision, changed_at, size, quorum_lost)
       VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (product, name) DO UPDATE SET epoch = excluded.epoch, revision = excluded.revision,
         changed_at = excluded.changed_at, size = excluded.size, quorum_lost = excluded.quorum_lost
       RETURNING id`,
      )
      .pluck(),
    forgetCluster: db.prepare('DELETE FROM address_server_cluster WHERE product = ? AND name = ?'),
    members: table('address_server_member', 14),
    waiting: table('address_server_waiting', 8),
    departed: table('address_server_departed', 4),
    clusterId: db.prepare('SELECT id FROM address_server_cluster WHERE product = ? AND name = ?').pluck(),
    renew: db.prepare(
      `UPDATE address_server_member SET heard_at = ?, delivered = ?, polls = ?
       WHERE cluster_id = ? AND address = ?`,
    ),
    addEvent: db.prepare(
      `INSERT INTO address_server_event (time, product, name, type, address, revision, reason)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
    ),
    trimCluster: db.prepare(
      `DELETE FROM address_server_event WHERE product = @product AND name = @name AND seq <=
       (SELECT seq FROM address_server_event WHERE product = @product AND name = @name
        ORDER BY seq DESC LIMIT 1 OFFSET @keep)`,
    ),
    trimAll: db.prepare(
      'DELETE FROM address_server_event WHERE seq <= (SELECT max(seq) FROM address_server_event) - ?',
    ),
  };
}

interface StoredCluster {
  readonly id: number;
  readonly product: string;
  readonly name: string;
  readonly epoch: number;
  readonly revision: number;
  readonly changed_at: number;
  readonly size: number;
  readonly quorum_lost: number;
}

/** Columns of all three tables of addresses; what a table lacks is absent. */
interface StoredAddress {
  readonly cluster_id: number;
  readonly address: string;
  readonly stable_id: string | null;
  readonly expect: number | null;
  readonly source: Member['source'];
  readonly joined_at: number;
  readonly joined_revision: number;
  readonly known_since: number | null;
  readonly settled: number;
  readonly presence: Member['presence'];
  readonly presence_since: number;
  readonly since: number;
  readonly left_at: number;
  readonly quiet_until: number;
  readonly heard_at: number;
  readonly delivered?: number;
  readonly polls?: number;
}

function loadClusters(db: SQLite.Database): Cluster[] {
  const byId = new Map<number, Mutable>();
  for (const row of db.prepare('SELECT * FROM address_server_cluster ORDER BY id').all() as StoredCluster[]) {
    byId.set(row.id, {
      ...emptyCluster(row),
      epoch: row.epoch,
      revision: row.revision,
      changedAt: row.changed_at,
      size: row.size,
      quorumLost: row.quorum_lost === 1,
      members: new Map(),
      waiting: new Map(),
      departed: new Map(),
    });
  }
  const each = (table: string, order: string, add: (cluster: Mutable, row: StoredAddress) => void): void => {
    for (const row of db
      .prepare(`SELECT * FROM ${table} ORDER BY cluster_id, ${order}`)
      .all() as StoredAddress[]) {
      const cluster = byId.get(row.cluster_id);
      if (cluster) add(cluster, row);
    }
  };
  each('address_server_member', 'position', (cluster, row) =>
    cluster.members.set(row.address, toMember(row)),
  );
  each('address_server_waiting', 'position', (cluster, row) => {
    const { address, since } = row;
    const source = row.source === 'heartbeat' ? 'heartbeat' : 'poll';
    cluster.waiting.set(address, { address, since, source, ...identity(row), lease: toLease(row) });
  });
  each('address_server_departed', 'left_at', (cluster, row) =>
    cluster.departed.set(row.address, {
      leftAt: row.left_at,
      quietUntil: row.quiet_until,
      lease: toLease(row),
    }),
  );
  return [...byId.values()];
}

type Mutable = Omit<Cluster, 'members' | 'waiting' | 'departed'> & {
  members: Map<string, Member>;
  waiting: Map<string, Waiting>;
  departed: Map<string, Departed>;
};

function toMember(row: StoredAddress): Member {
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
    lease: toLease(row),
  };
}

function identity(row: StoredAddress): { id?: string; expect?: number } {
  return {
    ...(row.stable_id === null ? {} : { id: row.stable_id }),
    ...(row.expect === null ? {} : { expect: row.expect }),
  };
}

function toLease(row: StoredAddress): Member['lease'] {
  return storedLease({ heardAt: row.heard_at, delivered: row.delivered ?? 0, polls: row.polls === 1 });
}
