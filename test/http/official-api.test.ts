import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bootstrapCluster, lines, live, pollPath } from '../support/nodes.js';
import { ask, CURL, getJson, NACOS, type RawAnswer } from '../support/raw.js';
import { startServer, type TestServer } from '../support/server.js';

const PATH = '/nacos/v1/as/nodes';

function put(server: TestServer, query: string): Promise<RawAnswer> {
  return ask(server, 'POST', `${PATH}?${query}`);
}

function remove(server: TestServer, query: string): Promise<RawAnswer> {
  return ask(server, 'DELETE', `${PATH}?${query}`);
}

function assertAnswer(answer: RawAnswer, status: number, body: string): void {
  assert.deepEqual([answer.status, answer.body], [status, body]);
}

test('the official texts and statuses, byte for byte', async (t) => {
  const server = await startServer(t);
  const all = 'product=nacos&cluster=serverlist';
  assertAnswer(
    await put(server, `${all}&ips=10.0.0.1,10.0.0.2`),
    200,
    'product=nacos,cluster=serverlist; put success with size=2',
  );
  assertAnswer(await ask(server, 'GET', '/nacos/serverlist'), 200, '10.0.0.1:8848\n10.0.0.2:8848\n');
  assertAnswer(await ask(server, 'GET', '/none/serverlist'), 404, 'product=none not found.');
  assertAnswer(await ask(server, 'GET', '/nacos/other'), 404, 'product=nacos,cluster=other not found.');
  assertAnswer(await put(server, `${all}&ips=a,b`), 400, 'illegal ip: a,b');
  assertAnswer(await remove(server, `${all}&ips=`), 400, 'ips must not be empty.');
  assertAnswer(await remove(server, 'product=nope&ips=10.0.0.1'), 404, 'product=nope not found.');
  assert.equal((await put(server, all)).status, 400);
  assertAnswer(
    await remove(server, `${all}&ips=10.0.0.1`),
    200,
    'product=nacos, cluster=serverlist delete success.',
  );
  const list = await ask(server, 'GET', '/nacos/serverlist');
  assertAnswer(list, 200, '10.0.0.2:8848\n');
  assert.equal(list.headers.get('content-type'), 'text/plain;charset=UTF-8');
});

test('product and cluster have the official defaults', async (t) => {
  const server = await startServer(t);
  assertAnswer(
    await put(server, 'ips=127.0.0.21'),
    200,
    'product=nacos,cluster=serverlist; put success with size=1',
  );
  assertAnswer(
    await remove(server, 'ips=127.0.0.21'),
    200,
    'product=nacos, cluster=serverlist delete success.',
  );
});

test('a put adds to the list and does not replace it', async (t) => {
  const server = await startServer(t);
  await put(server, 'ips=127.0.0.21');
  await put(server, 'ips=127.0.0.22,127.0.0.21');
  assertAnswer(await ask(server, 'GET', '/nacos/serverlist'), 200, '127.0.0.21:8848\n127.0.0.22:8848\n');
});

test('it holds ports, host names and IPv6, which the official one cannot', async (t) => {
  const server = await startServer(t);
  const answer = await put(server, 'ips=127.0.0.21:9000,nacos-1.example.,nacos-2:8848,::1,[::2]:9000');
  assertAnswer(answer, 200, 'product=nacos,cluster=serverlist; put success with size=5');
  assertAnswer(
    await ask(server, 'GET', '/nacos/serverlist'),
    200,
    '127.0.0.21:9000\nnacos-1.example.:8848\nnacos-2:8848\n[::1]:8848\n[::2]:9000\n',
  );
  assertAnswer(
    await remove(server, 'ips=[::2]:9000'),
    200,
    'product=nacos, cluster=serverlist delete success.',
  );
});

test('every bad entry is named, and nothing is put', async (t) => {
  const server = await startServer(t);
  assertAnswer(
    await put(server, 'ips=127.0.0.21,127.0.0.21:0,,::g,http://x'),
    400,
    'illegal ip: 127.0.0.21:0,,::g,http://x',
  );
  assert.equal((await ask(server, 'GET', '/nacos/serverlist')).status, 404);
});

test('a form may carry the parameters', async (t) => {
  const server = await startServer(t);
  const form = [...CURL, 'Content-Type: application/x-www-form-urlencoded'];
  const answer = await ask(server, 'POST', PATH, form, 'product=p&cluster=c&ips=127.0.0.21%2C127.0.0.22');
  assertAnswer(answer, 200, 'product=p,cluster=c; put success with size=2');
  assertAnswer(
    await ask(server, 'DELETE', PATH, form, 'product=p&cluster=c&ips=127.0.0.22'),
    200,
    'product=p, cluster=c delete success.',
  );
  assertAnswer(await ask(server, 'GET', '/p/c'), 200, '127.0.0.21:8848\n');
});

test('static members are listed until they are deleted, silent or not', async (t) => {
  const server = await startServer(t);
  await put(server, 'ips=127.0.0.21,127.0.0.22');
  await server.pass(300_000);
  assertAnswer(await ask(server, 'GET', '/nacos/serverlist'), 200, '127.0.0.21:8848\n127.0.0.22:8848\n');
  const { members } = await getJson<{ members: Record<string, unknown>[] }>(
    server,
    '/api/v1/clusters/nacos/serverlist',
  );
  assert.deepEqual(
    members.map(({ state, source, leaseMs }) => [state, source, leaseMs]),
    [
      ['static', 'static', undefined],
      ['static', 'static', undefined],
    ],
  );
});

test('a static member that also polls has a lease, and stays without it', async (t) => {
  const server = await startServer(t);
  await put(server, 'ips=127.0.0.21');
  await server.pass(1_000);
  assertAnswer(await ask(server, 'GET', pollPath('127.0.0.21'), NACOS), 200, '127.0.0.21:8848\n');
  const member = async (): Promise<Record<string, unknown>> =>
    (await getJson<{ members: Record<string, unknown>[] }>(server, '/api/v1/clusters/nacos/serverlist'))
      .members[0]!;
  const { source, leaseMs } = await member();
  assert.deepEqual([source, leaseMs], ['static', 15_000]);
  await server.pass(300_000);
  assertAnswer(await ask(server, 'GET', '/nacos/serverlist'), 200, '127.0.0.21:8848\n');
  assert.equal((await member()).leaseMs, 0);
});

test('a member that is put stays when its polls end', async (t) => {
  const server = await startServer(t);
  const nodes = await bootstrapCluster(t, server, ['127.0.0.21:8848', '127.0.0.22:8848', '127.0.0.23:8848']);
  await put(server, 'ips=127.0.0.23');
  await live(server, nodes.slice(0, 2), 200_000);
  assert.deepEqual(lines((await ask(server, 'GET', '/nacos/serverlist')).body).length, 3);
});

test('a deleted member’s own polls do not bring it back', async (t) => {
  const server = await startServer(t);
  const nodes = await bootstrapCluster(t, server, ['127.0.0.21:8848', '127.0.0.22:8848']);
  await live(server, nodes, 5_000);
  await remove(server, 'ips=127.0.0.22');
  assert.ok(!(await nodes[1]!.poll()).complete);
});

test('other methods are 405 with Allow', async (t) => {
  const server = await startServer(t);
  for (const method of ['GET', 'PUT', 'PATCH', 'OPTIONS', 'HEAD']) {
    const answer = await ask(server, method, PATH);
    assert.equal(answer.status, 405, method);
    assert.equal(answer.headers.get('allow'), 'POST, DELETE', method);
  }
  const node = await ask(server, 'GET', PATH, NACOS);
  assert.ok(!node.complete, 'a node whose url is the API’s does not start alone');
});
