import type { TestContext } from 'node:test';
import { connectMysql } from '../../src/store/sql/mysql.js';
import { connectPostgres } from '../../src/store/sql/postgres.js';
import type { Database } from '../../src/store/sql/database.js';
import { parseServerUrl } from '../../src/store/sql/url.js';

/** What is tested, at a URL as users write it; closed at the test's end. */
export function connectTo(t: Pick<TestContext, 'after'>, url: string): Database {
  const address = parseServerUrl(url);
  const database = address.type === 'mysql' ? connectMysql(address) : connectPostgres(address);
  t.after(() => database.close());
  return database;
}
