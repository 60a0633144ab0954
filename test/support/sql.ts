import type { TestContext } from 'node:test';
import { connectMysql } from '../../src/store/sql/mysql.js';
import { connectPostgres } from '../../src/store/sql/postgres.js';
import type { Database, Statement } from '../../src/store/sql/database.js';
import type { ServerDialect } from './databases.js';
import { parseServerUrl } from '../../src/store/sql/url.js';

/** What is tested, at a URL as users write it; closed at the test's end. */
export function connectTo(t: Pick<TestContext, 'after'>, url: string): Database {
  const address = parseServerUrl(url);
  const database = address.type === 'mysql' ? connectMysql(address) : connectPostgres(address);
  t.after(() => database.close());
  return database;
}

/** How the text of {@link slow} begins. */
export const SLOW_START = 'SELECT count(*) AS slow';

/** A statement that takes for ever, and, unlike MySQL's SLEEP, ends with an error when it is interrupted. */
export function slow(dialect: ServerDialect): Statement {
  const from = (table: string): string =>
    ['a', 'b', 'c', 'd', 'e', 'f'].map((alias) => `${table} ${alias}`).join(', ');
  const table = dialect === 'mysql' ? 'information_schema.collations' : 'generate_series(1, 1000)';
  return { sql: `${SLOW_START} FROM ${from(table)}`, parameters: [] };
}
