import { randomBytes } from 'node:crypto';
import type { TestContext } from 'node:test';
import mysql from 'mysql2/promise';
import pg from 'pg';

export type ServerDialect = 'mysql' | 'postgres';

export interface TestServer {
  readonly dialect: ServerDialect;
  /** Of a user that may create databases; undefined when the tests are to do without. */
  readonly url: string | undefined;
  /** For node:test: why its tests are skipped, or false. */
  readonly skip: string | false;
}

const VARIABLES = { mysql: 'TEST_MYSQL_URL', postgres: 'TEST_POSTGRES_URL' } as const;

/**
 * The servers to test against, as TEST_MYSQL_URL and TEST_POSTGRES_URL name them: `mysql://root@127.0.0.1:3306`. With
 * DATABASE_TESTS=required none may be missing.
 */
export const testDatabases: readonly TestServer[] = (['mysql', 'postgres'] as const).map((dialect) => {
  const url = process.env[VARIABLES[dialect]];
  if (url !== undefined && url !== '') return { dialect, url, skip: false };
  const skip =
    process.env.DATABASE_TESTS === 'required'
      ? false
      : `${VARIABLES[dialect]} names no server to test against`;
  return { dialect, url: undefined, skip };
});

/** Runs statements of the test's own, with a driver and not with what is tested. */
export interface Admin {
  run<R = Record<string, unknown>>(sql: string): Promise<R[]>;
  close(): Promise<void>;
}

/** Connects to a server of the tests, or to a database of it. Rejects when the variable is missing. */
export async function connectAdmin(dialect: ServerDialect, database?: string): Promise<Admin> {
  const url = testDatabases.find((server) => server.dialect === dialect)?.url;
  if (url === undefined) {
    throw new Error(`DATABASE_TESTS=required, and ${VARIABLES[dialect]} names no server to test against`);
  }
  return openAdmin(dialect, database === undefined ? url : withDatabase(url, database));
}

/** The same for any server. */
export async function openAdmin(dialect: ServerDialect, url: string): Promise<Admin> {
  // A test's end drops its database first of all, with whoever is connected to it.
  if (dialect === 'mysql') {
    const connection = await mysql.createConnection({ uri: url, supportBigNumbers: true });
    connection.on('error', () => undefined);
    return {
      run: async <R>(sql: string) => {
        const [rows] = await connection.query(sql);
        return (Array.isArray(rows) ? rows : []) as R[];
      },
      // It may be closed already.
      close: () => connection.end().catch(() => undefined),
    };
  }
  // The maintenance database that every server has.
  const client = new pg.Client({
    connectionString: new URL(url).pathname.length > 1 ? url : withDatabase(url, 'postgres'),
  });
  client.on('error', () => undefined);
  await client.connect();
  // One at a time: the driver is about to refuse more.
  let last: Promise<unknown> = Promise.resolve();
  return {
    run: <R>(sql: string) => {
      const result = last.then(() => client.query(sql));
      last = result.catch(() => undefined);
      return result.then(({ rows }) => rows as R[]);
    },
    close: () => client.end(),
  };
}

/** A database of the test's own with nothing in it, dropped at the test's end. Returns its URL. */
export async function createDatabase(t: Pick<TestContext, 'after'>, dialect: ServerDialect): Promise<string> {
  const name = `address_server_test_${randomBytes(6).toString('hex')}`;
  const admin = await connectAdmin(dialect);
  try {
    await admin.run(`CREATE DATABASE ${name}`);
  } finally {
    await admin.close();
  }
  t.after(async () => {
    const last = await connectAdmin(dialect);
    try {
      // Also when connections of a test that failed are still open, perhaps in a transaction.
      if (dialect === 'mysql') {
        const sessions = await last.run<{ id: number }>(
          `SELECT id FROM information_schema.processlist WHERE db = '${name}'`,
        );
        for (const { id } of sessions) await last.run(`KILL ${id}`).catch(() => undefined);
      }
      await last.run(`DROP DATABASE IF EXISTS ${name}${dialect === 'postgres' ? ' WITH (FORCE)' : ''}`);
    } finally {
      await last.close();
    }
  });
  const { url } = testDatabases.find((server) => server.dialect === dialect) ?? {};
  return withDatabase(url ?? '', name);
}

/** The URL with another database. */
export function withDatabase(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  return changed.href;
}
