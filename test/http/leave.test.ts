import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../support/eventually.js';
import { bootstrapCluster, lines, live, NacosNode, pollPath } from '../support/nodes.js';
import { ask, CURL, NACOS, RawConnection, request } from '../support/raw.js';
import { startServer, type TestServer } from '../support/server.js';

const A = '127.0.0.11:8848';
const B = '127.0.0.12:8848';
const C = '127.0.0.13:8848';

async function list(server: TestServer): Promise<string[]> {
  return lines((await ask(server, 'GET', '/nacos/serverlist')).body);
}

/** Whether a promise has been settled by now. */
function watch(promise: Promise<unknown>): { settled: boolean } {
  const state = { settled: false };
  void promise.finally(() => (state.settled = true));
  return state;
}

test('DELETE with wait answers when every other live member has polled the list without it', async (t) => {
  const server = await startServer(t);
  const [a, b] = await bootstrapCluster(t, server, [A, B, C]);
  await server.pass(1_000);
  const leave = ask(server, 'DELETE', pollPath(C, '&wait=10s'));
  const answered = watch(leave);
  await eventually('it has left', () => server.service.find('nacos/serverlist')!.cluster.revision === 2);
  assert.deepEqual(lines((await a!.poll()).body), [A, B]);
  // Neither another's look at the list nor the leaving node's own poll tells B of it.
  await ask(server, 'GET', '/nacos/serverlist', NACOS);
  await ask(server, 'GET', pollPath(C), NACOS);
  assert.equal(answered.settled, false);
  await b!.poll();
  await server.pass(2_000);
  assert.equal(answered.settled, false, 'the last one still has to tell Raft');
  await server.pass(2_000);
  const answer = await leave;
  assert.deepEqual(
    [answer.status, answer.body],
    [200, `${C} left nacos/serverlist, revision 2; every live member has the list\n`],
  );
});

test('DELETE with wait gives up after it and says who has not polled', async (t) => {
  const server = await startServer(t);
  const [a] = await bootstrapCluster(t, server, [A, B, C]);
  const leave = ask(server, 'DELETE', pollPath(C, '&wait=500ms'));
  await eventually('it has left', () => server.service.find('nacos/serverlist')!.cluster.revision === 2);
  await a!.poll();
  await server.pass(3_000);
  const answer = await leave;
  assert.deepEqual(
    [answer.status, answer.body],
    [202, `${C} left nacos/serverlist, revision 2; not yet taken up by ${B}\n`],
  );
});

test('a silent member is not waited for', async (t) => {
  const server = await startServer(t);
  const [a, , c] = await bootstrapCluster(t, server, [A, B, C]);
  await live(server, [a!, c!], 20_000);
  const leave = ask(server, 'DELETE', pollPath(C, '&wait=10s'));
  await eventually('it has left', () => server.service.find('nacos/serverlist')!.cluster.revision === 2);
  await a!.poll();
  await server.pass(3_000);
  assert.equal((await leave).status, 200);
});

test('a heartbeat’s answer does not tell the Nacos it is sent for', async (t) => {
  const server = await startServer(t);
  const [a] = await bootstrapCluster(t, server, [A]);
  await ask(server, 'POST', pollPath(B));
  await live(server, [a!], 10_000);
  await ask(server, 'POST', pollPath(B));
  const leave = ask(server, 'DELETE', pollPath(A, '&wait=300ms'));
  await eventually('it has left', () => server.service.find('nacos/serverlist')!.cluster.revision === 3);
  await ask(server, 'POST', pollPath(B));
  const answer = await leave;
  assert.equal(answer.status, 202, 'its script has the list, its Nacos has not');
  assert.match(answer.body, /not yet taken up by 127\.0\.0\.12:8848/);
});

test('a leave needs self, and an address that is known', async (t) => {
  const server = await startServer(t);
  await bootstrapCluster(t, server, [A]);
  const missing = await ask(server, 'DELETE', '/nacos/serverlist');
  assert.equal(missing.status, 400);
  assert.match(missing.body, /^self is missing/);
  const unknown = await ask(server, 'DELETE', pollPath(B));
  assert.equal(unknown.status, 404);
  assert.match(unknown.body, /self="127\.0\.0\.12:8848" is not a member of nacos\/serverlist/);
  assert.deepEqual(await list(server), [A]);
});

test('a leave may be said twice', async (t) => {
  const server = await startServer(t);
  await bootstrapCluster(t, server, [A, B]);
  for (let i = 0; i < 2; i++) {
    const answer = await ask(server, 'DELETE', pollPath(B));
    assert.equal(answer.status, 200);
    assert.match(answer.body, /^127\.0\.0\.12:8848 left nacos\/serverlist, revision 2/);
  }
});

test('what a leaving node polls does not register it again: for 15 s, and on its old connections for good', async (t) => {
  const server = await startServer(t);
  const nodes = await bootstrapCluster(t, server, [A, B, C]);
  const [a, b, c] = nodes;
  const idle = await RawConnection.open(server.port);
  t.after(() => idle.hangUp());
  await live(server, nodes, 5_000);
  assert.equal((await ask(server, 'DELETE', pollPath(C))).status, 200);

  await live(server, [a!, b!], 5_000);
  const old = await c!.poll();
  assert.deepEqual([old.status, old.complete], [302, false]);
  assert.match(old.body, /127\.0\.0\.13:8848 has left/);
  const fresh = await ask(server, 'GET', pollPath(C), NACOS);
  assert.ok(!fresh.complete, 'a new connection within 15 s');

  await live(server, [a!, b!], 15_000);
  idle.send(request('GET', pollPath(C), NACOS));
  assert.ok(!(await idle.receive()).complete, 'an old connection after 15 s');
  assert.deepEqual(await list(server), [A, B]);

  const later = new NacosNode(t, server, pollPath(C));
  assert.deepEqual(lines((await later.poll()).body), [A, B, C], 'a new connection after 15 s');
});

test('the quiet time starts when a leave that waited is done', async (t) => {
  const server = await startServer(t);
  const [a, b] = await bootstrapCluster(t, server, [A, B, C]);
  await server.pass(1_000);
  const leave = ask(server, 'DELETE', pollPath(C, '&wait=10s'));
  await eventually('it has left', () => server.service.find('nacos/serverlist')!.cluster.revision === 2);
  await live(server, [a!], 10_000);
  await b!.poll();
  await server.pass(3_000);
  assert.equal((await leave).status, 200);
  await live(server, [a!, b!], 10_000);
  assert.ok(
    !(await ask(server, 'GET', pollPath(C), NACOS)).complete,
    '23 s after the leave, quiet until 25 s',
  );
});

test('the last one that leaves empties the cluster, which bootstraps as a new one', async (t) => {
  const server = await startServer(t);
  await bootstrapCluster(t, server, [A]);
  await server.pass(1_000);
  assert.equal((await ask(server, 'DELETE', pollPath(A, '&wait=10s'))).status, 200);
  const node = await ask(server, 'GET', '/nacos/serverlist', NACOS);
  assert.deepEqual([node.status, node.complete], [302, false]);
  const person = await ask(server, 'GET', '/nacos/serverlist', CURL);
  assert.equal(person.status, 503);
  assert.match(person.body, /no list/);

  const one = await ask(server, 'GET', pollPath(B, '&expect=2'), NACOS);
  assert.ok(!one.complete, 'expect counts again');
  const [b, c] = await Promise.all(
    [B, C].map((self) => new NacosNode(t, server, pollPath(self, '&expect=2')).pollUntilListed()),
  );
  assert.deepEqual(lines(b!.body), [B, C]);
  assert.equal(c!.body, b!.body);
  assert.equal(server.service.find('nacos/serverlist')!.cluster.epoch, 2);
});

test('a waiting address may leave too', async (t) => {
  const server = await startServer(t);
  await ask(server, 'POST', pollPath(A, '&expect=2'));
  assert.equal((await ask(server, 'DELETE', pollPath(A))).status, 200);
  const other = await ask(server, 'POST', pollPath(B, '&expect=2'));
  assert.equal(other.status, 202);
  assert.match(other.body, /1 of 2 members wait/);
});
