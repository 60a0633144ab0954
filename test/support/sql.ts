import type { TestContext } from 'node:test';
import { connectMysql } from '../../src/store/sql/client/mysql.js';
import { connectPostgres } from '../../src/store/sql/client/postgres.js';
import { DatabaseError, type Database, type Statement } from '../../src/store/sql/client/database.js';
import { parseServerUrl } from '../../src/store/sql/client/url.js';
import type { ServerDialect } from './databases.js';
import { eventually, NEVER } from './eventually.js';

/** What is tested, at a URL as users write it; closed at the test's end. */
export function connectTo(t: Pick<TestContext, 'after'>, url: string): Database {
  const address = parseServerUrl(url);
  const database = address.type === 'mysql' ? connectMysql(address) : connectPostgres(address);
  t.after(() => database.close());
  return database;
}

/**
 * The same for tests that are of something else than the limits of time, which a busy machine exceeds: what was not done in
 * time is done again.
 */
export function connectPatiently(t: Pick<TestContext, 'after'>, url: string): Database {
  const database = connectTo(t, url);
  let isClosed = false;
  const close = (): Promise<void> => {
    isClosed = true;
    return database.close();
  };
  t.after(close);
  const patiently = async <T>(work: () => Promise<T>): Promise<T> => {
    const { result } = await eventually(`${database.name} does what it is asked`, async () => {
      try {
        return { result: await work() };
      } catch (error) {
        const mayPass = error instanceof DatabaseError && ['unavailable', 'conflict'].includes(error.kind);
        if (!mayPass || isClosed) throw error;
        return undefined;
      }
    });
    return result;
  };
  return {
    dialect: database.dialect,
    name: database.name,
    get statements() {
      return database.statements;
    },
    run: (statement) => patiently(() => database.run(statement)),
    together: (work) => patiently(() => database.together(work)),
    transaction: (_, work) => patiently(() => database.transaction(NEVER, work)),
    exclusively: (work) => patiently(() => database.exclusively(work)),
    close,
  };
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
