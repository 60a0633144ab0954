import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { Cleanup } from '../support/cleanup.js';
import { newerDatabases, openAdmin, type ServerName } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { lines, NacosNode, pollPath, whilePolling } from '../support/nodes.js';
import { assertSecret, makePlace, TABLES, type Place } from '../support/place.js';
import { privateServerMissing } from '../support/private-server.js';
import { ask, CURL, JSON_CLIENT, NACOS, type RawAnswer } from '../support/raw.js';
import { startReplica, type TestReplica } from '../support/replicas.js';
import { connectTo } from '../support/sql.js';

const [P, Q, R, W, X] = [1, 2, 3, 4, 5].map((n) => `127.0.2.${n}:8848`) as [
  string,
  string,
  string,
  string,
  string,
];

/**
 * Nacos gives up a poll that takes longer, in milliseconds. A machine that is busy just then may take longer, so it is tried
 * again, with all that must be said each time.
 */
const PATIENCE = 2_500;

/** A fifth of it is how late a mere renewal may be written, which must be less than what an outage takes here. */
const RULES = { memberTtl: 7_500 };

/**
 * What a member waits for a list that is in memory: not until the end of a hold (2 s), which is what it would wait for the
 * database. Amply, since a slow machine has other things to do.
 */
const AT_ONCE = 1_900;

/** One way in which a database fails, and how it is mended. */
interface Failure {
  readonly name: string;
  /** What /readyz says of it. */
  readonly reason: RegExp;
  /** Those that need a server of their own. */
  readonly private?: readonly ServerName[];
  /** Whether it forgets the time too: what was heard meanwhile then counts as heard when it failed. */
  readonly losesTime?: true;
  /** Returns how it is mended. */
  readonly fail: (place: Place, cleanup: Cleanup) => Promise<() => Promise<unknown>>;
}

const cutOff = async ({ proxy }: Place): Promise<void> => {
  await proxy.refuse();
  proxy.cut();
};

const FAILURES: readonly Failure[] = [
  {
    name: 'is stopped',
    reason: /cannot be reached; check that the server runs|closed the connection/,
    fail: async (place) => {
      await cutOff(place);
      return () => place.proxy.restore();
    },
  },
  {
    name: 'is silent',
    reason: /has not answered for 0\.9 s|could not connect to .* within|was abandoned/,
    fail: ({ proxy }) => {
      proxy.silence();
      return Promise.resolve(() => proxy.restore());
    },
  },
  {
    name: 'is too slow',
    reason: /has not answered for 0\.9 s|could not connect to .* within|was abandoned/,
    fail: ({ proxy }) => {
      proxy.delay(500);
      return Promise.resolve(() => proxy.restore());
    },
  },
  {
    name: 'fails over: it is gone, then its address is silent, then another one has it',
    reason: /cannot be reached|closed the connection|has not answered|could not connect to/,
    fail: async (place) => {
      const { proxy } = place;
      await cutOff(place);
      return async () => {
        await proxy.restore();
        proxy.silence();
        await sleep(1_000);
        await proxy.restore();
      };
    },
  },
  {
    name: 'is read-only',
    reason: /is read-only; DATABASE_URL may point to a replica/,
    private: ['mariadb', 'mysql-8'],
    fail: async ({ dialect, admin, database, proxy }) => {
      const set = (onOrOff: string): Promise<unknown> =>
        admin.run(
          dialect === 'mysql'
            ? `SET GLOBAL read_only = ${onOrOff}`
            : `ALTER DATABASE ${database} SET default_transaction_read_only = ${onOrOff}`,
        );
      await set('on');
      proxy.cut();
      // The administrator may write all the same: in MySQL as such, in PostgreSQL since the session was there before.
      return () => set('off');
    },
  },
  {
    name: 'has no connection left',
    reason: /has too many connections; raise its limit/,
    fail: async ({ dialect, admin, user, directUrl, proxy }, cleanup) => {
      const isMysql = dialect === 'mysql';
      const limit = (count: number): Promise<unknown> =>
        admin.run(
          isMysql
            ? `ALTER USER ${user} WITH MAX_USER_CONNECTIONS ${count}`
            : `ALTER ROLE ${user} CONNECTION LIMIT ${count}`,
        );
      const other = await openAdmin(dialect, directUrl);
      cleanup.after(() => other.close());
      await limit(1);
      proxy.cut();
      return () => limit(50);
    },
  },
  {
    name: 'has another password for the user',
    reason: /does not accept the user and password of DATABASE_URL/,
    private: ['postgres'],
    fail: async ({ dialect, admin, user, password, proxy }) => {
      const set = (text: string): Promise<unknown> =>
        admin.run(
          dialect === 'mysql'
            ? `ALTER USER ${user} IDENTIFIED BY '${text}'`
            : `ALTER ROLE ${user} PASSWORD '${text}'`,
        );
      await set('another');
      proxy.cut();
      return () => set(password);
    },
  },
  {
    name: 'lets the user read only',
    reason: /does not grant the user of DATABASE_URL a right that is needed/,
    fail: async ({ admin, user, grant }) => {
      for (const table of TABLES) await admin.run(`REVOKE INSERT, UPDATE, DELETE ON ${table} FROM ${user}`);
      return grant;
    },
  },
  {
    name: 'has lost its tables',
    reason: /lacks a table or column; run `nacos-address-server migrate`/,
    losesTime: true,
    fail: async ({ admin, migrate, grant }) => {
      await admin.run(`DROP TABLE ${TABLES.join(', ')}`);
      return async () => {
        await migrate();
        await grant();
      };
    },
  },
  {
    name: 'has a table that somebody locks',
    reason: /lock/,
    fail: async ({ dialect, admin }) => {
      const isMysql = dialect === 'mysql';
      if (!isMysql) await admin.run('BEGIN');
      await admin.run(
        isMysql
          ? 'LOCK TABLES address_server_clock WRITE'
          : 'LOCK TABLE address_server_clock IN ACCESS EXCLUSIVE MODE',
      );
      return () => admin.run(isMysql ? 'UNLOCK TABLES' : 'COMMIT');
    },
  },
];

interface Readiness {
  readonly status: string;
  readonly reason?: string;
  readonly graceMs: number;
}

/** An answer, and how long it took. */
async function timed(answer: Promise<RawAnswer>): Promise<RawAnswer & { readonly took: number }> {
  const started = performance.now();
  const got = await answer;
  return { ...got, took: performance.now() - started };
}

async function readiness(replica: TestReplica): Promise<Readiness & { readonly code: number }> {
  const { status, body } = await ask(replica, 'GET', '/readyz', CURL);
  return { ...(JSON.parse(body) as Readiness), code: status };
}

// Six at once left a slow machine no time for a poll within Nacos's patience, and all of them mostly wait anyway.
describe('R9, the database out of reach', { concurrency: 1 }, () => {
  for (const server of newerDatabases) {
    const { name: serverName, skip } = server;
    /** Two servers whose database is behind one proxy, with the members P, Q and R. */
    const setUp = async (t: TestContext, isPrivate = false) => {
      const cleanup = new Cleanup(t);
      const place = await makePlace(cleanup, server, { isPrivate });
      const said: string[] = [];
      const log = pino({ level: 'info' }, { write: (line: string) => void said.push(line) });
      const start = (id: string): Promise<TestReplica> =>
        startReplica(cleanup, { database: connectTo(cleanup, place.url), id, log, rules: RULES });
      const replicas = [await start('a'), await start('b')];
      const [a, b] = replicas as [TestReplica, TestReplica];
      await eventually('each knows of the other', () =>
        replicas.every(({ service }) => service.health().servers === 2),
      );
      const members = [P, Q, R].map(
        (self, i) => new NacosNode(cleanup, i === 1 ? b : a, pollPath(self, '&expect=3')),
      );
      await Promise.all(members.map((member) => member.pollUntilListed()));
      const settled = (revision: number) => (): boolean =>
        replicas.every(({ service }) => {
          const entry = service.find('nacos/serverlist');
          return entry?.cluster.revision === revision && !entry.isPending;
        });
      await eventually('both have the list', settled(1));
      const heard = async (): Promise<Record<string, number>> => {
        const rows = await place.admin.run<{ address: string; heard_at: unknown }>(
          'SELECT address, heard_at FROM address_server_lease',
        );
        return Object.fromEntries(rows.map(({ address, heard_at }) => [address, Number(heard_at)]));
      };

      const clock = async (): Promise<number> => {
        const [row] = await place.admin.run<{ ms: unknown }>(
          'SELECT hearing_ms AS ms FROM address_server_clock',
        );
        return Number(row?.ms);
      };

      const everyListOnce = async (expected: readonly string[]): Promise<boolean> => {
        const asked = [
          ...members.map((member) => timed(member.poll())),
          ...replicas.flatMap((replica) => [
            timed(ask(replica, 'GET', '/nacos/serverlist', NACOS)),
            timed(ask(replica, 'GET', '/nacos/serverlist', CURL)),
            timed(ask(replica, 'GET', pollPath(P), NACOS)),
          ]),
        ];
        const answers = await Promise.all(asked);
        for (const { status, body, complete } of answers) {
          assert.deepEqual([status, complete, lines(body)], [200, true, expected]);
        }
        return answers.every(({ took }) => took < AT_ONCE);
      };
      const everyList = async (expected: readonly string[]): Promise<void> => {
        await eventually('every list comes at once', () => everyListOnce(expected));
      };
      const nothingNewOnce = async (): Promise<boolean> => {
        const asked = replicas.flatMap((replica) => [
          timed(ask(replica, 'GET', pollPath(W), NACOS)),
          timed(ask(replica, 'DELETE', pollPath(R, '&wait=5s'), CURL)),
        ]);
        const answers = await Promise.all(asked);
        for (const [i, answer] of answers.entries()) {
          const isPoll = i % 2 === 0;
          assert.deepEqual(
            [answer.status, answer.complete],
            isPoll ? [302, false] : [503, true],
            answer.body,
          );
          if (!isPoll) {
            assert.equal(answer.headers.get('retry-after'), '2');
            // What was under way when the store stopped to answer may have been made.
            assert.match(
              answer.body,
              /was not taken off nacos\/serverlist|it is not known whether the change was made/,
            );
          }
          assertSecret(place, answer.body);
        }
        return answers.every(({ took }) => took < PATIENCE);
      };
      const nothingNew = async (): Promise<void> => {
        await eventually('what cannot be decided is said in time', nothingNewOnce);
      };
      return { cleanup, place, said, replicas, members, settled, heard, clock, everyList, nothingNew };
    };

    /** What must hold once the database is there again, whatever it was. */
    const assertBack = async (
      test: Awaited<ReturnType<typeof setUp>>,
      before: Record<string, number>,
      losesTime: boolean,
    ): Promise<void> => {
      const { cleanup, replicas, heard, clock, settled, everyList } = test;
      const [, b] = replicas as [TestReplica, TestReplica];
      for (const replica of replicas) {
        const ready = await eventually('it is up again by itself', async () => {
          const now = await readiness(replica);
          return now.status === 'up' && now;
        });
        assert.equal(ready.code, 200);
        assert.ok(ready.graceMs > 0 && ready.graceMs <= 15_000, `grace ${ready.graceMs}`);
      }
      const isRenewed = (now: number | undefined, then = 0): boolean =>
        now !== undefined && (losesTime ? now >= then : now > then);
      await eventually('the renewals are in the database', async () => {
        const now = await heard();
        return [P, Q, R].every((self) => isRenewed(now[self], before[self]));
      });
      assert.ok((await clock()) >= Math.max(...Object.values(before)), 'the clock does not go back');
      await eventually('each knows of the other', () =>
        replicas.every(({ service }) => service.health().servers === 2),
      );
      const joined = await new NacosNode(cleanup, b, pollPath(X)).pollUntilListed();
      assert.deepEqual(lines(joined.body), [P, Q, R, X]);
      await eventually('all have the new list', settled(2));
      await everyList([P, Q, R, X]);
    };

    describe(`a ${serverName} that`, { concurrency: 3, skip }, () => {
      for (const { name, reason, fail, private: isPrivate, losesTime } of FAILURES) {
        const needsOwn = isPrivate?.includes(serverName) ?? false;
        it(name, { skip: needsOwn && privateServerMissing(serverName) }, async (t) => {
          const test = await setUp(t, needsOwn);
          const { cleanup, place, said, replicas, members, heard, everyList, nothingNew } = test;
          const before = await heard();
          const mend = await fail(place, cleanup);
          // At its beginning, when nobody knows of it yet, and later.
          await Promise.all([everyList([P, Q, R]), nothingNew()]);
          const states = await Promise.all(
            replicas.map((replica) =>
              eventually('it is degraded', async () => {
                const now = await readiness(replica);
                return now.status === 'degraded' && reason.test(now.reason ?? '') && now;
              }).catch(async (error: unknown) => {
                throw new Error(`${String(error)}: ${JSON.stringify(await readiness(replica))}`);
              }),
            ),
          );
          for (const state of states) {
            assert.equal(state.code, 200);
            assertSecret(place, state.reason ?? '');
          }
          const until = performance.now() + 1_500;
          while (performance.now() < until) {
            for (const replica of replicas) {
              assert.equal(
                (await readiness(replica)).status,
                'degraded',
                'it is not up between two failures',
              );
            }
            await everyList([P, Q, R]);
          }
          await nothingNew();
          const events = await ask(replicas[0]!, 'GET', '/api/v1/events', JSON_CLIENT);
          if (events.status !== 200) assert.equal(events.status, 503);
          assertSecret(place, events.body);
          await Promise.all(members.map((member) => member.poll()));
          await mend();
          await assertBack(test, before, losesTime ?? false);
          for (const line of said) assertSecret(place, line);
          assert.ok(said.some((line) => line.includes('the store is unavailable')));
        });
      }

      it('is restarted: all connections are cut once', async (t) => {
        const test = await setUp(t);
        const { place, members, heard, everyList } = test;
        const before = await heard();
        place.proxy.cut();
        await everyList([P, Q, R]);
        await Promise.all(members.map((member) => member.poll()));
        await eventually('it goes on', async () => (await heard())[P]! > before[P]!);
        const joined = await whilePolling(members, () =>
          new NacosNode(test.cleanup, test.replicas[0]!, pollPath(X)).pollUntilListed(),
        );
        assert.deepEqual(lines(joined.body), [P, Q, R, X]);
        await eventually('all have the new list', test.settled(2));
        await everyList([P, Q, R, X]);
      });

      for (const ms of [15, 30]) {
        it(`takes ${2 * ms} ms for each statement, and is used all the same`, async (t) => {
          const test = await setUp(t);
          const { cleanup, place, replicas, members, everyList, settled } = test;
          place.proxy.delay(ms);
          await everyList([P, Q, R]);
          const joined = await whilePolling(members, () =>
            new NacosNode(cleanup, replicas[0]!, pollPath(X)).pollUntilListed(),
          );
          assert.deepEqual(lines(joined.body), [P, Q, R, X]);
          await eventually('all have the new list', settled(2));
          await everyList([P, Q, R, X]);
          for (const replica of replicas) {
            await eventually('it is up', async () => (await readiness(replica)).status === 'up');
          }
        });
      }
    });
  }
});
