import { randomBytes } from 'node:crypto';
import type { TestContext } from 'node:test';
import mysql from 'mysql2/promise';
import pg from 'pg';

export type ServerDialect = 'mysql' | 'postgres';

/** The servers to test against. */
export type ServerName = 'mariadb' | 'mysql-8' | 'mysql-5.7' | 'postgres';

export interface TestServer {
  readonly name: ServerName;
  readonly dialect: ServerDialect;
  /** Of a user that may create databases and users; undefined when the tests are to do without. */
  readonly url: string | undefined;
  /** For node:test: why its tests are skipped, or false. */
  readonly skip: string | false;
}

/** The variables that name the servers, each as `mysql://root@127.0.0.1:3306/`. */
export const SERVER_VARIABLES: Readonly<Record<ServerName, string>> = {
  mariadb: 'TEST_MARIADB_URL',
  'mysql-8': 'TEST_MYSQL_8_URL',
  'mysql-5.7': 'TEST_MYSQL_57_URL',
  postgres: 'TEST_POSTGRES_URL',
};

export const SERVER_NAMES = Object.keys(SERVER_VARIABLES) as readonly ServerName[];

/** What a test of a server that is not there says, and how to have it. */
function lacking(name: ServerName): string {
  return `${SERVER_VARIABLES[name]} names no server to test against; \`npm run databases -- COMMAND\` runs a command with all`;
}

/** All of them. With DATABASE_TESTS=required none may be missing. */
export const testDatabases: readonly TestServer[] = SERVER_NAMES.map((name) => {
  const dialect = name === 'postgres' ? 'postgres' : 'mysql';
  const url = process.env[SERVER_VARIABLES[name]];
  if (url !== undefined && url !== '') return { name, dialect, url, skip: false };
  const skip = process.env.DATABASE_TESTS === 'required' ? false : lacking(name);
  return { name, dialect, url: undefined, skip };
});

/** The same without MySQL 5.7, which gets the same statements as the other two of its kin: for tests that take long. */
export const newerDatabases = testDatabases.filter(({ name }) => name !== 'mysql-5.7');

/** The server of this name. */
export function testDatabase(name: ServerName): TestServer {
  const server = testDatabases.find((one) => one.name === name);
  if (!server) throw new Error(`${name} is no server`);
  return server;
}

/** Runs statements of the test's own, with a driver and not with what is tested. */
export interface Admin {
  run<R = Record<string, unknown>>(sql: string): Promise<R[]>;
  close(): Promise<void>;
}

/** Connects to a server of the tests, or to a database of it. Rejects when the variable is missing. */
export async function connectAdmin({ name, dialect, url }: TestServer, database?: string): Promise<Admin> {
  if (url === undefined) throw new Error(lacking(name));
  return openAdmin(dialect, database === undefined ? withDatabase(url, '') : withDatabase(url, database));
}

/** The same for any server. */
export async function openAdmin(dialect: ServerDialect, url: string): Promise<Admin> {
  // A test's end drops its database first of all, with whoever is connected to it.
  if (dialect === 'mysql') {
    const connection = await mysql.createConnection({
      uri: url,
      supportBigNumbers: true,
      connectTimeout: 120_000,
    });
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
export async function createDatabase(t: Pick<TestContext, 'after'>, server: TestServer): Promise<string> {
  const { dialect } = server;
  const name = `address_server_test_${randomBytes(6).toString('hex')}`;
  const admin = await connectAdmin(server);
  try {
    await admin.run(`CREATE DATABASE ${name}`);
  } finally {
    await admin.close();
  }
  t.after(async () => {
    const last = await connectAdmin(server);
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
  return withDatabase(server.url ?? '', name);
}

/** The URL with another database. */
export function withDatabase(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  return changed.href;
}
