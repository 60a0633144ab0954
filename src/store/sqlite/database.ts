import SQLite from 'better-sqlite3';
import { closeSync, existsSync, openSync, statSync, unlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ClusterKey } from '../../registry/cluster.js';
import { eventTypeOf, type RecordedEvent } from '../../registry/events.js';
import { StoreRefused, type EventQuery } from '../../registry/interfaces.js';
import { DELETED_KEPT } from '../../registry/rules.js';
import { readMigrations } from '../migrate.js';
import {
  byCluster,
  LEASE_COLUMNS,
  type ClusterRow,
  type DepartedRow,
  type LeaseRow,
  type MemberRow,
  type Rows,
  type WaitingRow,
} from '../rows.js';
import type { Change, LeaseBatch, Stored } from './messages.js';

/** Events kept of one cluster, and of all clusters. */
const EVENTS_PER_CLUSTER = 1_000;
const EVENTS_IN_ALL = 100_000;

/** SQL condition for the row of a deleted cluster, also while it waits for its next bootstrap. */
const DELETED = 'epoch = 0 AND revision > 0';

/** How long opening the file waits for a stopping server to release it. */
const LOCK_TIMEOUT_MS = 3_000;

/** Marks the file as this program's ("NAsr"), so another program's database is never migrated. */
const APPLICATION_ID = 0x4e417372;

/**
 * The registry's SQLite file. Its calls are synchronous, so it runs in its own thread (worker.ts) and a slow
 * disk delays no poll. WAL with full synchronisation: a commit that returned survives a power cut. The file
 * is locked for this process, since two servers would not see each other's decisions.
 */
export class SqliteDatabase {
  readonly #db: SQLite.Database;
  readonly #statements: ReturnType<typeof prepare>;
  readonly #deletedKept: number;

  /**
   * Opens and migrates the file, and never overwrites it. `deletedKept`: how many deleted clusters keep their
   * latest revision. Throws {@link StoreRefused} with what was found and what to do.
   */
  constructor(file: string, migrationsFolder: string, deletedKept = DELETED_KEPT) {
    this.#deletedKept = deletedKept;
    this.#db = openFile(file);
    try {
      migrate(this.#db, file, migrationsFolder);
      this.#statements = prepare(this.#db);
    } catch (error) {
      this.#db.close();
      throw explain(file, error);
    }
  }

  /**
   * Loads the clusters. If they have more than `most` addresses, it loads those heard last, which are alive,
   * and returns the names of the others as `left`.
   */
  load(most: number): Stored {
    const hearing = this.#db.prepare('SELECT hearing_ms FROM address_server_clock').pluck().get() as number;
    const tables = ['member', 'waiting', 'departed'];
    const count = (where: string): string =>
      tables.map((table) => `(SELECT count(*) FROM address_server_${table}${where})`).join(' + ');
    const all = this.#db
      .prepare(`SELECT ${count('')}`)
      .pluck()
      .get() as number;
    if (all <= most) return { clusters: loadClusters(this.#db), hearing, left: [] };
    const clusters = this.#db
      .prepare(
        `SELECT id, product, name, ${count(' WHERE cluster_id = c.id')} AS held,
           (SELECT max(heard_at) FROM address_server_lease WHERE cluster_id = c.id) AS heard
         FROM address_server_cluster c ORDER BY heard DESC, id`,
      )
      .all() as { id: number; product: string; name: string; held: number }[];
    const left: ClusterKey[] = [];
    const ids: number[] = [];
    let room = most;
    for (const { id, product, name, held } of clusters) {
      if (held > room) left.push({ product, name });
      else ids.push(id);
      if (held <= room) room -= held;
    }
    return { clusters: loadClusters(this.#db, ids), hearing, left };
  }

  loadOne({ product, name }: ClusterKey): Stored['clusters'][number] | undefined {
    const id = this.#statements.clusterId.get(product, name) as number | undefined;
    return id === undefined ? undefined : loadClusters(this.#db, [id])[0];
  }

  /** Applies a change in one transaction, and returns its events with their numbers. */
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
      const id = s.putCluster.get(change.cluster);
      for (const table of ['members', 'waiting', 'tombstones', 'leases'] as const) {
        const rows: Rows<object> = change[table];
        for (const address of rows.remove) s[table].remove.run(id, address);
        for (const row of rows.put) s[table].put.run({ cluster_id: id, ...row });
      }
      if (change.cluster.epoch === 0 && change.cluster.revision > 0) s.trimDeleted.run(this.#deletedKept);
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
          for (let i = 0; i < leases.length; i += LEASE_COLUMNS.length) {
            renew.run(...leases.slice(i + 1, i + LEASE_COLUMNS.length), id, leases[i]);
          }
        }
      })
      .immediate();
  }

  events({ cluster, before, after, limit }: EventQuery): RecordedEvent[] {
    const rows = this.#db
      .prepare(
        `SELECT seq, time_ms AS time, product, name, type, address, revision, reason FROM address_server_event
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
    return rows.map(({ type, address, ...event }) => {
      return { ...event, type: eventTypeOf(type), ...(address === null ? {} : { address }) };
    });
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
    db = new SQLite(file, { timeout: LOCK_TIMEOUT_MS });
    db.pragma('locking_mode = EXCLUSIVE');
    // Takes the lock and proves that the file is a writable database.
    db.exec('BEGIN IMMEDIATE');
    const owner = db.pragma('application_id', { simple: true }) as number;
    const tables = db.prepare('SELECT count(*) FROM sqlite_master').pluck().get() as number;
    db.exec('COMMIT');
    if (owner !== APPLICATION_ID && tables > 0) {
      throw new StoreRefused(
        `the database ${file} belongs to another program (it has ${tables} tables or indexes but not our mark); name another file in DATABASE_URL`,
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
      `the database ${file} has schema version ${found}, but this program knows only ${migrations.length}: it was written by a newer version. Start that version, or name another file in DATABASE_URL`,
    );
  }
  // Without pending migrations nothing is written, so a stored list can be served from a full disk.
  if (found === migrations.length && db.pragma('application_id', { simple: true }) === APPLICATION_ID) return;
  db.transaction(() => {
    db.pragma(`application_id = ${APPLICATION_ID}`);
    for (const migration of migrations.slice(found)) {
      db.exec(migration.sql);
      db.pragma(`user_version = ${migration.version}`);
    }
  }).immediate();
}

/** Translates SQLite's codes (sqlite.org/rescode.html) into an error that an operator can act on. */
function explain(file: string, error: unknown): unknown {
  if (error instanceof StoreRefused || !(error instanceof SQLite.SqliteError)) return error;
  const { sentence, mayPass } = meaningOf(file, error);
  return new StoreRefused(`${sentence}: ${error.message}`, { cause: error, mayPass });
}

function meaningOf(
  file: string,
  { code, message }: { readonly code: string; readonly message: string },
): { sentence: string; mayPass: boolean } {
  const is = (...names: readonly string[]): boolean =>
    names.some((name) => code.startsWith(`SQLITE_${name}`));
  const passing = (sentence: string) => ({ sentence, mayPass: true });
  const persistent = (sentence: string) => ({ sentence, mayPass: false });
  if (is('BUSY', 'LOCKED')) {
    return passing(
      `the database ${file} is locked by another process, perhaps a second server on the same file; stop it, or name another file in DATABASE_URL`,
    );
  }
  if (is('NOTADB', 'CORRUPT')) return persistent(corrupt(file, message));
  if (is('FULL')) return passing(`the disk of the database ${file} is full; make room`);
  if (is('NOMEM')) return passing(`there is no memory for the database ${file}`);
  if (is('READONLY', 'CANTOPEN', 'PERM', 'IOERR')) {
    // SQLite does not say why; the system does.
    switch (whyNot(file)) {
      case 'EROFS':
        return passing(
          `the file system of the database ${file} is read-only; look at the system's log and mount it writable`,
        );
      case 'ENOSPC':
      case 'EDQUOT':
        return passing(`the disk of the database ${file} is full; make room`);
      case 'EMFILE':
      case 'ENFILE':
      case 'EIO':
        return passing(`the database ${file} cannot be opened now`);
    }
    if (is('IOERR')) {
      return passing(
        `the database ${file} cannot be read or written now (${code}); look at its disk and at the system's log`,
      );
    }
    return is('READONLY')
      ? persistent(
          `the database ${file} cannot be written; give this user the right to write the file and its folder`,
        )
      : persistent(
          `the database ${file} cannot be opened; check that the folder exists and that this user may read and write it`,
        );
  }
  return persistent(`the database ${file} cannot be used (${code})`);
}

/** The system's error code if the file, or a new one in its folder, cannot be written; else undefined. */
function whyNot(file: string): string | undefined {
  try {
    if (existsSync(file)) {
      closeSync(openSync(file, 'r+'));
    } else {
      const probe = `${file}.probe-${process.pid}`;
      closeSync(openSync(probe, 'wx'));
      unlinkSync(probe);
    }
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
}

function corrupt(file: string, found: string): string {
  return `the database ${file} is damaged or not an SQLite database (${found}); it was left as it is. Restore a backup, or move it away: the running nodes then bootstrap their list again with their next polls`;
}

const MEMBER_COLUMNS = [
  'address',
  'position',
  'stable_id',
  'expect',
  'source',
  'joined_at',
  'joined_revision',
  'known_since',
  'settled',
  'presence',
  'presence_since',
] as const satisfies readonly (keyof MemberRow)[];
const WAITING_COLUMNS = [
  'address',
  'position',
  'stable_id',
  'expect',
  'source',
  'since',
] as const satisfies readonly (keyof WaitingRow)[];
const DEPARTED_COLUMNS = [
  'address',
  'left_at',
  'quiet_until',
] as const satisfies readonly (keyof DepartedRow)[];

function prepare(db: SQLite.Database) {
  const table = (name: string, columns: readonly string[]) => ({
    put: db.prepare(
      `INSERT OR REPLACE INTO ${name} (cluster_id, ${columns.join(', ')})
       VALUES (@cluster_id, ${columns.map((column) => `@${column}`).join(', ')})`,
    ),
    remove: db.prepare(`DELETE FROM ${name} WHERE cluster_id = ? AND address = ?`),
  });
  return {
    clock: db.prepare('UPDATE address_server_clock SET hearing_ms = max(hearing_ms, ?)'),
    putCluster: db
      .prepare(
        `INSERT INTO address_server_cluster
         (product, name, epoch, revision, changed_at, size, quorum_lost, awaits_repair, repair_by, repair_until)
       VALUES (@product, @name, @epoch, @revision, @changed_at, @size, @quorum_lost, @awaits_repair, @repair_by,
         @repair_until)
       ON CONFLICT (product, name) DO UPDATE SET epoch = excluded.epoch, revision = excluded.revision,
         changed_at = excluded.changed_at, size = excluded.size, quorum_lost = excluded.quorum_lost,
         awaits_repair = excluded.awaits_repair, repair_by = excluded.repair_by, repair_until = excluded.repair_until
       RETURNING id`,
      )
      .pluck(),
    forgetCluster: db.prepare('DELETE FROM address_server_cluster WHERE product = ? AND name = ?'),
    trimDeleted: db.prepare(
      `DELETE FROM address_server_cluster WHERE ${DELETED} AND changed_at <
         (SELECT min(changed_at) FROM (SELECT changed_at FROM address_server_cluster WHERE ${DELETED}
           ORDER BY changed_at DESC LIMIT ?))
         AND NOT EXISTS (SELECT 1 FROM address_server_lease WHERE cluster_id = address_server_cluster.id)`,
    ),
    members: table('address_server_member', MEMBER_COLUMNS),
    waiting: table('address_server_waiting', WAITING_COLUMNS),
    tombstones: table('address_server_departed', DEPARTED_COLUMNS),
    leases: table('address_server_lease', LEASE_COLUMNS),
    clusterId: db.prepare('SELECT id FROM address_server_cluster WHERE product = ? AND name = ?').pluck(),
    renew: db.prepare(
      `UPDATE address_server_lease SET ${LEASE_COLUMNS.slice(1)
        .map((column) => `${column} = ?`)
        .join(', ')}
       WHERE cluster_id = ? AND address = ?`,
    ),
    addEvent: db.prepare(
      `INSERT INTO address_server_event (time_ms, product, name, type, address, revision, reason)
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

interface OfCluster {
  readonly cluster_id: number;
}

/** Loads the clusters with these ids, or all. */
function loadClusters(db: SQLite.Database, ids?: readonly number[]): Stored['clusters'] {
  const some = ids === undefined ? [] : [JSON.stringify(ids)];
  const only = (column: string): string =>
    ids === undefined ? '' : `WHERE ${column} IN (SELECT value FROM json_each(?))`;
  const rowsOf = <R>(table: string, order: string): Map<number, R[]> => {
    const rows = db
      .prepare(`SELECT * FROM ${table} ${only('cluster_id')} ORDER BY cluster_id, ${order}`)
      .all(...some);
    return byCluster(rows as (R & OfCluster)[]);
  };
  const members = rowsOf<MemberRow>('address_server_member', 'position');
  const waiting = rowsOf<WaitingRow>('address_server_waiting', 'position');
  const tombstones = rowsOf<DepartedRow>('address_server_departed', 'left_at');
  const leases = rowsOf<LeaseRow>('address_server_lease', 'address');
  const clusters = db.prepare(`SELECT * FROM address_server_cluster ${only('id')} ORDER BY id`).all(...some);
  return (clusters as (ClusterRow & { readonly id: number })[]).map((cluster) => ({
    cluster,
    members: members.get(cluster.id) ?? [],
    waiting: waiting.get(cluster.id) ?? [],
    tombstones: tombstones.get(cluster.id) ?? [],
    leases: leases.get(cluster.id) ?? [],
  }));
}
