import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { test } from 'node:test';
import type { ClusterView, MemberView } from '../../src/registry/view.js';
import { eventually } from '../support/eventually.js';
import { scrape } from '../support/exposition.js';
import { bootstrapCluster, lines, live, pollPath } from '../support/nodes.js';
import { ask, CURL, getJson, RawConnection, request, type RawAnswer } from '../support/raw.js';
import { startServer, type TestServer } from '../support/server.js';

/* What an agent says with its heartbeats: the list that its Nacos has, how long it waits, that its Nacos does not answer. */

const A = '127.0.0.11:8848';
const B = '127.0.0.12:8848';
const C = '127.0.0.13:8848';
const CLUSTER = '/api/v1/clusters/nacos/serverlist';

const beat = (server: TestServer, self: string, query = ''): Promise<RawAnswer> =>
  ask(server, 'POST', pollPath(self, query), CURL);

async function memberOf(server: TestServer, self: string): Promise<MemberView> {
  const { members } = await getJson<ClusterView>(server, CLUSTER);
  return members.find(({ address }) => address === self)!;
}

/** Sends a heartbeat that the server holds. */
async function held(server: TestServer, self: string, query: string): Promise<RawConnection> {
  const connection = await RawConnection.open(server.port);
  connection.send(request('POST', pollPath(self, query), CURL));
  await eventually('it is held', () => server.service.find('nacos/serverlist')?.isWatched);
  return connection;
}

test('what it has is what its Nacos was delivered, which a mere heartbeat cannot say', async (t) => {
  const server = await startServer(t);
  await beat(server, A);
  await beat(server, B);
  assert.deepEqual(
    await memberOf(server, A).then(({ deliveredRevision: delivered, upToDate: current }) => [
      delivered,
      current,
    ]),
    [0, false],
  );
  for (const [has, delivered] of [
    [1, 1],
    [2, 2],
    [1, 2],
    [99, 2],
  ] as const) {
    assert.equal((await beat(server, A, `&revision=${has}`)).status, 200);
    assert.equal((await memberOf(server, A)).deliveredRevision, delivered, `revision=${has}`);
  }
  assert.equal((await memberOf(server, A)).upToDate, true);
  assert.equal((await memberOf(server, B)).deliveredRevision, 0);
});

test('a joiner settles when all agents have the list with it', async (t) => {
  const server = await startServer(t);
  await beat(server, A, '&revision=0');
  await beat(server, B, '&revision=0');
  const pass = async (has: string): Promise<void> => {
    for (let i = 0; i < 6; i++) {
      await server.pass(5_000);
      await beat(server, A, has);
      await beat(server, B, '&revision=2');
    }
  };
  await pass('&revision=1');
  assert.equal((await memberOf(server, B)).settled, false, 'A has never had it');
  await pass('&revision=2');
  assert.equal((await memberOf(server, B)).settled, true);
});

test('it is held while its Nacos has the list, and answered at once when there is another', async (t) => {
  const server = await startServer(t);
  await beat(server, A);
  const connection = await held(server, A, '&revision=1&wait=60s');
  // In real time, which its duration is measured in.
  await delay(1_000);
  await ask(server, 'POST', '/nacos/v1/as/nodes?ips=127.0.0.12', CURL);
  const answer = await connection.receive({ timeout: 50_000 });
  assert.deepEqual(lines(answer.body), [A, B]);
  assert.equal(answer.headers.get('address-server-revision'), '2');
  const seconds = (await scrape(server)).value('address_server_heartbeat_duration_seconds_sum', {
    outcome: 'list',
  });
  assert.ok(seconds < 1, 'what it asked for is not the server’s slowness');
});

test('it is answered at once when it has another, and after its wait when nothing changes', async (t) => {
  const server = await startServer(t);
  await beat(server, A);
  const behind = performance.now();
  assert.equal((await beat(server, A, '&revision=0&wait=60s')).status, 200);
  assert.ok(performance.now() - behind < 50_000, 'not after its wait');
  const started = performance.now();
  const answer = await beat(server, A, '&revision=1&wait=300ms');
  assert.deepEqual([answer.status, answer.body], [200, `${A}\n`]);
  assert.ok(performance.now() - started >= 290);
});

test('it is never held for longer than half a lease, which it does not renew meanwhile', async (t) => {
  const server = await startServer(t, { rules: { memberTtl: 1_000 } });
  await beat(server, A);
  const started = performance.now();
  assert.equal((await beat(server, A, '&revision=1&wait=60s')).status, 200);
  const took = performance.now() - started;
  assert.ok(took >= 490 && took < 50_000, `${took} ms`);
});

test('one that waits is held until it is listed, and told why when it is not', async (t) => {
  const server = await startServer(t, { rules: { pollHold: 500 } });
  const started = performance.now();
  const alone = await beat(server, A, '&expect=2&revision=0&wait=60s');
  assert.deepEqual([alone.status, alone.headers.get('address-server-waiting')], [202, 'bootstrapping']);
  assert.ok(performance.now() - started >= 490);
  const first = await held(server, A, '&expect=2&revision=0&wait=60s');
  assert.equal((await beat(server, B, '&expect=2&revision=0&wait=60s')).status, 200);
  const answer = await first.receive();
  assert.equal(answer.status, 200, 'the gate opened for it too');
  assert.deepEqual(lines(answer.body), [A, B]);
});

test('who waits and hangs up is gone at once', async (t) => {
  const server = await startServer(t, { rules: { pollHold: 2_000 } });
  const connection = await held(server, A, '&expect=2&revision=0&wait=60s');
  connection.hangUp();
  await eventually('it is gone', async () => {
    const answer = await ask(server, 'GET', CLUSTER, CURL);
    return answer.status === 404 || !answer.body.includes(A);
  });
});

test('one that has left is told so in a word', async (t) => {
  const server = await startServer(t);
  await beat(server, A, '&revision=0');
  await beat(server, B, '&revision=0');
  const connection = await held(server, B, '&revision=2&wait=5s');
  assert.equal((await ask(server, 'DELETE', pollPath(B), CURL)).status, 200);
  for (const answer of [await connection.receive(), await beat(server, B, '&revision=2&wait=5s')]) {
    assert.deepEqual([answer.status, answer.headers.get('address-server-waiting')], [202, 'left']);
  }
});

test('a leave is answered as soon as the agents have the list without it', async (t) => {
  const server = await startServer(t);
  await Promise.all([A, B, C].map((self) => beat(server, self, '&expect=3&revision=0&wait=2s')));
  for (const self of [A, B, C]) await beat(server, self, '&revision=1');
  const leaving = ask(server, 'DELETE', pollPath(C, '&wait=10s'), CURL);
  await eventually('it is off', () => !server.service.find('nacos/serverlist')?.cluster.members.has(C));
  for (const self of [A, B]) await beat(server, self, '&revision=2');
  await server.pass(3_000);
  const answer = await leaving;
  assert.deepEqual([answer.status, answer.body.includes('every live member has the list')], [200, true]);
});

test('a problem is no renewal; it is recorded once, shown, and probed for at once', async (t) => {
  const server = await startServer(t);
  const nodes = await bootstrapCluster(t, server, [A, B, C]);
  server.probe.answers.set(C, 'refused');
  const problem = `&unhealthy=${encodeURIComponent('its port has not answered for 6 s')}`;
  for (let i = 0; i < 3; i++) {
    const answer = await beat(server, C, problem);
    assert.deepEqual([answer.status, lines(answer.body)], [200, [A, B, C]]);
  }
  await eventually('it is down', async () => (await memberOf(server, C)).state === 'down');
  assert.equal((await memberOf(server, C)).problem, 'its port has not answered for 6 s');
  const { events } = await getJson<{ events: { type: string; address?: string; reason: string }[] }>(
    server,
    `${CLUSTER}/events`,
  );
  const said = events.filter(({ address, type }) => address === C && type !== 'waiting');
  assert.deepEqual(said.map(({ type }) => type).sort(), ['down', 'unhealthy']);
  assert.equal(
    said.find(({ type }) => type === 'unhealthy')?.reason,
    'its agent says: its port has not answered for 6 s; it stays listed',
  );
  for (let i = 0; i < 4; i++) {
    await live(server, nodes.slice(0, 2), 5_000);
    await beat(server, C, problem);
  }
  assert.ok((await memberOf(server, C)).silentMs! >= 20_000);
  server.probe.answers.delete(C);
  await beat(server, C, '&revision=1');
  await eventually('it is back', async () => (await memberOf(server, C)).state === 'live');
  assert.equal((await memberOf(server, C)).problem, undefined);
});

test('a problem registers nobody', async (t) => {
  const server = await startServer(t);
  await beat(server, A);
  const answer = await beat(server, B, '&unhealthy=x');
  assert.deepEqual(
    [answer.status, answer.body],
    [404, `self="${B}" is not listed in nacos/serverlist; a node that does not answer is not registered\n`],
  );
  assert.equal(server.service.find('nacos/serverlist')?.cluster.waiting.size, 0);
});

test('what is wrong with the words is said', async (t) => {
  const server = await startServer(t);
  for (const [query, sentence] of [
    ['&revision=-1', /revision="-1" is not a revision/],
    ['&revision=1.5', /revision="1.5" is not a revision/],
    ['&unhealthy=', /unhealthy="" is not a sentence of 1 to 300 characters/],
    ['&unhealthy=a%0Ab', /unhealthy="a\\nb" is not a sentence/],
    [`&unhealthy=${'x'.repeat(301)}`, /is not a sentence/],
  ] as const) {
    const answer = await beat(server, A, query);
    assert.equal(answer.status, 400, query);
    assert.match(answer.body, sentence);
  }
  const answer = await ask(server, 'POST', '/nacos/serverlist?revision=1', CURL);
  assert.match(answer.body, /revision="1" is about a member, and none is named/);
});
