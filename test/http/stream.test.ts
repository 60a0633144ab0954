import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import {
  clusterView,
  serverView,
  streamClusters,
  streamEvents,
  streamSnapshot,
  type ServerView,
} from '../../src/http/api/schemas.js';
import type { ClusterSummary, ClusterView } from '../../src/registry/view.js';
import { eventually, NEVER } from '../support/eventually.js';
import { FlakyStore } from '../support/flaky-store.js';
import { bootstrapCluster } from '../support/nodes.js';
import { ask, getJson, JSON_CLIENT, NACOS } from '../support/raw.js';
import { startServer, type TestServer } from '../support/server.js';
import { StreamClient } from '../support/stream.js';
import { tempFolder } from '../support/temp.js';

const A = '127.0.0.11:8848';
const B = '127.0.0.12:8848';

const SCOPED = 'a-token-for-one-cluster-only';

interface Snapshot {
  readonly clusters: ClusterSummary[];
  readonly server: ServerView;
}
interface Changes {
  readonly changed: ClusterSummary[];
  readonly gone: string[];
}
interface Told {
  readonly events: { seq: number; type: string; cluster: string }[];
}

const put = (server: TestServer, address: string, cluster = 'serverlist') =>
  ask(server, 'POST', `/nacos/v1/as/nodes?cluster=${cluster}&ips=${address}`);

/** The numbers of all events, as the store has them. */
async function history(server: TestServer): Promise<number[]> {
  const { events } = await getJson<Told>(server, '/api/v1/events?after=0&limit=1000');
  return events.map(({ seq }) => seq);
}

describe('the stream', { concurrency: 4 }, () => {
  test('starts with a snapshot, and tells what changes', async (t) => {
    const server = await startServer(t);
    await bootstrapCluster(t, server, [A]);
    const client = await StreamClient.open(t, server);
    const { clusters, server: view } = await client.next<Snapshot>('snapshot');
    assert.deepEqual(clusters, (await getJson<{ clusters: unknown }>(server, '/api/v1/clusters')).clusters);
    assert.deepEqual(view, await getJson(server, '/api/v1/server'));
    assert.equal(client.retry, 2_000);
    assert.equal(client.headers['content-type'], 'text/event-stream');
    assert.equal(client.headers['cache-control'], 'no-store');

    await put(server, B);
    const { changed, gone } = await client.next<Changes>('clusters');
    assert.deepEqual(
      changed.map(({ cluster, members, revision }) => [cluster, members, revision]),
      [['serverlist', 2, 2]],
    );
    assert.deepEqual(gone, []);
    const { events } = await client.next<Told>('events');
    assert.deepEqual(
      events.map(({ type }) => type),
      ['admitted'],
    );
    assert.equal(client.messages[0]?.event, 'snapshot');
    assert.equal(client.lastId, String(events[0]?.seq));
    const schemas = {
      snapshot: streamSnapshot,
      clusters: streamClusters,
      events: streamEvents,
      server: serverView,
    };
    for (const { event, data } of client.messages) schemas[event as keyof typeof schemas].parse(data);
  });

  test('tells of a cluster that is gone, and of one that nobody knows yet', async (t) => {
    const server = await startServer(t, { rules: { pollHold: 30 } });
    const client = await StreamClient.open(t, server, '?cluster=nacos/new');
    assert.equal(await client.next('cluster', (data) => data === null), null);
    await ask(server, 'POST', `/nacos/new?self=${A}&expect=3`);
    const view = await client.next<ClusterView | null>('cluster', (data) => data !== null);
    assert.deepEqual(
      clusterView.parse(view).waiting.map(({ address, code }) => [address, code]),
      [[A, 'bootstrapping']],
    );
    await client.next<Changes>('clusters', ({ changed }) => changed.length === 1);
    await server.pass(16_000);
    const { gone } = await client.next<Changes>('clusters', (data) => data.gone.length > 0);
    assert.deepEqual(gone, ['nacos/new']);
    await eventually('it is unknown', () => client.all('cluster').at(-1) === null);
  });

  test('tells of one cluster whole: at once, at every change, and as its leases run', async (t) => {
    const server = await startServer(t);
    const [a] = await bootstrapCluster(t, server, [A]);
    const client = await StreamClient.open(t, server, '?cluster=nacos/serverlist');
    const first = await client.next<ClusterView>('cluster');
    assert.deepEqual(clusterView.parse(first), await getJson(server, '/api/v1/clusters/nacos/serverlist'));
    await put(server, B);
    await client.next<ClusterView>('cluster', ({ revision }) => revision === 2);
    await a!.poll();
    await client.next<ClusterView>('cluster', ({ members }) => members[0]?.deliveredRevision === 2);
    await server.pass(4_000);
    await client.next<ClusterView>('cluster', ({ members }) => members[0]?.silentMs === 4_000);
    const second = await StreamClient.open(t, server, '?cluster=nacos/serverlist');
    await second.next<ClusterView>('cluster', ({ revision }) => revision === 2);
  });

  test('goes on after Last-Event-ID, or after a number, without a gap and without doubles', async (t) => {
    const server = await startServer(t);
    await bootstrapCluster(t, server, [A]);
    const first = await StreamClient.open(t, server, '?after=0');
    await eventually('it has the history', () => first.seqs.length === 2);
    await put(server, B);
    await eventually('it has the news', () => first.seqs.length === 3);
    const { lastId } = first;
    first.hangUp();
    for (let i = 21; i <= 25; i++) await put(server, `127.0.0.${i}`);

    const second = await StreamClient.open(t, server, '?after=0', { 'Last-Event-ID': lastId! });
    await put(server, '127.0.0.26');
    const all = await history(server);
    await eventually('it has the rest', () => first.seqs.length + second.seqs.length >= all.length);
    assert.deepEqual([...first.seqs, ...second.seqs], all);
    assert.deepEqual(second.messages[0]?.event, 'snapshot');
    await assert.rejects(StreamClient.open(t, server, '', { 'Last-Event-ID': 'x' }), /400/);

    const third = await StreamClient.open(t, server, `?after=${second.lastId}`);
    await put(server, '127.0.0.27');
    await eventually('it has what is new', () => third.seqs.length > 0);
    assert.deepEqual(third.seqs, (await history(server)).slice(all.length));
  });

  test('misses nothing however often one comes back while events come', async (t) => {
    const server = await startServer(t);
    let isOver = false;
    const making = (async () => {
      for (let i = 1; i <= 150; i++) await put(server, `127.0.1.${i}`, `c${i % 7}`);
      isOver = true;
    })();
    const seen: number[] = [];
    let id = '0';
    for (let visits = 0; visits < 5 || !isOver; visits++) {
      const client = await StreamClient.open(t, server, '', { 'Last-Event-ID': id });
      await eventually('it is told something', () => isOver || client.seqs.length > 0, NEVER, 5);
      client.hangUp();
      await eventually('it has hung up', () => client.isEnded);
      seen.push(...client.seqs);
      id = client.lastId ?? id;
    }
    await making;
    const last = await StreamClient.open(t, server, '', { 'Last-Event-ID': id });
    const all = await history(server);
    await eventually('it has all', () => seen.length + last.seqs.length >= all.length);
    assert.deepEqual([...seen, ...last.seqs], all);
  });

  test('starts anew when the history that a reader knows is another', async (t) => {
    const server = await startServer(t);
    const client = await StreamClient.open(t, server, '', { 'Last-Event-ID': '4711' });
    await client.next('snapshot');
    await put(server, A);
    await eventually('it is told what is new', () => client.seqs.length > 0);
    assert.deepEqual(client.seqs, await history(server));
  });

  test('tells of an outage, in which members still grow silent, and of its end (R9)', async (t) => {
    let store: FlakyStore | undefined;
    const server = await startServer(t, { wrap: (real) => (store = new FlakyStore(real)) });
    await bootstrapCluster(t, server, [A, B]);
    const client = await StreamClient.open(t, server);
    await client.next('snapshot');
    store!.become('failing');
    await server.service.sync();
    const down = await client.next<ServerView>('server', ({ status }) => status === 'degraded');
    assert.match(down.reason!, /the disk is gone/);
    const late = await StreamClient.open(t, server, '?after=0');
    assert.equal((await late.next<Snapshot>('snapshot')).server.status, 'degraded');
    await server.pass(16_000);
    const { changed } = await client.next<Changes>('clusters', ({ changed: [one] }) => one?.live === 0);
    assert.equal(changed[0]!.state, 'quorum-lost');
    assert.deepEqual(late.seqs, []);
    store!.become('up');
    await server.service.sync();
    await client.next<ServerView>('server', ({ status, graceMs }) => status === 'up' && graceMs > 0);
    const all = await eventually('what the store has is told at last', async () => {
      const seqs = await history(server);
      return late.seqs.length >= seqs.length && seqs;
    });
    assert.deepEqual(late.seqs, all);
  });

  test('forgets who hangs up, and answers HEAD without listening', async (t) => {
    const server = await startServer(t);
    const { feed } = server.server;
    const clients = await Promise.all([1, 2, 3].map(() => StreamClient.open(t, server, '?cluster=a/b')));
    await Promise.all(clients.map((client) => client.next('snapshot')));
    assert.equal(feed.listeners, 3);
    clients[0]!.hangUp();
    await eventually('one is gone', () => feed.listeners === 2);
    const head = await ask(server, 'HEAD', '/api/v1/stream', JSON_CLIENT);
    assert.deepEqual([head.status, head.headers.get('content-type')], [200, 'text/event-stream']);
    for (const client of clients) client.hangUp();
    await eventually('nobody listens', () => feed.listeners === 0);
    const again = await StreamClient.open(t, server);
    await again.next('snapshot');
    await put(server, A);
    await again.next<Changes>('clusters');
    assert.deepEqual(again.seqs, await history(server));
  });

  test('ends with the server', async (t) => {
    const server = await startServer(t, { limits: { drain: 2 * NEVER } });
    const client = await StreamClient.open(t, server);
    await client.next('snapshot');
    const started = performance.now();
    await server.stop();
    await eventually('it has ended', () => client.isEnded);
    assert.ok(performance.now() - started < NEVER, 'before what is under way is cut');
    assert.equal(server.server.feed.listeners, 0);
  });

  test('ends when its token is rotated out', async (t) => {
    const file = join(tempFolder(t), 'tokens');
    writeFileSync(file, `${SCOPED}\n`);
    const server = await startServer(t, { access: { readTokens: { tokens: [], file } } });
    await bootstrapCluster(t, server, [A]);
    const headers = { Authorization: `Bearer ${SCOPED}` };
    const all = await StreamClient.open(t, server, '', headers);
    const one = await StreamClient.open(t, server, '?cluster=nacos/serverlist', headers);
    for (const client of [all, one]) await client.next<Snapshot>('snapshot');
    writeFileSync(file, 'another-token-0123456789\n');
    await server.access.look();
    await put(server, B);
    for (const client of [all, one]) await eventually('it is ended', () => client.isEnded);
    assert.ok(!JSON.stringify([all.messages, one.messages]).includes(B), 'and told of nothing more');
  });

  test('tells only of what a token may read', async (t) => {
    const tokens = [{ text: SCOPED, cluster: 'nacos/serverlist' }];
    const server = await startServer(t, { access: { readTokens: { tokens, file: undefined } } });
    for (const cluster of ['serverlist', 'other']) await ask(server, 'POST', `/nacos/${cluster}?self=${A}`);
    await assert.rejects(StreamClient.open(t, server), /401/);
    const authorization = { Authorization: `Bearer ${SCOPED}` };
    await assert.rejects(StreamClient.open(t, server, '?cluster=nacos/other', authorization), /403/);
    const client = await StreamClient.open(t, server, '?cluster=nacos/serverlist&after=0', authorization);
    const { clusters } = await client.next<Snapshot>('snapshot');
    assert.deepEqual(
      clusters.map(({ cluster }) => cluster),
      ['serverlist'],
    );
    for (const cluster of ['other', 'serverlist']) await ask(server, 'POST', `/nacos/${cluster}?self=${B}`);
    await client.next<Changes>('clusters');
    await eventually('it is told of its own', () => client.seqs.length === 4);
    const told = client.all<Told>('events').flatMap(({ events }) => events);
    assert.ok(told.every(({ cluster }) => cluster === 'serverlist'));
    const changes = client.all<Changes>('clusters').flatMap(({ changed }) => changed);
    assert.ok(changes.every(({ cluster }) => cluster === 'serverlist'));
  });
});

test('a Nacos node that went astray is not kept', async (t) => {
  const server = await startServer(t);
  const answer = await ask(server, 'GET', '/api/v1/stream', NACOS);
  assert.deepEqual([answer.status, answer.complete], [302, false]);
  assert.equal(server.server.feed.listeners, 0);
});
