import { StoreRefused } from '../../registry/interfaces.js';
import type { Migration } from '../migrate.js';
import { nowMs, sqlFor } from './client/builder.js';
import type { Database, Session } from './client/database.js';
import { statement } from './client/driver.js';

/** What is to be known of a schema after {@link migrate} or {@link checkSchema}. */
export interface Schema {
  /** The database's, which may be newer than the program's. */
  readonly version: number;
  /** How many migrations were applied now. */
  readonly applied: number;
  /** A sentence for the log. */
  readonly warning?: string;
}

interface Applied {
  readonly version: number;
  readonly compatible_with: number;
}

/**
 * Brings the schema up to date, while nobody else does; takes no lock when there is nothing to do. Rejects with
 * {@link StoreRefused} when the database is of a newer version that this program may not use, with DatabaseError when
 * it cannot be used now or the user lacks a right.
 */
export async function migrate(database: Database, migrations: readonly Migration[]): Promise<Schema> {
  const found = await appliedTo(database, database);
  if (found.length >= migrations.length) return checked(database, migrations, found);
  return database.exclusively(async (session) => {
    await createSchemaTable(session);
    // Another one may have been here while this one waited.
    const before = await appliedTo(database, session);
    const missing = migrations.slice(before.length);
    for (const migration of missing) await apply(database, session, migration);
    const schema = checked(database, migrations, await appliedTo(database, session));
    return { ...schema, applied: missing.length };
  });
}

/**
 * Changes nothing. Rejects with {@link StoreRefused} when the schema is older than this program needs, or of a newer
 * version that it may not use.
 */
export async function checkSchema(database: Database, migrations: readonly Migration[]): Promise<Schema> {
  const found = await appliedTo(database, database);
  if (found.length >= migrations.length) return checked(database, migrations, found);
  const state =
    found.length === 0
      ? 'has no tables of this program yet'
      : `has schema version ${found.length}, and this program needs ${migrations.length}`;
  throw new StoreRefused(
    `${database.name} ${state}; run \`nacos-address-server migrate\` with the same DATABASE_URL, or start with MIGRATE=on`,
  );
}

/** The versions are 1, 2 and so on without a gap, so that there are as many as the newest says. */
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
  const facts = `${database.name} has schema version ${version}, this program knows ${known}: it was migrated by a newer version`;
  if (newest.compatible_with > known) {
    throw new StoreRefused(`${facts}. Start that version, or name another database in DATABASE_URL`);
  }
  return { version, applied: 0, warning: `${facts}, which says that this one may go on` };
}

function createSchemaTable(session: Session): Promise<unknown> {
  return session.run(
    statement(
      `CREATE TABLE IF NOT EXISTS address_server_schema (version INT NOT NULL PRIMARY KEY, compatible_with INT NOT NULL, applied_ms BIGINT NOT NULL)`,
    ),
  );
}

/**
 * All of it or nothing in PostgreSQL. MySQL commits each change of a schema by itself: there the version is written
 * last, and a migration that was interrupted is run again. In a Galera cluster, whose nodes do not know each other's
 * locks, two may do so at once, which is why a version that is there already is no error.
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
 * Whether a statement was to add a column that is there already, or to drop one that is gone: MySQL cannot say "if (not)
 * exists" of one, and does not show the columns of a table to a user who may only change it.
 */
function isColumnDone(text: string, error: unknown): boolean {
  const { cause } = error as { cause?: { code?: unknown } };
  if (/^ALTER TABLE \w+ ADD COLUMN \w+ [^,]*$/.test(text)) return cause?.code === 'ER_DUP_FIELDNAME';
  return /^ALTER TABLE \w+ DROP COLUMN \w+$/.test(text) && cause?.code === 'ER_CANT_DROP_FIELD_OR_KEY';
}
