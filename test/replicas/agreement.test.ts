import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from '../../src/registry/cluster.js';
import type { RecordedEvent } from '../../src/registry/events.js';
import type { Database } from '../../src/store/sql/client/database.js';
import { Cleanup } from '../support/cleanup.js';
import { createDatabase, newerDatabases } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { lines, NacosNode, pollPath, whilePolling } from '../support/nodes.js';
import type { RawAnswer } from '../support/raw.js';
import { startReplica, type TestReplica, type TestReplicaOptions } from '../support/replicas.js';
import { connectPatiently, connectTo } from '../support/sql.js';
import { TcpProxy } from '../support/tcp-proxy.js';

const [P, Q, R, W] = ['127.0.1.1:8848', '127.0.1.2:8848', '127.0.1.3:8848', '127.0.1.4:8848'] as const;

/**
 * A poll that cannot be answered is held for as long as a slow machine may need, and not for Nacos's patience. It ends all the
 * same: one whose decision failed since the machine was too busy is tried again, as Nacos does. And nobody counts as silent
 * since a test did not come to poll for it.
 */
const PATIENT = { pollHold: 10_000, memberTtl: 600_000 };

const clusterOf = ({ service }: TestReplica): Cluster | undefined =>
  service.find('nacos/serverlist')?.cluster;
const listOf = (replica: TestReplica): string[] => [...(clusterOf(replica)?.members.keys() ?? [])].sort();
const revisionOf = (answer: RawAnswer): number => Number(answer.headers.get('address-server-revision'));
const eventsOf = async (replica: TestReplica): Promise<string[]> =>
  (await replica.service.events({ limit: 1_000 })).map(({ type, address }) =>
    `${type} ${address ?? ''}`.trim(),
  );

for (const server of newerDatabases) {
  const { name, skip } = server;
  describe(`servers on one ${name}`, { concurrency: 4, skip }, () => {
    /** Two servers; the database of each can be cut off. */
    const two = async (t: TestContext, options: Partial<TestReplicaOptions>[] = []) => {
      const cleanup = new Cleanup(t);
      const url = await createDatabase(cleanup, server);
      const start = async (id: string, more: Partial<TestReplicaOptions> = {}) => {
        const { proxy, proxied } = await TcpProxy.before(url);
        cleanup.after(() => proxy.close());
        const database = connectTo(cleanup, proxied);
        const rules = { ...PATIENT, ...more.rules };
        return { replica: await startReplica(cleanup, { database, id, ...more, rules }), proxy };
      };
      const a = await start('a', options[0]);
      const b = await start('b', options[1]);
      const direct = connectPatiently(cleanup, url);
      await eventually('each knows of the other', () =>
        [a, b].every(({ replica }) => replica.service.health().servers === 2),
      );
      return { a: a.replica, b: b.replica, proxyB: b.proxy, start, direct };
    };
    const node = (t: TestContext, replica: TestReplica, self: string, query = ''): NacosNode =>
      new NacosNode(t, replica, pollPath(self, query));
    const bootstrap = async (t: TestContext, ...at: [TestReplica, string][]): Promise<NacosNode[]> => {
      const nodes = at.map(([replica, self]) => node(t, replica, self, `&expect=${at.length}`));
      await Promise.all(nodes.map((one) => one.pollUntilListed()));
      return nodes;
    };

    it('found together: who waits at one is told when the other has the last', async (t) => {
      const { a, b } = await two(t);
      const first = node(t, a, P, '&expect=2').pollUntilListed();
      await eventually('P waits', () => clusterOf(b)?.waiting.has(P));
      const second = node(t, b, Q, '&expect=2').pollUntilListed();
      const answers = await Promise.all([first, second]);
      for (const answer of answers) assert.deepEqual(lines(answer.body), [P, Q]);
      assert.deepEqual(answers.map(revisionOf), [1, 1]);
      assert.equal((await eventsOf(a)).filter((event) => event === 'bootstrapped').length, 1);
    });

    it('tell each other of a change', async (t) => {
      const { a, b } = await two(t);
      const [p] = await bootstrap(t, [a, P], [b, Q]);
      await node(t, b, W).pollUntilListed();
      await eventually('a sends the new list', async () => lines((await p!.poll()).body).includes(W));
    });

    it('take a member for live that only one of them hears', async (t) => {
      // Far more than a slow machine takes between two polls, and less than what passes here.
      const rules = { memberTtl: 12_000 };
      const { a, b } = await two(t, [
        { rules, clockOff: 3_600_000 },
        { rules, clockOff: -3_600_000 },
      ]);
      const [p, q] = await bootstrap(t, [a, P], [b, Q]);
      for (let i = 0; i < 14; i++) {
        await sleep(1_000);
        await Promise.all([p!.poll(), q!.poll()]);
      }
      for (const replica of [a, b]) {
        for (const { presence } of clusterOf(replica)!.members.values()) assert.equal(presence, 'live');
      }
      const events: readonly RecordedEvent[] = await a.service.events({ limit: 100 });
      assert.deepEqual(
        events.filter(({ type }) => type === 'silent'),
        [],
      );
      for (const { time } of events) assert.ok(Math.abs(time - Date.now()) < 60_000, 'the database’s time');
    });

    it('send no new list while one of them may still send the old one', async (t) => {
      const { a, b, proxyB } = await two(t);
      const [p] = await bootstrap(t, [a, P], [b, Q]);
      proxyB.silence();
      const joiner = await node(t, a, W).pollUntilListed();
      assert.deepEqual(lines(joiner.body), [P, Q, W], 'the joiner has its list at once');
      const stale = node(t, b, P);
      for (let i = 0; i < 4; i++) {
        assert.deepEqual(lines((await p!.poll()).body), [P, Q], 'a still sends the list that b sends');
        assert.deepEqual(lines((await stale.poll()).body), [P, Q], 'b serves without its database');
        await sleep(400);
      }
      await proxyB.restore();
      for (const one of [p!, stale]) {
        await eventually(
          'all send the new list',
          async () => revisionOf(await one.poll()) === 2,
          undefined,
          100,
        );
      }
    });

    it('do not wait for one that was given up', async (t) => {
      const { a, b, proxyB, direct } = await two(t);
      const [p] = await bootstrap(t, [a, P], [b, Q]);
      proxyB.silence();
      await node(t, a, W).pollUntilListed();
      assert.equal(revisionOf(await p!.poll()), 1);
      // Two minutes, had they passed.
      const b4 = 'update address_server_replica set seen_at = seen_at - 130000 where id = ';
      await direct.run({ sql: `${b4}'b'`, parameters: [] });
      await eventually('a sends the new list', async () => revisionOf(await p!.poll()) === 2);
      await proxyB.restore();
      await eventually('b is back', () => b.service.health().servers === 2 && listOf(b).length === 3);
    });

    it('do not wait for one that was stopped', async (t) => {
      const { a, b } = await two(t);
      const [p] = await bootstrap(t, [a, P], [a, Q]);
      await b.stop();
      await node(t, a, W).pollUntilListed();
      await eventually('a sends the new list', async () => revisionOf(await p!.poll()) === 2);
    });

    it('lose no leave, whoever is told, and answer it when all have the list', async (t) => {
      const { a, b } = await two(t);
      const [p, q] = await bootstrap(t, [a, P], [b, Q], [b, R]);
      const url = `http://127.0.0.1:${a.port}/nacos/serverlist?self=${R}&wait=10s`;
      const answer = await whilePolling([p!, q!], () => fetch(url, { method: 'DELETE' }));
      assert.equal(answer.status, 200, await answer.text());
      assert.deepEqual(listOf(b), [P, Q]);
    });

    it('keep who waited at one that is gone', async (t) => {
      const { a, b, proxyB } = await two(t);
      const waiting = node(t, b, P, '&expect=2');
      const held = waiting.poll();
      await eventually('P waits', () => clusterOf(a)?.waiting.has(P));
      // As kill -9 does it: no word to the database, and connections that end.
      proxyB.silence();
      await b.stop();
      assert.ok(!(await held).complete);
      assert.ok(clusterOf(a)?.waiting.has(P));
      for (const answer of await Promise.all([
        node(t, a, Q, '&expect=2').pollUntilListed(),
        node(t, a, P, '&expect=2').pollUntilListed(),
      ])) {
        assert.deepEqual(lines(answer.body), [P, Q]);
      }
    });

    it('know one that was restarted under its name, and two that were given the same', async (t) => {
      const { a, b, start } = await two(t);
      await bootstrap(t, [a, P], [b, Q]);
      const again = await start('b');
      await eventually('three', () =>
        [a, b, again.replica].every((one) => one.service.health().servers === 3),
      );
      const joiner = await node(t, again.replica, W).pollUntilListed();
      assert.deepEqual(lines(joiner.body), [P, Q, W]);
      await eventually('all know', () => [a, b].every((one) => listOf(one).includes(W)));
    });

    it('never go back to an older list when the database does', async (t) => {
      const { a, b, direct } = await two(t);
      const [p, q] = await bootstrap(t, [a, P], [b, Q]);
      await node(t, a, W).pollUntilListed();
      await eventually('all have it', async () => revisionOf(await q!.poll()) === 2, undefined, 100);
      await setBack(direct, 1);
      await eventually('it is written back', () => hasMembers(direct, 3), undefined, 100);
      await eventually('both are there', () => [a, b].every((one) => one.service.health().servers === 2));
      for (const one of [p!, q!]) {
        const answer = await one.poll();
        assert.deepEqual([revisionOf(answer), lines(answer.body)], [2, [P, Q, W]]);
      }
    });

    it('know that the database lost all, also when the others have filled it again', async (t) => {
      // A fifth of it is how late a mere renewal may be written.
      const rules = { memberTtl: 60_000 };
      const { a, b, proxyB, direct } = await two(t, [{ rules }, { rules }]);
      const [, q] = await bootstrap(t, [a, P], [b, Q]);
      proxyB.silence();
      await setBack(direct, 0);
      await eventually('a has written it back', () => hasMembers(direct, 2), undefined, 100);
      // As it would be after some changes of other clusters.
      await direct.run({ sql: 'update address_server_clock set changes = 100', parameters: [] });
      const heard = async (): Promise<number> => {
        const [row] = await direct.run<{ heard_at: number }>({
          sql: `select heard_at from address_server_lease l join address_server_cluster c on c.id = l.cluster_id where address = '${Q}'`,
          parameters: [],
        });
        return row?.heard_at ?? -1;
      };
      const before = await heard();
      await proxyB.restore();
      await eventually('b is back', () => [a, b].every((one) => one.service.health().servers === 2));
      await eventually(
        'what b hears is written',
        async () => {
          await q!.poll();
          return (await heard()) > before;
        },
        undefined,
        300,
      );
    });

    it('forget a cluster that never was', async (t) => {
      const rules = { memberTtl: 2_000, pollHold: 500 };
      const { a, b } = await two(t, [{ rules }, { rules }]);
      const lonely = node(t, a, P, '&expect=3');
      // Again and again, lest it be forgotten before b has learned of it.
      await eventually('b knows', async () => {
        await lonely.poll();
        return clusterOf(b);
      });
      lonely.die();
      await eventually('both have forgotten it', () => !clusterOf(a) && !clusterOf(b));
    });
  });
}

/** The database loses all clusters at one moment, as an older copy does that takes its place. */
function setBack(database: Database, changes: number): Promise<void> {
  return database.transaction(60_000, async (session) => {
    // In the order in which the servers lock.
    for (const table of ['cluster', 'member', 'waiting', 'departed', 'lease']) {
      await session.run({ sql: `delete from address_server_${table}`, parameters: [] });
    }
    await session.run({ sql: `update address_server_clock set changes = ${changes}`, parameters: [] });
    await session.run({ sql: 'delete from address_server_replica', parameters: [] });
  });
}

async function hasMembers(database: Database, count: number): Promise<boolean> {
  const rows = await database.run({ sql: 'select address from address_server_member', parameters: [] });
  return rows.length === count;
}
