import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Database } from '../../src/store/sql/client/database.js';
import type { ClusterSummary } from '../../src/registry/view.js';
import { Cleanup } from '../support/cleanup.js';
import { connectAdmin, createDatabase, newerDatabases, type TestServer } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { ask } from '../support/raw.js';
import { startReplica, type TestReplica } from '../support/replicas.js';
import { connectPatiently, connectTo } from '../support/sql.js';
import { StreamClient } from '../support/stream.js';

interface Two {
  readonly cleanup: Cleanup;
  readonly a: TestReplica;
  readonly b: TestReplica;
  readonly direct: Database;
  /** The name of the database. */
  readonly database: string;
}

async function two(t: TestContext, server: TestServer): Promise<Two> {
  const cleanup = new Cleanup(t);
  const url = await createDatabase(cleanup, server);
  const start = (id: string) => startReplica(cleanup, { database: connectTo(cleanup, url), id });
  const [a, b] = [await start('a'), await start('b')];
  await eventually('each knows of the other', () =>
    [a, b].every(({ service }) => service.health().servers === 2),
  );
  return { cleanup, a, b, direct: connectPatiently(cleanup, url), database: new URL(url).pathname.slice(1) };
}

const put = async (at: TestReplica, cluster: string, address: string): Promise<void> => {
  const { status, body } = await ask(at, 'POST', `/nacos/v1/as/nodes?cluster=${cluster}&ips=${address}`);
  assert.equal(status, 200, body);
};

/** The numbers of all events that are committed. */
async function history(direct: Database): Promise<number[]> {
  const sql = 'select seq from address_server_event order by seq';
  return (await direct.run<{ seq: number }>({ sql, parameters: [] })).map(({ seq }) => seq);
}

/** Writes an event as another server does whose decision is not committed yet. */
function insertEvent(reason: string): string {
  return `insert into address_server_event (time_ms, product, name, \`type\`, revision, reason) values (1, 'nacos', 'late', 'waiting', 0, '${reason}')`;
}

for (const server of newerDatabases) {
  const { name, dialect, skip } = server;
  describe(`the stream of servers on one ${name}`, { concurrency: 3, skip }, () => {
    it('tells of what the other did', async (t) => {
      const { cleanup, a, b, direct } = await two(t, server);
      const client = await StreamClient.open(cleanup, b);
      await client.next('snapshot');
      await put(a, 'one', '127.0.0.11');
      await eventually('b tells the event', () => client.seqs.length > 0);
      await client.next<{ changed: ClusterSummary[] }>(
        'clusters',
        ({ changed }) => changed[0]?.members === 1,
      );
      assert.deepEqual(client.seqs, await history(direct));
    });

    it('tells everything once, whichever of them one comes back to', async (t) => {
      const { cleanup, a, b, direct } = await two(t, server);
      let isOver = false;
      const making = Promise.all(
        [a, b].map(async (at, server) => {
          for (let i = 1; i <= 40; i++) await put(at, `c${server}-${i % 3}`, `127.0.${server}.${i}`);
        }),
      ).then(() => (isOver = true));
      const stays = await StreamClient.open(cleanup, a, '?after=0');
      const seen: number[] = [];
      let id = '0';
      for (let visit = 0; visit < 6 || !isOver; visit++) {
        const client = await StreamClient.open(cleanup, visit % 2 ? a : b, '', { 'Last-Event-ID': id });
        await eventually('it is told something', () => isOver || client.seqs.length > 0);
        client.hangUp();
        await eventually('it has hung up', () => client.isEnded);
        seen.push(...client.seqs);
        id = client.lastId ?? id;
      }
      await making;
      const last = await StreamClient.open(cleanup, b, '', { 'Last-Event-ID': id });
      const all = await history(direct);
      await eventually('it has all', () => seen.length + last.seqs.length >= all.length);
      await eventually('and so has who stayed', () => stays.seqs.length >= all.length);
      const sorted = (seqs: number[]) => [...seqs].sort((one, other) => one - other);
      assert.deepEqual(sorted([...seen, ...last.seqs]), all);
      assert.deepEqual(sorted(stays.seqs), all);
    });

    it('tells an event with a smaller number that is committed later, also to who came back between', async (t) => {
      const { cleanup, a, b, direct, database } = await two(t, server);
      await put(b, 'one', '127.0.0.10');
      const statement = insertEvent('late');
      const [stays, goes] = [await StreamClient.open(cleanup, a), await StreamClient.open(cleanup, a)];
      await Promise.all([stays.next('snapshot'), goes.next('snapshot')]);
      // By hand: the program's own session would not be let be silent for so long.
      const other = await connectAdmin(server, database);
      cleanup.after(() => other.close());
      await other.run('BEGIN');
      await other.run(dialect === 'postgres' ? statement.replaceAll('`', '"') : statement);
      await put(a, 'one', '127.0.0.11');
      await eventually('the later one is told', () => goes.seqs.length === 1 && stays.seqs.length === 1);
      assert.match(goes.lastId!, /^\d+~\d+$/, 'a smaller one may still come');
      goes.hangUp();
      const between = await StreamClient.open(cleanup, b, '', { 'Last-Event-ID': goes.lastId! });
      await between.next('snapshot');
      await other.run('COMMIT');
      const all = await history(direct);
      const [late, later] = all.slice(-2);
      await eventually('who came back is told', () => between.seqs.length > 0);
      await eventually('who stayed is told', () => stays.seqs.length > 1);
      assert.deepEqual([goes.seqs, between.seqs, stays.seqs], [[later], [late], [later, late]]);
      await put(a, 'one', '127.0.0.12');
      await eventually('all go on', () => [between, stays].every(({ seqs }) => seqs.length > 1));
    });

    it('starts anew when the database is set back', async (t) => {
      const { cleanup, a, direct } = await two(t, server);
      for (let i = 1; i <= 30; i++) await put(a, 'one', `127.0.0.${i}`);
      const client = await StreamClient.open(cleanup, a, '?after=0');
      await eventually('it has all', async () => client.seqs.length === (await history(direct)).length);
      const { length } = client.seqs;
      const [first] = client.seqs;
      const run = (sql: string) => direct.run({ sql, parameters: [] });
      await run(`delete from address_server_event where seq > ${first}`);
      await run(
        dialect === 'mysql'
          ? `alter table address_server_event auto_increment = ${first! + 1}`
          : `select setval(pg_get_serial_sequence('address_server_event', 'seq'), ${first!})`,
      );
      let more = 0;
      const putAnother = async (): Promise<boolean> => {
        await put(a, 'one', `127.0.1.${++more}`);
        return client.seqs.length > length;
      };
      await eventually('what is new is told', putAnother, 60_000, 2_000);
      assert.ok(more < 25, 'although its number is one that was told before');
      const all = await history(direct);
      await eventually('the last of it too', () => client.seqs.at(-1) === all.at(-1));
      const told = client.seqs.slice(length);
      assert.deepEqual(told, all.slice(-told.length));
    });
  });
}
