import { randomBytes } from 'node:crypto';
import { migrationsFolder } from '../../src/package-info.js';
import type { Database } from '../../src/store/sql/database.js';
import { connectMysql } from '../../src/store/sql/mysql.js';
import { connectPostgres } from '../../src/store/sql/postgres.js';
import { readMigrations } from '../../src/store/migrate.js';
import type { TestContext } from 'node:test';

export type Dialect = 'mysql' | 'postgres';
export const connectTo = (dialect: Dialect, database: string, port?: number): Database =>
  dialect === 'mysql'
    ? connectMysql({
        type: 'mysql',
        host: '127.0.0.1',
        port: port ?? 3306,
        user: 'root',
        password: undefined,
        database,
        tls: undefined,
      })
    : connectPostgres({
        type: 'postgres',
        host: '127.0.0.1',
        port: port ?? 5432,
        user: 'postgres',
        password: undefined,
        database,
        tls: undefined,
      });

export async function newDatabase(t: Pick<TestContext, 'after'>, dialect: Dialect): Promise<string> {
  const name = `t_${randomBytes(6).toString('hex')}`;
  const admin = connectTo(dialect, dialect === 'mysql' ? 'mysql' : 'postgres');
  await admin.run({ sql: `create database ${name}`, parameters: [] });
  t.after(async () => {
    await admin.run({
      sql: dialect === 'mysql' ? `drop database ${name}` : `drop database ${name} with (force)`,
      parameters: [],
    });
    await admin.close();
  });
  return name;
}

let queue: Promise<void> = Promise.resolve();
export function prepare(db: Database): Promise<void> {
  return (queue = queue.then(() => prepareNow(db)));
}

async function prepareNow(db: Database): Promise<void> {
  for (const { sql } of readMigrations(migrationsFolder(db.dialect))) {
    for (const one of sql.split(/;\s*\n/).filter((s) => s.trim() !== '')) {
      await db.run({ sql: one, parameters: [] });
    }
  }
}
