import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it, type TestContext } from 'node:test';
import { inspect } from 'node:util';
import { nowMs, sqlFor } from '../../../src/store/sql/client/builder.js';
import {
  DatabaseError,
  SILENCE_LIMIT_MS,
  type Database,
  type DatabaseErrorKind,
  type Session,
  type Statement,
} from '../../../src/store/sql/client/database.js';
import { IDLE_LIMIT_MS } from '../../../src/store/sql/client/pool.js';
import { sql } from 'kysely';
import { connectAdmin, createDatabase, testDatabases, type Admin } from '../../support/databases.js';
import { eventually } from '../../support/eventually.js';
import { connectTo, slow, SLOW_START } from '../../support/sql.js';
import { TcpProxy } from '../../support/tcp-proxy.js';

const text = (sqlText: string, ...parameters: unknown[]): Statement => ({ sql: sqlText, parameters });

/** Tells never from late: what takes longer than this on any machine, in milliseconds, has no limit. */
const NEVER = 60_000;

async function within<T>(promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const never = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${NEVER} ms`)), NEVER);
  });
  return Promise.race([promise, never]).finally(() => clearTimeout(timer));
}

/** A promise that the test resolves. */
function gate() {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { open, opened };
}

/** Waits within a transaction, and is never silent for so long that the server would end it. */
async function until(opened: Promise<void>, session: Session): Promise<void> {
  let isOpen = false;
  void opened.then(() => (isOpen = true));
  while (!isOpen) {
    await Promise.race([opened, new Promise((resolve) => setTimeout(resolve, 200))]);
    if (!isOpen) await session.run(text('SELECT 1'));
  }
}

for (const server of testDatabases) {
  const { name: serverName, dialect, skip } = server;
  const isMysql = dialect === 'mysql';
  const sleep = (seconds: number) =>
    text(isMysql ? `SELECT SLEEP(${seconds})` : `SELECT pg_sleep(${seconds})`);
  const bump = (id: number) => text(`UPDATE t SET n = n + 1 WHERE id = ${id}`);
  const count = (id: number) => text(`SELECT n FROM t WHERE id = ${id}`);

  /** Fails with a sentence of the kind, and not never; returns the error. */
  async function fails(
    promise: Promise<unknown>,
    kind: DatabaseErrorKind,
    sentence: RegExp,
  ): Promise<DatabaseError> {
    const error = await within(promise).then(
      () => assert.fail('it did not fail'),
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof DatabaseError, inspect(error));
    assert.equal(error.kind, kind, error.message);
    assert.match(error.message, sentence);
    return error;
  }

  describe(`the connections to ${serverName}`, { skip, concurrency: false }, () => {
    /** A database with a table of two rows, the test's own way to it, and a proxy before it. */
    const setUp = async (t: TestContext) => {
      const url = await createDatabase(t, server);
      const name = new URL(url).pathname.slice(1);
      const admin = await connectAdmin(server, name);
      t.after(() => admin.close());
      await admin.run(
        `CREATE TABLE t (id INT PRIMARY KEY, n BIGINT, s VARCHAR(200)${isMysql ? ' CHARACTER SET utf8mb4' : ''})`,
      );
      await admin.run('INSERT INTO t (id, n) VALUES (1, 0), (2, 0)');
      const { hostname, port } = new URL(url);
      const proxy = await TcpProxy.open({ host: hostname, port: Number(port || (isMysql ? 3306 : 5432)) });
      t.after(() => proxy.close());
      const proxied = new URL(url);
      proxied.host = `127.0.0.1:${proxy.port}`;
      return { url, name, admin, proxy, proxied: proxied.href, database: connectTo(t, url) };
    };

    /** Sessions of the program in a database, by the server's own account. */
    const sessions = async (admin: Admin, name: string): Promise<number> => {
      const rows = isMysql
        ? await admin.run(
            `SELECT id FROM information_schema.processlist WHERE db = '${name}' AND id <> CONNECTION_ID()`,
          )
        : await admin.run(
            `SELECT pid FROM pg_stat_activity WHERE datname = '${name}' AND application_name = 'nacos-address-server'`,
          );
      return rows.length;
    };

    /** A transaction that has changed row 1 and waits; `end` lets it commit. */
    const holdRow = async (database: Database, limit = NEVER) => {
      const [locked, end] = [gate(), gate()];
      const done = database.transaction(limit, async (session) => {
        await session.run(bump(1));
        locked.open();
        await until(end.opened, session);
      });
      done.catch(() => undefined);
      await Promise.race([locked.opened, done]);
      return { done, end: end.open };
    };

    it('take values and return rows as they are', async (t) => {
      const { database } = await setUp(t);
      const builder = sqlFor(database.dialect);
      const strings = [
        `a'b"c\\d\`e?f$1`,
        '中文 🙂',
        '',
        `'; DROP TABLE t; --`,
        '\\',
        '\n\0x'.replace('\0', ''),
      ];
      for (const [i, s] of strings.entries()) {
        const insert = sql`INSERT INTO t (id, n, s) VALUES (${10 + i}, ${2 ** 53 - 1 - i}, ${s})`.compile(
          builder,
        );
        assert.deepEqual(await database.run(insert), []);
      }
      assert.deepEqual(
        await database.run(text('SELECT id, n, s FROM t WHERE id >= 10 ORDER BY id')),
        strings.map((s, i) => ({ id: 10 + i, n: 2 ** 53 - 1 - i, s })),
      );
      const one = sql`SELECT id, n FROM t WHERE s = ${strings[0]} AND n = ${2 ** 53 - 1}`.compile(builder);
      assert.deepEqual(await database.run(one), [{ id: 10, n: 2 ** 53 - 1 }]);
      await database.run(sql`UPDATE t SET n = ${null}, s = ${null} WHERE id = 10`.compile(builder));
      await database.run(sql`UPDATE t SET n = ${-5} WHERE id = 11`.compile(builder));
      assert.deepEqual(await database.run(text('SELECT n, s FROM t WHERE id IN (10, 11) ORDER BY id')), [
        { n: null, s: null },
        { n: -5, s: '中文 🙂' },
      ]);
      assert.deepEqual(
        await database.run(text('SELECT count(*) AS c, sum(id) AS s, max(n) AS m FROM t WHERE id <= 2')),
        [{ c: 2, s: 3, m: 0 }],
      );
      assert.deepEqual(await database.run(text('DELETE FROM t WHERE id = 99')), []);
      await fails(database.run(text('SELEC 1')), 'rejected', /does not accept a statement \(.*SELEC/);
      await fails(database.run(text('INSERT INTO t (id) VALUES (1)')), 'rejected', /uplicate/);
      await fails(database.run(text('UPDATE t SET n = 9223372036854775808')), 'rejected', /ange/);
    });

    it('count statements', async (t) => {
      const { database } = await setUp(t);
      assert.equal(database.statements, 0);
      await database.run(text('SELECT 1'));
      assert.equal(database.statements, 1);
      await database.transaction(NEVER, (session) => session.run(bump(1)));
      assert.equal(database.statements, 4);
    });

    it('commit and roll back', async (t) => {
      const { database, admin } = await setUp(t);
      const n = async () => Number((await admin.run<{ n: number }>('SELECT n FROM t WHERE id = 1'))[0]?.n);
      const result = await database.transaction(NEVER, async (session) => {
        await Promise.all([session.run(bump(1)), session.run(bump(1))]);
        assert.equal(await n(), 0, 'nobody else sees it yet');
        return 'done';
      });
      assert.equal(result, 'done');
      assert.equal(await n(), 2);
      const thrown = new Error('thrown by the work');
      await assert.rejects(
        database.transaction(NEVER, async (session) => {
          await session.run(bump(1));
          throw thrown;
        }),
        (error) => error === thrown,
      );
      assert.equal(await n(), 2);
      // A failure that the work hides is one all the same.
      await fails(
        database.transaction(NEVER, async (session) => {
          await session.run(bump(1));
          await session.run(text('SELEC 1')).catch(() => undefined);
          await session.run(bump(1)).catch(() => undefined);
        }),
        'rejected',
        /SELEC/,
      );
      assert.equal(await n(), 2);
      let leaked: Session | undefined;
      await database.transaction(NEVER, async (session) => {
        leaked = session;
        await session.run(bump(2));
      });
      await fails(leaked!.run(bump(1)), 'rejected', /after the end of its transaction/);
      await database.run(bump(1));
      assert.equal(await n(), 3);
    });

    it('read what others have committed meanwhile, and nothing else', async (t) => {
      const { database, admin } = await setUp(t);
      await database.transaction(NEVER, async (session) => {
        assert.deepEqual(await session.run(count(1)), [{ n: 0 }]);
        await admin.run('UPDATE t SET n = 7 WHERE id = 1');
        assert.deepEqual(await session.run(count(1)), [{ n: 7 }]);
        await admin.run('BEGIN');
        await admin.run('UPDATE t SET n = 8 WHERE id = 1');
        assert.deepEqual(await session.run(count(1)), [{ n: 7 }]);
        await admin.run('ROLLBACK');
      });
    });

    it('tell a deadlock as a conflict, and go on', async (t) => {
      const { database } = await setUp(t);
      const [first, second] = [gate(), gate()];
      const results = await Promise.allSettled([
        database.transaction(NEVER, async (session) => {
          await session.run(bump(1));
          first.open();
          await second.opened;
          await session.run(bump(2));
        }),
        database.transaction(NEVER, async (session) => {
          await session.run(bump(2));
          second.open();
          await first.opened;
          await session.run(bump(1));
        }),
      ]);
      const errors = results.flatMap((result) =>
        result.status === 'rejected' ? [result.reason as unknown] : [],
      );
      assert.ok(errors.length >= 1);
      for (const error of errors) {
        assert.ok(error instanceof DatabaseError);
        assert.equal(error.kind, 'conflict', error.message);
        assert.match(error.message, /nothing was changed/);
      }
      await database.run(bump(1));
    });

    it('wait for a locked row within the limit, and go on', async (t) => {
      const { database } = await setUp(t);
      const held = await holdRow(database);
      const waiting = database.run(bump(1));
      // MySQL and MariaDB have no limit for locks below a second; what ends the wait is MariaDB's limit for the whole
      // statement. MySQL has that for reads alone, so there it is this side that gives up.
      const sentence = isMysql
        ? serverName === 'mariadb'
          ? /did not finish a statement in time/
          : /has not answered for 0\.9 s/
        : /lock that another session holds/;
      await fails(waiting, isMysql ? 'unavailable' : 'conflict', sentence);
      held.end();
      await held.done;
      await database.run(bump(1));
      const [row] = await database.run<{ n: number }>(count(1));
      // What this side gave up may have been done all the same.
      assert.ok(row!.n === 2 || (row!.n === 3 && isMysql && serverName !== 'mariadb'), inspect(row));
    });

    it('bound a statement that takes long', async (t) => {
      const { database } = await setUp(t);
      await fails(database.run(slow(dialect)), 'unavailable', /in time|has not answered/);
      await fails(
        database.transaction(NEVER, (session) => session.run(slow(dialect))),
        'unavailable',
        /in time|has not answered/,
      );
      await database.run(bump(1));
    });

    it('bound a transaction whose work never ends, and free what it has locked', async (t) => {
      const { database, name, admin } = await setUp(t);
      const held = await holdRow(database, 2_000);
      await fails(held.done, 'unavailable', /did not finish within 2 s and was abandoned/);
      await eventually('the row is free', () =>
        admin.run('UPDATE t SET n = 5 WHERE id = 1').then(() => true),
      );
      await eventually('the session is gone', async () => (await sessions(admin, name)) === 0);
      held.end();
      await database.run(bump(1));
      assert.deepEqual(await database.run(count(1)), [{ n: 6 }]);
    });

    it('are at most four, and the fifth waits within the limit', async (t) => {
      const { database, name, admin } = await setUp(t);
      const end = gate();
      const begun = Array.from({ length: 4 }, gate);
      const busy = begun.map(({ open }) =>
        database.transaction(NEVER, (session) => {
          open();
          return until(end.opened, session);
        }),
      );
      await Promise.all(begun.map(({ opened }) => opened));
      await fails(database.run(bump(1)), 'unavailable', /none of the 4 connections to .* was free/);
      assert.equal(await sessions(admin, name), 4);
      const waiting = database.run(count(1));
      end.open();
      await Promise.all([...busy, waiting]);
      assert.deepEqual(await waiting, [{ n: 0 }]);
    });

    it('are closed when they are not used, long before MySQL would', async (t) => {
      const { database, name, admin } = await setUp(t);
      await Promise.all([database.run(sleep(0.05)), database.run(sleep(0.05))]);
      assert.equal(await sessions(admin, name), 2);
      await eventually('both are closed', async () => (await sessions(admin, name)) === 0);
      await database.run(bump(1));
    });

    it('fail a statement in time when the network is silent, and then work again', async (t) => {
      const { proxy, proxied } = await setUp(t);
      const database = connectTo(t, proxied);
      await database.run(bump(1));
      proxy.silence();
      await fails(database.run(bump(1)), 'unavailable', /has not answered for 0\.9 s/);
      await fails(database.run(bump(1)), 'unavailable', /could not connect to .* within 0\.9 s/);
      const many = Array.from({ length: 8 }, () =>
        fails(database.run(bump(1)), 'unavailable', /could not connect|none of the 4/),
      );
      await Promise.all(many);
      await proxy.restore();
      await database.run(bump(1));
    });

    it('free a row soon after the network went silent in the middle of a transaction', async (t) => {
      const { proxy, proxied, admin } = await setUp(t);
      const database = connectTo(t, proxied);
      await fails(
        database.transaction(NEVER, async (session) => {
          await session.run(bump(1));
          proxy.silence();
          await session.run(bump(1));
        }),
        'unavailable',
        /has not answered for 0\.9 s/,
      );
      // By the server's own limit, or else never: the session does not know that its client is gone.
      await admin.run(isMysql ? 'SET innodb_lock_wait_timeout = 60' : 'SET lock_timeout = 60000');
      await admin.run('UPDATE t SET n = 7 WHERE id = 1');
      await fails(
        database.transaction(NEVER, () => Promise.resolve()),
        'unavailable',
        /could not connect/,
      );
      await proxy.restore();
      assert.deepEqual(await database.run(count(1)), [{ n: 7 }]);
    });

    it('free a row also when the client hangs while the server answers', async (t) => {
      const { proxy, proxied, admin } = await setUp(t);
      const database = connectTo(t, proxied);
      // More than what lies between the two can hold.
      const much = isMysql
        ? `SELECT REPEAT('x', 100000) FROM information_schema.collations a, information_schema.collations b`
        : `SELECT repeat('x', 100000) FROM generate_series(1, 10000)`;
      const held = database.transaction(NEVER, async (session) => {
        await session.run(bump(1));
        proxy.stall();
        await session.run(text(much));
      });
      await fails(held, 'unavailable', /has not answered for 0\.9 s/);
      await admin.run(isMysql ? 'SET innodb_lock_wait_timeout = 50' : 'SET lock_timeout = 50000');
      await admin.run('UPDATE t SET n = 7 WHERE id = 1');
    });

    it('set limits to how long the server waits for a client that hangs', async (t) => {
      const { database, name, admin } = await setUp(t);
      const limits = async (session: Session): Promise<Record<string, string>> => {
        const rows = isMysql
          ? await session.run<{ name: string; value: string }>(
              text(
                `SHOW SESSION VARIABLES WHERE Variable_name IN ('wait_timeout', 'net_read_timeout', 'net_write_timeout', 'idle_transaction_timeout')`,
              ),
            )
          : await session.run<{ name: string; value: string }>(
              text(
                `SELECT name, setting AS value FROM pg_settings WHERE name IN ('idle_in_transaction_session_timeout', 'tcp_user_timeout', 'idle_session_timeout')`,
              ),
            );
        return Object.fromEntries(
          rows.map((row) => Object.values(row as unknown as Record<string, string>) as [string, string]),
        );
      };
      const net = (seconds: string) => ({ net_read_timeout: seconds, net_write_timeout: seconds });
      const mariadb = serverName === 'mariadb' ? { idle_transaction_timeout: '2' } : {};
      assert.deepEqual(
        await limits(database),
        isMysql
          ? { wait_timeout: '2', ...net('2'), ...mariadb }
          : {
              idle_in_transaction_session_timeout: '2000',
              tcp_user_timeout: '2000',
              idle_session_timeout: '0',
            },
      );
      await database.exclusively(async (session) => {
        const found = await limits(session);
        assert.equal(found[isMysql ? 'wait_timeout' : 'idle_session_timeout'], isMysql ? '60' : '60000');
      });
      assert.ok(IDLE_LIMIT_MS < SILENCE_LIMIT_MS, 'an idle connection is closed before the server does');
      // Many seconds of rest, each longer than this side keeps a connection: none is found closed by the server.
      for (let i = 0; i < 3; i++) {
        await Promise.all([database.run(count(1)), database.run(count(1))]);
        await eventually('they are closed', async () => (await sessions(admin, name)) === 0);
      }
    });

    it('never tell a commit as done of which no answer came', async (t) => {
      const { proxy, proxied } = await setUp(t);
      const database = connectTo(t, proxied);
      await fails(
        database.transaction(NEVER, async (session) => {
          await session.run(bump(1));
          proxy.silence();
        }),
        'unknown',
        /has not answered for 0\.9 s/,
      );
      await proxy.restore();
      await database.run(bump(2));
    });

    it('notice that they are cut, and then work again', async (t) => {
      const { database: direct, proxy, proxied, admin, name } = await setUp(t);
      const database = connectTo(t, proxied);
      const isSeen = async (): Promise<boolean> => {
        const rows = await admin.run(
          isMysql
            ? `SELECT 1 FROM information_schema.processlist WHERE db = '${name}' AND info LIKE '${SLOW_START}%'`
            : `SELECT 1 FROM pg_stat_activity WHERE datname = '${name}' AND query LIKE '${SLOW_START}%' AND state = 'active'`,
        );
        return rows.length > 0;
      };
      await eventually('a statement is cut in its middle', async () => {
        let message: string | undefined;
        const running = database.run(slow(dialect)).catch((error: unknown) => (message = String(error)));
        await eventually(
          'it is seen, or was ended by its own limit',
          async () => message ?? (await isSeen()),
        );
        proxy.cut();
        await running;
        return /closed the connection/.test(message ?? '');
      });
      await database.run(bump(1));
      // Cut while idle: nobody is told, and the next statement gets another connection.
      proxy.cut();
      await eventually('the cut is noticed', () =>
        database.run(bump(1)).then(
          () => true,
          () => false,
        ),
      );
      await fails(
        database.transaction(NEVER, async (session) => {
          await session.run(bump(1));
          proxy.cut();
          await session.run(bump(1));
        }),
        'unavailable',
        /closed the connection/,
      );
      const n = await direct.run<{ n: number }>(count(1));
      assert.equal(n[0]?.n, 2, 'what was cut is rolled back');
    });

    it('are made anew when the server has ended them', async (t) => {
      const { database, admin, name } = await setUp(t);
      const kill = async () => {
        if (isMysql) {
          const ids = await admin.run<{ id: number }>(
            `SELECT id FROM information_schema.processlist WHERE db = '${name}' AND id <> CONNECTION_ID()`,
          );
          for (const { id } of ids) await admin.run(`KILL ${id}`);
        } else {
          await admin.run(
            `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}' AND pid <> pg_backend_pid()`,
          );
        }
        await eventually('all are gone', async () => (await sessions(admin, name)) === 0);
      };
      await database.run(bump(1));
      await kill();
      await database.run(bump(1));
      await fails(
        database.transaction(NEVER, async (session) => {
          await session.run(bump(1));
          await kill();
          await session.run(bump(1));
        }),
        'unavailable',
        /starting or stopping|closed the connection|ended the connection/,
      );
      assert.deepEqual(await database.run(count(1)), [{ n: 2 }]);
    });

    it('say that nobody listens, and work as soon as somebody does', async (t) => {
      const { proxy, proxied } = await setUp(t);
      const database = connectTo(t, proxied);
      await proxy.refuse();
      await fails(database.run(bump(1)), 'unavailable', /cannot be reached; check .*ECONNREFUSED/);
      await proxy.restore();
      await database.run(bump(1));
      const unknown = new URL(proxied);
      unknown.hostname = 'no-such-host.invalid';
      await fails(
        connectTo(t, unknown.href).run(bump(1)),
        'unavailable',
        /name server|no connection|could not connect/,
      );
    });

    it('bear a slow network, and give up one that is too slow', async (t) => {
      const { proxy, proxied } = await setUp(t);
      const database = connectTo(t, proxied);
      proxy.delay(30);
      await eventually('a transaction is done', () =>
        database
          .transaction(NEVER, async (session) => {
            await session.run(bump(1));
            await session.run(bump(1));
          })
          .then(
            () => true,
            () => false,
          ),
      );
      proxy.delay(500);
      await fails(database.run(bump(1)), 'unavailable', /has not answered for 0\.9 s/);
      await proxy.restore();
      await eventually('it works again', () =>
        database.run(bump(2)).then(
          () => true,
          () => false,
        ),
      );
    });

    it('say that there are too many', async (t) => {
      const { admin, name, url } = await setUp(t);
      const user = await createUser(t, admin, name, { limit: 1 });
      const database = connectTo(t, asUser(url, user));
      const held = await holdRow(database);
      await fails(database.run(bump(2)), 'unavailable', /too many connections; raise its limit/);
      held.end();
      await held.done;
      await database.run(bump(2));
    });

    it('say that a right, a table or a database is missing, and never the password', async (t) => {
      const { admin, name, url, database } = await setUp(t);
      const user = await createUser(t, admin, name, { rights: 'SELECT' });
      const limited = connectTo(t, asUser(url, user));
      const errors = [
        await fails(limited.run(bump(1)), 'misconfigured', /does not grant the user .* a right/),
        await fails(
          database.run(text('SELECT * FROM address_server_clock')),
          'misconfigured',
          /run `nacos-address-server migrate`/,
        ),
        await fails(database.run(text('SELECT nothing FROM t')), 'misconfigured', /lacks a table or column/),
        await fails(
          connectTo(t, `${url}_other`).run(bump(1)),
          'misconfigured',
          /_other does not exist; create/,
        ),
        await fails(limited.run(text('SELEC 1')), 'rejected', /SELEC/),
      ];
      // A wrong password: PostgreSQL may be set to ask for none, see private-server.test.ts.
      if (isMysql) {
        const wrong = connectTo(t, asUser(url, { ...user, password: `${user.password}x` }));
        errors.push(
          await fails(wrong.run(bump(1)), 'misconfigured', /does not accept the user and password/),
        );
      }
      for (const shown of [...errors, limited].map((each) =>
        inspect(each, { depth: null, showHidden: true }),
      )) {
        assert.ok(!shown.includes(user.password), shown);
        assert.ok(!shown.includes(encodeURIComponent(user.password)), shown);
      }
      for (const error of errors) assert.ok((error.cause as Error).message !== '');
    });

    if (!isMysql) {
      // SET GLOBAL read_only would be felt by everybody else, see private-server.test.ts.
      it('say that the database is read-only', async (t) => {
        const { admin, name, database } = await setUp(t);
        await admin.run(`ALTER DATABASE ${name} SET default_transaction_read_only = on`);
        await fails(
          database.run(bump(1)),
          'unavailable',
          /is read-only; DATABASE_URL may point to a replica/,
        );
        await admin.run(`ALTER DATABASE ${name} RESET default_transaction_read_only`);
        // On a new connection.
        await database.run(bump(1));
      });
    }

    it('tell the time of the statement', async (t) => {
      const { database } = await setUp(t);
      const now = sql`SELECT ${nowMs(database.dialect)} AS ms`.compile(sqlFor(database.dialect));
      const read = async (session: Session) => {
        const [row] = await session.run<{ ms: number }>(now);
        assert.ok(Number.isInteger(row?.ms), inspect(row));
        return row!.ms;
      };
      const before = Date.now();
      const ms = await read(database);
      // The server's clock is this machine's, or one that is set well.
      assert.ok(ms >= before - 2_000 && ms <= Date.now() + 2_000, `${ms}, and here it is ${before}`);
      await database.transaction(NEVER, async (session) => {
        const first = await read(session);
        await session.run(sleep(0.05));
        const second = await read(session);
        assert.ok(second - first >= 45, `${second - first} ms`);
      });
    });

    it('change the schema one after the other, without limits for statements', async (t) => {
      const { url, database } = await setUp(t);
      let inside = 0;
      const work = async (session: Session) => {
        assert.equal(++inside, 1);
        await session.run(sleep(0.02));
        inside--;
      };
      await Promise.all(Array.from({ length: 6 }, () => connectTo(t, url).exclusively(work)));
      const thrown = new Error('thrown by the work');
      await assert.rejects(
        database.exclusively(() => Promise.reject(thrown)),
        (error) => error === thrown,
      );
      await fails(
        database.exclusively((session) => session.run(text('SELEC 1'))),
        'rejected',
        /SELEC/,
      );
      await database.exclusively((session) => session.run(sleep(1.2)));
      assert.equal(inside, 0);
    });

    it('drain at the end, with nothing left open', async (t) => {
      const { database, admin, name } = await setUp(t);
      const ended: string[] = [];
      const end = gate();
      const running = database.transaction(NEVER, async (session) => {
        await session.run(bump(1));
        await until(end.opened, session);
        await session.run(bump(1));
        ended.push('transaction');
      });
      await Promise.all([database.run(sleep(0.05)), database.run(sleep(0.05))]);
      const closing = database.close().then(() => ended.push('close'));
      await fails(database.run(bump(1)), 'unavailable', /this program is stopping/);
      end.open();
      await running;
      await closing;
      assert.deepEqual(ended, ['transaction', 'close']);
      assert.deepEqual(await admin.run(`SELECT id FROM t WHERE n = 2`), [{ id: 1 }]);
      await eventually('all are gone', async () => (await sessions(admin, name)) === 0);
      await database.close();
    });

    it('leave no socket and no timer behind, whatever happened', async (t) => {
      const { proxy, proxied } = await setUp(t);
      const own = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
      const before = own();
      const database = connectTo(t, proxied);
      await database.run(bump(1));
      proxy.silence();
      await Promise.allSettled([
        database.run(bump(1)),
        database.transaction(300, (session) => session.run(bump(1))),
        database.exclusively((session) => session.run(bump(1))),
      ]);
      await database.close();
      // One of a test before this may have ended meanwhile.
      assert.ok(own() <= before, `${own()} timers after, ${before} before`);
    });
  });

  interface User {
    readonly name: string;
    readonly password: string;
  }

  /** A user of the test's own, who may work on the database's table t only. */
  async function createUser(
    t: TestContext,
    admin: Admin,
    database: string,
    { rights = 'SELECT, UPDATE', limit }: { rights?: string; limit?: number },
  ): Promise<User> {
    const name = `address_server_${randomBytes(4).toString('hex')}`;
    const password = `pä:ss@w/ö?${randomBytes(4).toString('hex')}`;
    if (isMysql) {
      await admin.run(
        `CREATE USER '${name}'@'%' IDENTIFIED BY '${password}' ${limit === undefined ? '' : `WITH MAX_USER_CONNECTIONS ${limit}`}`,
      );
      await admin.run(`GRANT ${rights} ON ${database}.t TO '${name}'@'%'`);
    } else {
      await admin.run(`CREATE ROLE ${name} LOGIN PASSWORD '${password}' CONNECTION LIMIT ${limit ?? -1}`);
      await admin.run(`GRANT ${rights} ON t TO ${name}`);
    }
    // After the database, and what was granted in it, is dropped: hooks run in the order in which they were given.
    t.after(async () => {
      const last = await connectAdmin(server);
      await last.run(isMysql ? `DROP USER '${name}'@'%'` : `DROP ROLE ${name}`);
      await last.close();
    });
    return { name, password };
  }

  function asUser(url: string, { name, password }: User): string {
    const changed = new URL(url);
    changed.username = name;
    changed.password = encodeURIComponent(password);
    return changed.href;
  }
}
