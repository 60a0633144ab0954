import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import { inspect } from 'node:util';
import { sql } from 'kysely';
import { nowMs, sqlFor } from '../../../src/store/sql/builder.js';
import { DatabaseError, type DatabaseErrorKind, type Statement } from '../../../src/store/sql/database.js';
import { openAdmin, type ServerDialect } from '../../support/databases.js';
import {
  privateServerMissing,
  startPrivateServer,
  type PrivateServer,
} from '../../support/private-server.js';
import { eventually } from '../../support/eventually.js';
import { connectTo } from '../../support/sql.js';

/** What cannot be had from a server that others use: TLS, passwords, a server that is read-only or set up strangely. */

const text = (sqlText: string): Statement => ({ sql: sqlText, parameters: [] });
const ONE = text('SELECT 1 AS one');

for (const dialect of ['mysql', 'postgres'] as const satisfies readonly ServerDialect[]) {
  const isMysql = dialect === 'mysql';
  const missing = privateServerMissing(dialect);
  // Where the tests are required, it fails to start and says what is missing.
  const skip = process.env.DATABASE_TESTS === 'required' ? false : missing;
  describe(`a ${dialect} server of the test's own`, { skip }, () => {
    let server: PrivateServer;
    before(async () => {
      server = await startPrivateServer(dialect);
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

    it('is spoken to in the clear, encrypted, or checked, as sslmode says', async (t) => {
      const ca = `&sslrootcert=${server.ca}`;
      assert.equal(await isEncrypted(t, url()), false);
      assert.equal(await isEncrypted(t, url('?sslmode=disable')), false);
      assert.equal(await isEncrypted(t, url('?sslmode=require')), true);
      assert.equal(await isEncrypted(t, url(`?sslmode=verify-ca${ca}`)), true);
      assert.equal(await isEncrypted(t, url(`?sslmode=verify-full${ca}`, { host: 'localhost' })), true);
      assert.equal(await isEncrypted(t, url(`?sslmode=verify-full${ca}`, { host: '127.0.0.2' })), true);
    });

    it('is not trusted with another CA or name', async (t) => {
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

    it('closes encrypted connections too, with nothing left open', async (t) => {
      const admin = await openAdmin(dialect, url('', { user: server.admin }));
      t.after(() => admin.close());
      const database = connectTo(t, url('?sslmode=require'));
      await Promise.all([database.run(ONE), database.run(ONE), database.run(ONE)]);
      const slow = database.run(text(isMysql ? 'SELECT SLEEP(5)' : 'SELECT pg_sleep(5)'));
      await assert.rejects(slow, { kind: 'unavailable' });
      await database.close();
      const query = isMysql
        ? `SELECT id FROM information_schema.processlist WHERE user = '${server.user}'`
        : `SELECT pid FROM pg_stat_activity WHERE usename = '${server.user}'`;
      await eventually('the server has seen it', async () => (await admin.run(query)).length === 0, 2_000);
    });

    it('is used rightly, however it is set up', async (t) => {
      const database = connectTo(t, url());
      const builder = sqlFor(dialect);
      const before = Date.now();
      const [now] = await database.run<{ ms: number }>(sql`SELECT ${nowMs(dialect)} AS ms`.compile(builder));
      assert.ok(
        now && now.ms >= before - 50 && now.ms <= Date.now() + 50,
        `${now?.ms}, and here it is ${before}`,
      );
      const strange = `\\' OR 1=1 -- " 中文 🙂`;
      assert.deepEqual(await database.run(sql`SELECT ${strange} AS s`.compile(builder)), [{ s: strange }]);
      await database.transaction(1_000, async (session) => {
        const [row] = await session.run(
          text(
            isMysql
              ? 'SELECT @@tx_isolation AS level'
              : `SELECT current_setting('transaction_isolation') AS level`,
          ),
        );
        const { level } = row as { level: string };
        assert.match(level, isMysql ? /^READ-COMMITTED$/ : /^read committed$/);
      });
    });

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
