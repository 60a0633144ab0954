import { Command } from 'commander';
import type { DatabaseConfig } from '../config/database-url.js';
import { EXIT } from '../exit-status.js';
import { migrationsFolder } from '../util/package-info.js';
import { SETTINGS } from '../config/settings.js';
import { DatabaseError } from '../store/sql/client/database.js';
import { addSetting, givenSetting, refusalStatus } from './settings.js';

/** `migrate`: brings the database's schema up to date, for those who start servers with MIGRATE=off. */
export function migrateCommand(): Command {
  const command = new Command('migrate').description("bring the database's schema up to date");
  for (const setting of SETTINGS) if (setting.name === 'database-url') addSetting(command, setting);
  return command.action(async () => {
    try {
      const { readDatabase } = await import('../config/config.js');
      console.log(await migrateDatabase(readDatabase(givenSetting(command, 'database-url'))));
    } catch (error) {
      const status = statusOf(error);
      if (status === undefined) throw error;
      console.error(`nacos-address-server: ${(error as Error).message}`);
      process.exitCode = status;
    }
  });
}

/** Returns a sentence about what was done. The drivers are only loaded as needed. */
async function migrateDatabase(config: DatabaseConfig): Promise<string> {
  const { readMigrations } = await import('../store/migrate.js');
  const migrations = readMigrations(migrationsFolder(config.type));
  if (config.type === 'sqlite') {
    const { SqliteDatabase } = await import('../store/sqlite/database.js');
    // It migrates as it opens.
    new SqliteDatabase(config.file, migrationsFolder('sqlite')).close();
    return `${config.file} has schema version ${migrations.length} and is up to date`;
  }
  const { migrate } = await import('../store/sql/migrator.js');
  const { connectDatabase } = await import('../store/sql/client/connect.js');
  const database = await connectDatabase(config);
  try {
    const { version, applied, warning } = await migrate(database, migrations);
    if (warning !== undefined) return warning;
    return applied === 0
      ? `${config.name} has schema version ${version} and is up to date`
      : `${config.name} has schema version ${version}, ${applied} ${applied === 1 ? 'migration' : 'migrations'} applied`;
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
