import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { Newcomers } from '../../src/http/access/newcomers.js';
import { emptyCluster } from '../../src/registry/cluster.js';
import { LeaseClock } from '../../src/runtime/lease-clock.js';
import { clusterRow } from '../../src/store/rows.js';
import { SqliteDatabase } from '../../src/store/sqlite/database.js';
import { SqliteStore } from '../../src/store/sqlite/sqlite-store.js';
import { migrationsFolder } from '../../src/util/package-info.js';
import { recordingLog } from '../support/log.js';
import { ask } from '../support/raw.js';
import { startServer } from '../support/server.js';
import { tempFolder } from '../support/temp.js';

const addresses = (network: number, count: number): string =>
  Array.from({ length: count }, (_, i) => `10.${network}.${i >> 8}.${i & 255}`).join(',');

test('many puts at once do not pass the limit of all addresses together', async (t) => {
  const server = await startServer(t, { rules: { maxAddresses: 250 } });
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, i) =>
      ask(server, 'POST', `/nacos/v1/as/nodes?cluster=c${i}&ips=${addresses(i, 100)}`),
    ),
  );
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 200, ...Array<number>(8).fill(400)]);
  const refused = answers.find(({ status }) => status === 400);
  assert.match(refused?.body ?? '', /more than 250 addresses, the most this server takes \(MAX_ADDRESSES\)/);
});

test('a cluster that was bootstrapped by a slip is deleted, and makes room', async (t) => {
  const server = await startServer(t, { rules: { maxAddresses: 150 } });
  const put = (cluster: string, network: number) =>
    ask(server, 'POST', `/nacos/v1/as/nodes?cluster=${cluster}&ips=${addresses(network, 100)}`);
  assert.equal((await put('slip', 1)).status, 200);
  assert.equal((await put('other', 2)).status, 400);
  const path = '/api/v1/clusters/nacos/slip';
  const early = await ask(server, 'DELETE', path);
  assert.equal(early.status, 409);
  assert.match(early.body, /was heard, or put, 0 s ago/);
  await server.pass(61_000);
  const done = await ask(server, 'DELETE', path);
  assert.deepEqual([done.status, JSON.parse(done.body)], [200, { product: 'nacos', cluster: 'slip' }]);
  assert.equal((await ask(server, 'GET', path)).status, 404);
  assert.equal((await ask(server, 'DELETE', path)).status, 404);
  assert.equal((await put('other', 2)).status, 200);
  const { body } = await ask(server, 'GET', '/api/v1/events?limit=1000');
  assert.match(body, /"type":"deleted"/);
});

test('a start with more than fits serves what was heard last, bootstraps nothing in the place of the rest, and says so', async (t) => {
  const first = await startServer(t);
  await ask(first, 'POST', `/nacos/v1/as/nodes?cluster=old&ips=${addresses(1, 100)}`);
  await first.pass(61_000);
  await ask(first, 'POST', `/nacos/v1/as/nodes?cluster=new&ips=${addresses(2, 100)}`);
  await first.stop();

  const { log, text } = recordingLog();
  const clock = new LeaseClock();
  const migrations = migrationsFolder('sqlite');
  const second = await startServer(t, {
    file: first.file,
    log,
    rules: { maxAddresses: 150 },
    wrap: () => new SqliteStore({ file: first.file, migrations, clock, most: 150 }),
  });
  assert.match(text(), /1 stored cluster\(s\) are not served/);
  const list = await ask(second, 'GET', '/nacos/new');
  assert.equal(list.body.trimEnd().split('\n').length, 100);
  assert.equal((await ask(second, 'GET', '/nacos/old')).status, 404);
  const beat = await ask(second, 'POST', '/nacos/old?self=10.9.9.9:8848');
  assert.equal(beat.status, 507, beat.body);
  assert.match(beat.body, /nacos\/old is stored and not served/);
  await second.stop();

  const third = await startServer(t, { file: first.file });
  const kept = await ask(third, 'GET', '/nacos/old');
  assert.equal(kept.body.trimEnd().split('\n').length, 100, 'nothing was lost');
});

test('one client without a token makes so many clusters, and so many addresses that nobody relies on', async (t) => {
  const server = await startServer(t, {
    access: { clientAddresses: 3, clientClusters: 2 },
    rules: { pollHold: 0 },
  });
  const beat = (cluster: string, last: number, from?: string) =>
    ask(server, 'POST', `/nacos/${cluster}?self=10.0.0.${last}:8848&expect=9`, undefined, '', from);
  for (const [cluster, last] of [
    ['a', 1],
    ['a', 2],
    ['b', 3],
  ] as const) {
    assert.equal((await beat(cluster, last)).status, 202);
  }
  const address = await beat('a', 4);
  assert.equal(address.status, 507);
  assert.match(
    address.body,
    /127\.0\.0\.1 has 3 addresses that wait or have not settled yet.*CLIENT_ADDRESSES/,
  );
  assert.equal((await beat('a', 1)).status, 202, 'who waits goes on waiting');
  assert.equal((await beat('a', 4, '127.0.0.9')).status, 202, 'each client counts for itself');
  assert.match((await beat('c', 5)).body, /127\.0\.0\.1 has made 2 clusters.*CLIENT_CLUSTERS/);
});

test('what has settled or is gone counts no more, and with a token nothing does', async (t) => {
  const fresh = new Set<string>();
  const there = new Set<string>();
  const made = {
    isNew: (_: string, address: string) => fresh.has(address),
    exists: (name: string) => there.has(name),
  };
  const newcomers = new Newcomers({ addresses: 2, clusters: 1 }, made);
  const take = (cluster: string, address: string): boolean => {
    const isTaken = newcomers.take('1.2.3.4', cluster, [address]) === undefined;
    if (isTaken) {
      fresh.add(address);
      there.add(cluster);
    }
    return isTaken;
  };
  assert.deepEqual(
    [take('a', 'x'), take('a', 'y'), take('a', 'z'), take('b', 'x')],
    [true, true, false, false],
  );
  fresh.delete('x');
  assert.deepEqual([take('a', 'z'), take('a', 'w')], [true, false]);
  fresh.clear();
  there.delete('a');
  assert.equal(take('b', 'x'), true);
  const server = await startServer(t, {
    access: {
      clientAddresses: 1,
      clientClusters: 1,
      changeTokens: { tokens: [{ text: 'secret-secret-secret', cluster: undefined }], file: undefined },
    },
    rules: { pollHold: 0 },
  });
  for (let i = 1; i < 5; i++) {
    const path = `/nacos/c${i}?self=10.0.0.${i}:8848&expect=9&token=secret-secret-secret`;
    assert.equal((await ask(server, 'POST', path)).status, 202);
  }
});

test('nodes that come back after their cluster was deleted found it, and its revisions go on', async (t) => {
  const first = await startServer(t);
  const beat = (server: typeof first): ReturnType<typeof ask> =>
    ask(server, 'POST', '/nacos/slip?self=10.9.9.9:8848&revision=1');
  assert.equal((await ask(first, 'POST', '/nacos/v1/as/nodes?cluster=slip&ips=10.9.9.9')).status, 200);
  await first.pass(61_000);
  assert.equal((await ask(first, 'DELETE', '/api/v1/clusters/nacos/slip')).status, 200);
  await first.stop();

  const second = await startServer(t, { file: first.file });
  assert.equal((await ask(second, 'GET', '/api/v1/clusters/nacos/slip')).status, 404);
  assert.doesNotMatch((await ask(second, 'GET', '/api/v1/clusters')).body, /slip/);
  const answer = await beat(second);
  assert.equal(answer.status, 200, answer.body);
  const found = await ask(second, 'GET', '/api/v1/clusters/nacos/slip');
  assert.equal((JSON.parse(found.body) as { revision: number }).revision, 3);
});

test('of deleted clusters the latest are kept', (t) => {
  const folder = tempFolder(t);
  const database = new SqliteDatabase(join(folder, 'registry.db'), migrationsFolder('sqlite'), 20);
  t.after(() => database.close());
  const none = { put: [], remove: [] };
  const tables = { members: none, waiting: none, tombstones: none, leases: none };
  for (let i = 0; i <= 20; i++) {
    const key = { product: 'nacos', name: `c${i}` };
    const cluster = clusterRow({ ...emptyCluster(key), revision: 2, changedAt: i });
    database.commit({ ...tables, key, cluster, events: [], time: i, hearing: i });
  }
  assert.equal(database.loadOne({ product: 'nacos', name: 'c0' }), undefined);
  assert.equal(database.loadOne({ product: 'nacos', name: 'c1' })?.cluster.revision, 2);
});
