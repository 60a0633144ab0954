import { randomBytes } from 'node:crypto';
import { migrationsFolder } from '../../../src/package-info.js';
import type { Database } from '../../../src/store/sql/database.js';
import { connectMysql } from '../../../src/store/sql/mysql.js';
import { connectPostgres } from '../../../src/store/sql/postgres.js';
import { SqlStore } from '../../../src/store/sql/sql-store.js';
import { readMigrations } from '../../../src/store/migrate.js';
import { storeContract } from '../contract.js';

for (const dialect of ['mysql', 'postgres'] as const) {
  const connect = (database: string): Database =>
    dialect === 'mysql'
      ? connectMysql({
          type: 'mysql',
          host: '127.0.0.1',
          port: 3306,
          user: 'root',
          password: undefined,
          database,
          tls: undefined,
        })
      : connectPostgres({
          type: 'postgres',
          host: '127.0.0.1',
          port: 5432,
          user: 'postgres',
          password: undefined,
          database,
          tls: undefined,
        });
  storeContract(dialect, (t) => {
    const name = `t_${randomBytes(6).toString('hex')}`;
    const admin = connect(dialect === 'mysql' ? 'mysql' : 'postgres');
    let made: Promise<unknown> | undefined;
    t.after(async () => {
      await admin.run({
        sql: dialect === 'mysql' ? `drop database ${name}` : `drop database ${name} with (force)`,
        parameters: [],
      });
      await admin.close();
    });
    return async () => {
      made ??= admin.run({ sql: `create database ${name}`, parameters: [] });
      await made;
      return new SqlStore({
        database: connect(name),
        replica: 'a:1',
        prepare: async (db) => {
          for (const { sql } of readMigrations(migrationsFolder(dialect))) {
            for (const one of sql.split(/;\s*\n/).filter((s) => s.trim() !== '')) {
              await db.run({ sql: one, parameters: [] });
            }
          }
        },
      });
    };
  });
}
