import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { migrationsFolder } from '../../../src/util/package-info.js';
import { StoreRefused } from '../../../src/registry/interfaces.js';
import { readMigrations } from '../../../src/store/migrate.js';
import { nowMs, sqlFor } from '../../../src/store/sql/client/builder.js';
import { checkSchema, migrate } from '../../../src/store/sql/migrator.js';
import { connectAdmin, createDatabase, testDatabases } from '../../support/databases.js';
import { connectPatiently } from '../../support/sql.js';
import { tempFolder } from '../../support/temp.js';

for (const server of testDatabases) {
  const { name, dialect, skip } = server;
  describe(`the schema of ${name}`, { skip }, () => {
    const own = readMigrations(migrationsFolder(dialect));
    const setUp = async (t: TestContext) => {
      const url = await createDatabase(t, server);
      const database = connectPatiently(t, url);
      const admin = await connectAdmin(server, new URL(url).pathname.slice(1));
      t.after(() => admin.close());
      return { url, database, admin };
    };
    /** The program's migrations and one more, as a newer version has them. */
    const newer = (t: TestContext, sql: string) => {
      const folder = tempFolder(t);
      for (const { file, sql: text } of own) writeFileSync(join(folder, file), text.replaceAll('\n', '\r\n'));
      writeFileSync(join(folder, `000${own.length + 1}_newer.sql`), sql);
      return readMigrations(folder);
    };
    const COLUMN = 'ALTER TABLE address_server_clock ADD COLUMN newer INT;\n';

    it('is made, and then is up to date without a lock or a write', async (t) => {
      const { database, admin } = await setUp(t);
      assert.deepEqual(await migrate(database, own), { version: own.length, applied: own.length });
      const before = database.statements;
      assert.deepEqual(await migrate(database, own), { version: own.length, applied: 0 });
      assert.deepEqual(await checkSchema(database, own), { version: own.length, applied: 0 });
      assert.equal(database.statements - before, 4);
      const rows = await admin.run('SELECT version, compatible_with FROM address_server_schema');
      assert.deepEqual(rows, [
        { version: 1, compatible_with: 1 },
        { version: 2, compatible_with: 1 },
        { version: 3, compatible_with: 3 },
      ]);
    });

    it('has the tables and columns that statements are built for', async (t) => {
      const { database } = await setUp(t);
      await migrate(database, own);
      const sql = sqlFor(database.dialect);
      const [clock] = await database.run(sql.selectFrom('address_server_clock').selectAll().compile());
      const nothing = { hearing_ms: 0, database_ms: 0, grace_until: 0, changes: 0, released: 0 };
      assert.deepEqual(clock, { one: 1, ...nothing });
      const columns = await database.run<{ tables: number }>({
        sql: `SELECT count(DISTINCT table_name) AS tables FROM information_schema.columns WHERE table_name LIKE 'address_server_%' AND table_schema = ${dialect === 'mysql' ? 'DATABASE()' : 'current_schema()'}`,
        parameters: [],
      });
      assert.equal(columns[0]?.tables, 9);
      const address = `${'a'.repeat(256)}:65535`;
      const lease = {
        cluster_id: 1,
        heard_at: 2 ** 52,
        open_at: 0,
        ended_at: 0,
        written_at: 0,
        writer: 0,
        refused_at: 0,
        delivered: 1,
        delivered_at: 0,
      };
      for (const each of [address, address.toUpperCase()]) {
        const row = { ...lease, address: each, polls: 1 };
        await database.run(sql.insertInto('address_server_lease').values(row).compile());
      }
      const leases = await database.run(
        sql.selectFrom('address_server_lease').selectAll().orderBy('address').compile(),
      );
      assert.deepEqual(leases, [
        { ...lease, address: address.toUpperCase(), polls: 1 },
        { ...lease, address, polls: 1 },
      ]);
      const event = {
        product: 'p',
        name: 'n',
        type: 'bootstrapped',
        revision: 1,
        reason: '为什么 🙂 \\ \' " ?',
      } as const;
      for (let i = 1; i <= 2; i++) {
        const row = { ...event, time_ms: nowMs(database.dialect), address: null };
        await database.run(sql.insertInto('address_server_event').values(row).compile());
      }
      const events = await database.run<{ seq: number; reason: string }>(
        sql.selectFrom('address_server_event').select(['seq', 'reason']).orderBy('seq').compile(),
      );
      assert.deepEqual(events, [
        { seq: 1, reason: event.reason },
        { seq: 2, reason: event.reason },
      ]);
      const cluster = {
        product: 'p',
        name: 'n',
        epoch: 0,
        revision: 0,
        changed_at: 0,
        size: 1,
        quorum_lost: 0,
        awaits_repair: 0,
      };
      const counts = { version: 1, change_seq: 1, list_seq: 1, decided_at: 0 };
      const insert = sql
        .insertInto('address_server_cluster')
        .values({ ...cluster, ...counts })
        .compile();
      await database.run(insert);
      await assert.rejects(database.run(insert), { kind: 'rejected' });
    });

    it('is migrated once by 20 at once', async (t) => {
      const { url, admin } = await setUp(t);
      const schemas = await Promise.all(
        Array.from({ length: 20 }, () => migrate(connectPatiently(t, url), own)),
      );
      assert.deepEqual(schemas.map(({ applied }) => applied).sort(), [
        ...Array.from({ length: 19 }, () => 0),
        own.length,
      ]);
      assert.equal((await admin.run('SELECT * FROM address_server_schema')).length, own.length);
    });

    it('is refused when it is newer', async (t) => {
      const { database } = await setUp(t);
      assert.deepEqual(await migrate(database, newer(t, COLUMN)), {
        version: own.length + 1,
        applied: own.length + 1,
      });
      for (const look of [migrate, checkSchema]) {
        await assert.rejects(look(database, own), (error: Error) => {
          assert.ok(error instanceof StoreRefused);
          assert.match(
            error.message,
            new RegExp(
              `has schema version ${own.length + 1}, but this program knows only ${own.length}: .*newer version\\. Start that`,
            ),
          );
          return true;
        });
      }
    });

    it('is used with a warning when it is newer and says that it may be', async (t) => {
      const { database } = await setUp(t);
      await migrate(database, newer(t, `-- compatible with schema version ${own.length}\r\n${COLUMN}`));
      for (const look of [migrate, checkSchema]) {
        const { version, applied, warning } = await look(database, own);
        assert.equal(version, own.length + 1);
        assert.equal(applied, 0);
        assert.match(
          warning ?? '',
          new RegExp(`has schema version ${own.length + 1}, but this program knows only ${own.length}`),
        );
      }
    });

    it('is not made when that is not wanted', async (t) => {
      const { database, admin } = await setUp(t);
      await assert.rejects(checkSchema(database, own), (error: Error) => {
        assert.ok(error instanceof StoreRefused);
        assert.match(error.message, /has no tables of this program yet; run `nacos-address-server migrate`/);
        return true;
      });
      const tables = `SELECT table_name FROM information_schema.tables WHERE table_name LIKE 'address_server%' AND table_schema = ${dialect === 'mysql' ? 'DATABASE()' : 'current_schema()'}`;
      assert.deepEqual(await admin.run(tables), []);
      await migrate(database, own);
      await assert.rejects(
        checkSchema(database, newer(t, COLUMN)),
        new RegExp(`has schema version ${own.length}, but this program needs ${own.length + 1}; run`),
      );
    });

    it('is completed after a migration that was interrupted', async (t) => {
      const { database, admin } = await setUp(t);
      await migrate(database, own);
      await admin.run('DROP TABLE address_server_event');
      await admin.run('UPDATE address_server_clock SET hearing_ms = 5');
      await admin.run('DELETE FROM address_server_schema');
      assert.deepEqual(await migrate(database, own), { version: own.length, applied: own.length });
      assert.deepEqual(await admin.run('SELECT * FROM address_server_event'), []);
      const clock = await admin.run<{ hearing_ms: unknown }>('SELECT hearing_ms FROM address_server_clock');
      assert.equal(Number(clock[0]?.hearing_ms), 5, 'what is there is kept');
    });

    it('is not taken for migrated when a statement failed, and lets the next one try', async (t) => {
      const { database, admin } = await setUp(t);
      await assert.rejects(migrate(database, newer(t, 'ALTER TABLE nowhere ADD COLUMN a INT;')), {
        kind: 'misconfigured',
      });
      assert.equal((await admin.run('SELECT * FROM address_server_schema')).length, own.length);
      assert.deepEqual(await migrate(database, newer(t, COLUMN)), {
        version: own.length + 1,
        applied: 1,
      });
    });
  });
}

describe('the files of migrations', () => {
  const read = (t: TestContext, sql: string) => {
    const folder = mkdtempSync(join(tmpdir(), 'address-server-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    writeFileSync(join(folder, '0001_first.sql'), sql);
    return readMigrations(folder);
  };

  it('are split into statements, whatever the ends of their lines', (t) => {
    const text = `-- one; and more;\nCREATE TABLE a (\n  -- why;\n  b INT\n);\n\nINSERT INTO a VALUES (';x'); \nSELECT 1`;
    for (const sql of [text, text.replaceAll('\n', '\r\n')]) {
      const [migration] = read(t, sql);
      assert.deepEqual(
        migration?.statements.map((each) => each.replace(/\s+/g, ' ')),
        ['CREATE TABLE a ( b INT )', `INSERT INTO a VALUES (';x')`, 'SELECT 1'],
      );
      assert.equal(migration?.compatibleWith, 1);
    }
  });

  it('say with their first line what they are compatible with, or are refused', (t) => {
    assert.equal(read(t, '-- compatible with schema version 1\r\nSELECT 1;\r\n')[0]?.compatibleWith, 1);
    for (const line of [
      '-- compatible with schema version 2',
      '-- compatible with 1',
      '--compatible with schema 1',
    ]) {
      assert.throws(
        () => read(t, `${line}\nSELECT 1;\n`),
        /it must be "-- compatible with schema version N"/,
      );
    }
  });
});
