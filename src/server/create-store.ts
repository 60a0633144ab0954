import { existsSync, mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import type { Logger } from 'pino';
import type { Config } from '../config/config.js';
import { migrationsFolder } from '../util/package-info.js';
import { StoreRefused, type Clock, type Store } from '../registry/interfaces.js';
import { readMigrations } from '../store/migrate.js';
import { connectDatabase } from '../store/sql/client/connect.js';
import type { ServerAddress } from '../store/sql/client/server-address.js';
import { SqliteStore } from '../store/sqlite/sqlite-store.js';

/** Creates the configured store; opens nothing yet. Rejects with StoreRefused. */
export async function createStore(config: Config, clock: Clock, log: Logger): Promise<Store> {
  const { database } = config;
  if (database.type !== 'sqlite') return createSqlStore(database, config, log);
  if (database.isDefault) makeFolder(dirname(database.file));
  return new SqliteStore({
    file: database.file,
    migrations: migrationsFolder('sqlite'),
    clock,
    most: config.rules.maxAddresses,
    onLost: (error) => {
      // A new process is up within a second and loses nothing; this one could never store anything again.
      log.fatal({ err: error }, 'the store’s thread ended; exiting, so that this process is started again');
      process.exit(1);
    },
  });
}

/** Loads its dependencies only now: a server on SQLite does without them. */
async function createSqlStore(address: ServerAddress, config: Config, log: Logger): Promise<Store> {
  const { SqlStore } = await import('../store/sql/sql-store.js');
  const { checkSchema, migrate } = await import('../store/sql/migrator.js');
  const migrations = readMigrations(migrationsFolder(address.type));
  return new SqlStore({
    database: await connectDatabase(address),
    // The same after a restart on this host, so that other replicas need not wait for the old process.
    replica: `${hostname()}:${config.port}`,
    prepare: async (database) => {
      const prepare = config.migrate ? migrate : checkSchema;
      const { version, applied, warning } = await prepare(database, migrations);
      if (warning !== undefined) log.warn(warning);
      if (applied > 0) log.info({ version, applied }, 'the schema was brought up to date');
    },
  });
}

function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  try {
    mkdirSync(folder);
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    throw new StoreRefused(
      `the database's folder ${folder} cannot be created (${message}); create it, or name another file in DATABASE_URL`,
      { cause: error, mayPass: ['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EMFILE', 'ENFILE'].includes(code) },
    );
  }
}
