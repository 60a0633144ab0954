import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { migrationsFolder } from '../../src/util/package-info.js';
import { migrate } from '../../src/store/sql/migrator.js';
import { readMigrations } from '../../src/store/migrate.js';
import type { Cleanup } from './cleanup.js';
import { createDatabase, openAdmin, type Admin, type ServerDialect, type TestServer } from './databases.js';
import { adminUrl, startPrivateServer } from './private-server.js';
import { connectPatiently } from './sql.js';
import { TcpProxy } from './tcp-proxy.js';

/**
 * A database with the schema, a user with the rights of docs/databases.md and no more, and a proxy before it. An empty one
 * is without the schema, and the user may make it.
 */
export interface Place {
  readonly dialect: ServerDialect;
  /** May do everything, directly. */
  readonly admin: Admin;
  /** The program's user through the proxy. */
  readonly url: string;
  /** The same without the proxy. */
  readonly directUrl: string;
  readonly proxy: TcpProxy;
  /** The name of the database, and of the user as statements take it. */
  readonly database: string;
  readonly user: string;
  readonly password: string;
  migrate(): Promise<void>;
  grant(): Promise<void>;
}

export const TABLES = [
  'schema',
  'clock',
  'replica',
  'cluster',
  'member',
  'waiting',
  'departed',
  'lease',
  'event',
].map((name) => `address_server_${name}`);

/** Fails when the place's password is in a text, in whatever form. */
export function assertSecret({ password }: Place, text: string): void {
  for (const form of [password, encodeURIComponent(password), password.replace('!', '%21')]) {
    assert.ok(!text.includes(form), `the password is in ${text}`);
  }
}

/** On the server of the tests, or on one of this place's own, where passwords count and anything may be set. */
export async function makePlace(
  cleanup: Cleanup,
  server: TestServer,
  { isPrivate = false, isEmpty = false } = {},
): Promise<Place> {
  const { dialect } = server;
  const whole = isPrivate ? await ownServer(cleanup, server) : await createDatabase(cleanup, server);
  const { hostname: host, port, pathname } = new URL(whole);
  const admin = await openAdmin(dialect, whole);
  cleanup.after(() => admin.close());
  const role = `address_server_${randomBytes(4).toString('hex')}`;
  const user = dialect === 'mysql' ? `'${role}'@'%'` : role;
  // Such a one is written in another way in a URL, and both are to be kept secret.
  const password = `s3cret!${randomBytes(4).toString('hex')}`;
  const quoted = `'${password}'`;
  await admin.run(
    dialect === 'mysql'
      ? `CREATE USER ${user} IDENTIFIED BY ${quoted} WITH MAX_USER_CONNECTIONS 100`
      : `CREATE ROLE ${user} LOGIN PASSWORD ${quoted}`,
  );
  cleanup.after(async () => {
    if (dialect === 'postgres') await admin.run(`DROP OWNED BY ${user}`);
    await admin.run(`DROP ${dialect === 'mysql' ? 'USER' : 'ROLE'} ${user}`);
  });
  const proxy = await TcpProxy.open({ host, port: Number(port || (dialect === 'mysql' ? 3306 : 5432)) });
  cleanup.after(() => proxy.close());
  const direct = new URL(whole);
  direct.username = role;
  direct.password = encodeURIComponent(password).replaceAll('!', '%21');
  const proxied = new URL(direct.href);
  proxied.host = `127.0.0.1:${proxy.port}`;
  const place: Place = {
    dialect,
    admin,
    url: proxied.href,
    directUrl: direct.href,
    proxy,
    database: pathname.slice(1),
    user,
    password,
    migrate: async () => {
      const database = connectPatiently({ after: () => undefined }, whole);
      await migrate(database, readMigrations(migrationsFolder(database.dialect)));
      await database.close();
    },
    grant: async () => {
      for (const table of TABLES)
        await admin.run(`GRANT SELECT, INSERT, UPDATE, DELETE ON ${table} TO ${user}`);
    },
  };
  if (isEmpty) {
    await admin.run(
      dialect === 'mysql'
        ? `GRANT ALL ON ${place.database}.* TO ${user}`
        : `GRANT USAGE, CREATE ON SCHEMA public TO ${user}`,
    );
  } else {
    await place.migrate();
    await place.grant();
  }
  return place;
}

async function ownServer(cleanup: Cleanup, { name }: TestServer): Promise<string> {
  const server = await startPrivateServer(name);
  cleanup.after(() => server.stop());
  return adminUrl(server.dialect, server.port);
}
