import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import { inspect } from 'node:util';
import { sql } from 'kysely';
import { nowMs, sqlFor } from '../../../src/store/sql/client/builder.js';
import {
  DatabaseError,
  type DatabaseErrorKind,
  type Statement,
} from '../../../src/store/sql/client/database.js';
import { migrationsFolder } from '../../../src/util/package-info.js';
import { readMigrations } from '../../../src/store/migrate.js';
import { migrate } from '../../../src/store/sql/migrator.js';
import { bootstrapping, key, Listener } from '../contract.js';
import { openAdmin, testDatabases } from '../../support/databases.js';
import {
  privateServerMissing,
  startPrivateServer,
  type PrivateServer,
} from '../../support/private-server.js';
import { createSqlStore } from '../../support/replicas.js';
import { PASSWORD } from '../../support/server-kinds.js';
import { eventually } from '../../support/eventually.js';
import { connectTo, slow } from '../../support/sql.js';

/** What cannot be had from a server that others use: TLS, passwords, a server that is read-only or set up strangely. */

const text = (sqlText: string): Statement => ({ sql: sqlText, parameters: [] });
const ONE = text('SELECT 1 AS one');

for (const { name, dialect } of testDatabases) {
  const isMysql = dialect === 'mysql';
  const missing = privateServerMissing(name);
  const noTls = name === 'mysql-5.7' && 'this MySQL 5.7 has no TLS that Node.js takes';
  // Where the tests are required, it fails to start and says what is missing.
  const skip = process.env.DATABASE_TESTS === 'required' ? false : missing;
  describe(`a ${name} server of the test's own`, { skip }, () => {
    let server: PrivateServer;
    before(async () => {
      server = await startPrivateServer(name, { isOdd: true });
    });
    after(() => server.stop());

    const url = (query = '', { host = '127.0.0.1', password = server.password, user = server.user } = {}) =>
      `${dialect}://${user}:${encodeURIComponent(password)}@${host}:${server.port}/${server.database}${query}`;

    const fails = async (
      t: TestContext,
      given: string,
      kind: DatabaseErrorKind,
      sentence: RegExp,
      run = ONE,
    ) => {
      const error = await connectTo(t, given)
        .run(run)
        .then(
          () => assert.fail(`it did not fail: ${given}`),
          (thrown: unknown) => thrown,
        );
      assert.ok(error instanceof DatabaseError, inspect(error));
      assert.match(error.message, sentence);
      assert.equal(error.kind, kind, error.message);
      const shown = inspect(error, { depth: null, showHidden: true });
      assert.ok(
        !shown.includes(server.password) && !shown.includes(encodeURIComponent(server.password)),
        shown,
      );
    };
    const isEncrypted = async (t: TestContext, given: string): Promise<boolean> => {
      const database = connectTo(t, given);
      const query = isMysql
        ? `SHOW SESSION STATUS LIKE 'Ssl_cipher'`
        : 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()';
      const [row] = await database.run<Record<string, unknown>>(text(query));
      await database.close();
      return isMysql ? row?.Value !== '' : row?.ssl === true;
    };

    it('refuses a wrong password, an empty one and an unknown user', async (t) => {
      assert.deepEqual(await connectTo(t, url()).run(ONE), [{ one: 1 }]);
      const sentence = /does not accept the user and password of DATABASE_URL/;
      await fails(t, url('', { password: `${server.password}x` }), 'misconfigured', sentence);
      await fails(t, url('', { password: '' }), 'misconfigured', sentence);
      await fails(t, url('', { user: 'nobody' }), 'misconfigured', sentence);
    });

    it('is spoken to in the clear, encrypted, or checked, as sslmode says', { skip: noTls }, async (t) => {
      const ca = `&sslrootcert=${server.ca}`;
      assert.equal(await isEncrypted(t, url()), false);
      assert.equal(await isEncrypted(t, url('?sslmode=disable')), false);
      assert.equal(await isEncrypted(t, url('?sslmode=require')), true);
      assert.equal(await isEncrypted(t, url(`?sslmode=verify-ca${ca}`)), true);
      assert.equal(await isEncrypted(t, url(`?sslmode=verify-full${ca}`, { host: 'localhost' })), true);
      assert.equal(await isEncrypted(t, url(`?sslmode=verify-full${ca}`, { host: '127.0.0.2' })), true);
    });

    it('is not trusted with another CA or name', { skip: noTls }, async (t) => {
      const sentence = /cannot be trusted .* check sslmode/;
      const full = `?sslmode=verify-full&sslrootcert=${server.ca}`;
      await fails(t, url('?sslmode=verify-ca'), 'misconfigured', sentence);
      await fails(t, url(`?sslmode=verify-ca&sslrootcert=${server.otherCa}`), 'misconfigured', sentence);
      await fails(
        t,
        url(`?sslmode=verify-full&sslrootcert=${server.otherCa}`, { host: 'localhost' }),
        'misconfigured',
        sentence,
      );
      // The certificate is for localhost, which is the same machine, but not what was asked for.
      await fails(t, url(full), 'misconfigured', sentence);
      await fails(t, url(full, { host: '127.1' }), 'misconfigured', sentence);
    });

    it('closes encrypted connections too, with nothing left open', { skip: noTls }, async (t) => {
      const admin = await openAdmin(dialect, url('', { user: server.admin }));
      t.after(() => admin.close());
      const database = connectTo(t, url('?sslmode=require'));
      await Promise.all([database.run(ONE), database.run(ONE), database.run(ONE)]);
      await assert.rejects(database.run(slow(dialect)), { kind: 'unavailable' });
      await database.close();
      const query = isMysql
        ? `SELECT id FROM information_schema.processlist WHERE user = '${server.user}'`
        : `SELECT pid FROM pg_stat_activity WHERE usename = '${server.user}'`;
      await eventually('the server has seen it', async () => (await admin.run(query)).length === 0);
    });

    it('is used rightly, however it is set up', async (t) => {
      const database = connectTo(t, url());
      const builder = sqlFor(dialect);
      const before = Date.now();
      const [now] = await database.run<{ ms: number }>(sql`SELECT ${nowMs(dialect)} AS ms`.compile(builder));
      assert.ok(
        now && now.ms >= before - 2_000 && now.ms <= Date.now() + 2_000,
        `${now?.ms}, and here it is ${before}`,
      );
      const strange = `\\' OR 1=1 -- " 中文 🙂`;
      assert.deepEqual(await database.run(sql`SELECT ${strange} AS s`.compile(builder)), [{ s: strange }]);
      await database.transaction(1_000, async (session) => {
        const [row] = await session.run(
          text(
            isMysql
              ? `SHOW SESSION VARIABLES WHERE Variable_name IN ('tx_isolation', 'transaction_isolation')`
              : `SELECT current_setting('transaction_isolation') AS level`,
          ),
        );
        const { level, Value = level } = row as { level?: string; Value?: string };
        assert.match(Value ?? '', isMysql ? /^READ-COMMITTED$/ : /^read committed$/);
      });
    });

    it('takes the schema, however it is set up', async (t) => {
      const database = connectTo(t, url('', { user: server.admin }));
      const { applied } = await migrate(database, readMigrations(migrationsFolder(dialect)));
      assert.ok(applied > 0);
      // With what the schema alone could not show: a decision with rows in every table.
      const store = createSqlStore(connectTo(t, url('', { user: server.admin })), 'a:1');
      await store.open(new Listener());
      await store.transact(key, bootstrapping('127.0.0.1:8848'));
      assert.equal((await store.events({ limit: 9 })).length > 0, true);
      await store.close();
    });

    /** A user of MySQL's; its account is as the clause says. */
    const account = async (t: TestContext, name: string, clause: string): Promise<string> => {
      const admin = await openAdmin(dialect, url('', { user: server.admin }));
      t.after(async () => {
        await admin.run(`DROP USER ${name}@'%'`);
        await admin.run('FLUSH PRIVILEGES');
        await admin.close();
      });
      await admin.run(`CREATE USER ${name}@'%' ${clause}`);
      await admin.run(`GRANT SELECT ON ${server.database}.* TO ${name}@'%'`);
      return url('', { user: name });
    };
    if (isMysql) {
      const identified = `IDENTIFIED BY '${PASSWORD}'`;

      it('says that an account is locked, or requires a new password', async (t) => {
        const locked = await account(t, 'locked', `${identified} ACCOUNT LOCK`);
        await fails(t, locked, 'misconfigured', /has locked the account of the user of DATABASE_URL/);
        const expired = await account(t, 'expired', `${identified} PASSWORD EXPIRE`);
        await fails(t, expired, 'misconfigured', /requires a new password for the user of DATABASE_URL/);
      });
    }

    if (name === 'mysql-8') {
      it('takes caching_sha2_password with an empty cache and a full one, in the clear and encrypted', async (t) => {
        const admin = await openAdmin(dialect, url('', { user: server.admin }));
        t.after(() => admin.close());
        const plugin = `SELECT plugin FROM mysql.user WHERE user = '${server.user}'`;
        assert.deepEqual(await admin.run(plugin), [{ plugin: 'caching_sha2_password' }]);
        for (const query of ['', '?sslmode=require', `?sslmode=verify-ca&sslrootcert=${server.ca}`]) {
          // Which empties the cache: the whole password is then asked for, and encrypted in one way or the other.
          await admin.run('FLUSH PRIVILEGES');
          for (let i = 0; i < 2; i++) {
            const database = connectTo(t, url(query));
            assert.deepEqual(await database.run(ONE), [{ one: 1 }]);
            await database.close();
            await fails(
              t,
              url(query, { password: `${server.password}x` }),
              'misconfigured',
              /does not accept the user and password of DATABASE_URL/,
            );
          }
        }
      });

      it('takes mysql_native_password too, as users have it who came from MySQL 5.7', async (t) => {
        const clause = `IDENTIFIED WITH mysql_native_password BY '${PASSWORD}'`;
        const old = await account(t, 'old', clause);
        assert.deepEqual(await connectTo(t, old).run(ONE), [{ one: 1 }]);
        assert.deepEqual(await connectTo(t, `${old}?sslmode=require`).run(ONE), [{ one: 1 }]);
      });
    }

    if (isMysql && name !== 'mariadb') {
      it('says that it is in offline mode', async (t) => {
        const admin = await openAdmin(dialect, url('', { user: server.admin }));
        t.after(async () => {
          await admin.run('SET GLOBAL offline_mode = OFF');
          await admin.close();
        });
        await admin.run('SET GLOBAL offline_mode = ON');
        await fails(t, url(), 'unavailable', /is in offline mode/);
      });
    }

    // PostgreSQL's is in drivers.test.ts.
    if (isMysql) {
      it('says that it is read-only', async (t) => {
        const admin = await openAdmin(dialect, url('', { user: server.admin }));
        t.after(async () => {
          await admin.run('SET GLOBAL read_only = 0');
          await admin.close();
        });
        await admin.run('SET GLOBAL read_only = 1');
        const sentence = /is read-only; DATABASE_URL may point to a replica of the database/;
        await fails(t, url(), 'unavailable', sentence, text('INSERT INTO t VALUES (1, 1)'));
      });
    }

    it('may stop: that is an outage', async (t) => {
      const database = connectTo(t, url());
      await database.run(ONE);
      await server.stop();
      await assert.rejects(database.run(ONE), { kind: 'unavailable' });
      await fails(t, url(), 'unavailable', /cannot be reached; check that the server runs/);
    });
  });
}
