import { Command } from 'commander';
import type { DatabaseConfig } from '../config/database-url.js';
import { EXIT } from '../exit-status.js';
import { migrationsFolder } from '../util/package-info.js';
import { SETTINGS } from '../config/settings.js';
import { DatabaseError } from '../store/sql/client/database.js';
import { addSetting, givenSetting, refusalStatus } from './settings.js';

/**
 * The command `migrate`: brings the database's schema up to date, for operators whose servers have
 * MIGRATE=off.
 */
export function migrateCommand(): Command {
  const command = new Command('migrate').description("bring the database's schema up to date");
  for (const setting of SETTINGS) if (setting.name === 'database-url') addSetting(command, setting);
  command.option('--json', 'print JSON in place of text');
  return command.action(async ({ json }: { readonly json?: true }) => {
    try {
      const { readDatabase } = await import('../config/config.js');
      const migrated = await migrateDatabase(readDatabase(givenSetting(command, 'database-url')));
      console.log(json ? JSON.stringify(migrated, undefined, 2) : describe(migrated));
    } catch (error) {
      const status = statusOf(error);
      if (status === undefined) throw error;
      console.error(`nacos-address-server: ${(error as Error).message}`);
      process.exitCode = status;
    }
  });
}

/** What `--json` prints; docs/cli.md has it. */
interface Migrated {
  /** The file, or `HOST:PORT/DATABASE`, without a password. */
  readonly database: string;
  readonly schemaVersion: number;
  /** Migrations that this run applied; undefined for SQLite, which is migrated as it is opened. */
  readonly applied?: number;
  /** Why nothing was done: the schema is of a newer version that this program may go on with. */
  readonly warning?: string;
}

function describe({ database, schemaVersion, applied = 0, warning }: Migrated): string {
  if (warning !== undefined) return warning;
  return applied === 0
    ? `${database} has schema version ${schemaVersion} and is up to date`
    : `${database} has schema version ${schemaVersion}, ${applied} ${applied === 1 ? 'migration' : 'migrations'} applied`;
}

/** Brings the schema up to date. Loads only the driver that is needed. */
async function migrateDatabase(config: DatabaseConfig): Promise<Migrated> {
  const { readMigrations } = await import('../store/migrate.js');
  const migrations = readMigrations(migrationsFolder(config.type));
  if (config.type === 'sqlite') {
    const { SqliteDatabase } = await import('../store/sqlite/database.js');
    // Opening it migrates it.
    new SqliteDatabase(config.file, migrationsFolder('sqlite')).close();
    return { database: config.file, schemaVersion: migrations.length };
  }
  const { migrate } = await import('../store/sql/migrator.js');
  const { connectDatabase } = await import('../store/sql/client/connect.js');
  const database = await connectDatabase(config);
  try {
    const { version, applied, warning } = await migrate(database, migrations);
    const done = { database: config.name, schemaVersion: version, applied };
    return warning === undefined ? done : { ...done, warning };
  } finally {
    await database.close();
  }
}

function statusOf(error: unknown): number | undefined {
  const refused = refusalStatus(error);
  if (refused !== undefined) return refused;
  if (!(error instanceof DatabaseError)) return undefined;
  return error.kind === 'unavailable' || error.kind === 'conflict' ? EXIT.unavailable : EXIT.config;
}
