import { StoreRefused } from '../../registry/interfaces.js';
import type { Migration } from '../migrate.js';
import { nowMs, sqlFor } from './client/builder.js';
import type { Database, Session } from './client/database.js';
import { statement } from './client/driver.js';

/** The result of {@link migrate} or {@link checkSchema}. */
export interface Schema {
  /** Schema version of the database, which may be newer than the program's. */
  readonly version: number;
  /** Migrations applied by this call. */
  readonly applied: number;
  /** A sentence for the log. */
  readonly warning?: string;
}

interface Applied {
  readonly version: number;
  readonly compatible_with: number;
}

/**
 * Brings the schema up to date, under a lock if there is anything to do. Rejects with {@link StoreRefused} if
 * the database has a newer version that this program may not use, and with DatabaseError if it cannot be used
 * now or the user lacks a right.
 */
export async function migrate(database: Database, migrations: readonly Migration[]): Promise<Schema> {
  const found = await appliedTo(database, database);
  if (found.length >= migrations.length) return checked(database, migrations, found);
  return database.exclusively(async (session) => {
    await createSchemaTable(session);
    // Another process may have migrated while this one waited for the lock.
    const before = await appliedTo(database, session);
    const missing = migrations.slice(before.length);
    for (const migration of missing) await apply(database, session, migration);
    const schema = checked(database, migrations, await appliedTo(database, session));
    return { ...schema, applied: missing.length };
  });
}

/**
 * Checks the schema without changing it. Rejects with {@link StoreRefused} if it is older than this program
 * needs, or of a newer version that this program may not use.
 */
export async function checkSchema(database: Database, migrations: readonly Migration[]): Promise<Schema> {
  const found = await appliedTo(database, database);
  if (found.length >= migrations.length) return checked(database, migrations, found);
  const state =
    found.length === 0
      ? 'has no tables of this program yet'
      : `has schema version ${found.length}, but this program needs ${migrations.length}`;
  throw new StoreRefused(
    `${database.name} ${state}; run \`nacos-address-server migrate\` with the same DATABASE_URL, or start with MIGRATE=on`,
  );
}

/**
 * The applied migrations. Versions are 1, 2 and so on without a gap, so their count is the newest version.
 */
async function appliedTo(database: Database, session: Session): Promise<readonly Applied[]> {
  const [exists] = await session.run(
    statement(
      database.dialect === 'mysql'
        ? `SELECT 1 FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 'address_server_schema'`
        : // As an unqualified name is looked up, wherever the search path finds it.
          `SELECT 1 WHERE to_regclass('address_server_schema') IS NOT NULL`,
    ),
  );
  if (exists === undefined) return [];
  const query = sqlFor(database.dialect)
    .selectFrom('address_server_schema')
    .select(['version', 'compatible_with'])
    .orderBy('version');
  return session.run<Applied>(query.compile());
}

function checked(database: Database, migrations: readonly Migration[], found: readonly Applied[]): Schema {
  const newest = found.at(-1);
  const version = newest?.version ?? 0;
  const known = migrations.length;
  if (newest === undefined || version <= known) return { version, applied: 0 };
  const facts = `${database.name} has schema version ${version}, but this program knows only ${known}: it was migrated by a newer version`;
  if (newest.compatible_with > known) {
    throw new StoreRefused(`${facts}. Start that version, or name another database in DATABASE_URL`);
  }
  return { version, applied: 0, warning: `${facts}, which allows this one to go on` };
}

function createSchemaTable(session: Session): Promise<unknown> {
  return session.run(
    statement(
      `CREATE TABLE IF NOT EXISTS address_server_schema (version INT NOT NULL PRIMARY KEY, compatible_with INT NOT NULL, applied_ms BIGINT NOT NULL)`,
    ),
  );
}

/**
 * Applies one migration, in PostgreSQL as one transaction. MySQL commits each schema change by itself: there
 * the version is written last, and an interrupted migration runs again. Galera nodes do not share locks, so
 * two may migrate at once; a version that exists already is no error.
 */
async function apply(database: Database, session: Session, migration: Migration): Promise<void> {
  const { dialect } = database;
  if (dialect === 'postgres') await session.run(statement('BEGIN'));
  for (const text of migration.statements) {
    await session.run(statement(text)).catch((error: unknown) => {
      if (!isColumnDone(text, error)) throw error;
    });
  }
  const row = {
    version: migration.version,
    compatible_with: migration.compatibleWith,
    applied_ms: nowMs(dialect),
  };
  const insert = sqlFor(dialect).insertInto('address_server_schema').values(row);
  await session.run(dialect === 'mysql' ? insert.ignore().compile() : insert.compile());
  if (dialect === 'postgres') await session.run(statement('COMMIT'));
}

/**
 * Whether the statement adds a column that exists or drops one that is gone. MySQL has no "if (not) exists"
 * for columns, and does not show them to a user who may only alter the table.
 */
function isColumnDone(text: string, error: unknown): boolean {
  const { cause } = error as { cause?: { code?: unknown } };
  if (/^ALTER TABLE \w+ ADD COLUMN \w+ [^,]*$/.test(text)) return cause?.code === 'ER_DUP_FIELDNAME';
  return /^ALTER TABLE \w+ DROP COLUMN \w+$/.test(text) && cause?.code === 'ER_CANT_DROP_FIELD_OR_KEY';
}
