import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../support/eventually.js';
import { bootstrapCluster, lines, live, NacosNode, pollPath } from '../support/nodes.js';
import { ask, CURL, getJson, NACOS, RawConnection, request } from '../support/raw.js';
import { startServer } from '../support/server.js';

const A = '127.0.0.11:8848';
const B = '127.0.0.12:8848';
const C = '127.0.0.13:8848';
const D = '127.0.0.14:8848';

test('self=auto is the connection’s remote address, with Nacos’s port or the one given', async (t) => {
  const server = await startServer(t);
  for (const [path, from, address] of [
    ['/nacos/one?self=auto', '127.0.0.5', '127.0.0.5:8848'],
    ['/nacos/two?self=auto:9000', '127.0.0.6', '127.0.0.6:9000'],
  ] as const) {
    const connection = await RawConnection.open(server.port, from);
    for (let i = 0; i < 2; i++) {
      connection.send(request('GET', path, NACOS));
      assert.equal((await connection.receive()).body, `${address}\n`);
    }
    connection.hangUp();
  }
  assert.equal((await ask(server, 'POST', '/nacos/three?self=auto')).body, '127.0.0.1:8848\n');
});

test('self without a port has Nacos’s, and is the same member as with it', async (t) => {
  const server = await startServer(t);
  assert.equal((await ask(server, 'GET', pollPath('127.0.0.11'), NACOS)).body, `${A}\n`);
  assert.equal((await ask(server, 'GET', pollPath(A), NACOS)).body, `${A}\n`);
  assert.equal((await ask(server, 'GET', pollPath('127.0.0.11%3A8848'), NACOS)).body, `${A}\n`);
});

test('an id of a live member is refused to another address', async (t) => {
  const server = await startServer(t);
  await bootstrapCluster(t, server, [A, B, C], (address) => `&id=nacos-${address.slice(8, 10)}`);
  const sentence =
    `id=nacos-11 belongs to ${A}, which is alive; ${D} can take its place once it is silent, ` +
    'or needs an id of its own\n';
  const node = await ask(server, 'GET', pollPath(D, '&id=nacos-11'), NACOS);
  assert.deepEqual([node.status, node.complete, node.body], [302, false, sentence]);
  for (const method of ['GET', 'POST']) {
    const person = await ask(server, method, pollPath(D, '&id=nacos-11'), CURL);
    assert.deepEqual([person.status, person.complete, person.body], [409, true, sentence]);
  }
});

test('a new address with the id of a silent member takes its place', async (t) => {
  const server = await startServer(t);
  const id = (address: string): string => `&id=nacos-${address.slice(8, 10)}`;
  const [a, b, c] = await bootstrapCluster(t, server, [A, B, C], id);
  c!.die();
  await live(server, [a!, b!], 20_000);
  const replacement = new NacosNode(t, server, pollPath(D, id(C)));
  assert.deepEqual(lines((await replacement.poll()).body), [A, B, C, D]);
  await live(server, [a!, b!, replacement], 60_000);
  assert.deepEqual(lines((await a!.poll()).body), [A, B, D]);
  const { events } = await getJson<{ events: { type: string; address: string }[] }>(
    server,
    '/api/v1/clusters/nacos/serverlist/events',
  );
  assert.ok(events.some(({ type, address }) => type === 'replaced' && address === C));
});

test('view=live leaves out who does not answer, never the caller, and is never empty', async (t) => {
  const server = await startServer(t);
  const nodes = await bootstrapCluster(t, server, [A, B, C]);
  await live(server, nodes.slice(0, 2), 20_000);
  const view = async (query: string): Promise<string[]> =>
    lines((await ask(server, 'GET', `/nacos/serverlist?view=live${query}`, NACOS)).body);
  assert.deepEqual(await view(''), [A, B]);
  assert.deepEqual(await view('&namespace=public'), [A, B]);
  assert.deepEqual(lines((await ask(server, 'GET', '/nacos/serverlist', NACOS)).body), [A, B, C]);
  assert.deepEqual(await view(`&self=${C}`), [A, B, C], 'who asks answers');
  await server.pass(20_000);
  assert.deepEqual(await view(''), [A, B, C], 'an SDK can do nothing with an empty list');
});

test('a Nacos without a context path, which asks for /serverlist, gets the usual list', async (t) => {
  const server = await startServer(t);
  const paths = ['/serverlist', '/nacos/serverlist'];
  const [node] = await bootstrapCluster(t, server, [A]);
  // By either door: the front door reads no TE.
  for (const headers of [NACOS, [...NACOS, 'TE: trailers'], CURL]) {
    for (const path of paths) assert.equal((await ask(server, 'GET', path, headers)).body, `${A}\n`);
  }
  const other = new NacosNode(t, server, `/serverlist?self=${B}&expect=2`);
  assert.deepEqual(lines((await other.poll()).body), [A, B]);
  assert.equal((await ask(server, 'POST', `/serverlist?self=${B}`)).status, 200);
  assert.equal((await ask(server, 'DELETE', `/serverlist?self=${B}`, CURL)).status, 200);
  assert.deepEqual(lines((await node!.poll()).body), [A]);
  const { clusters } = await getJson<{ clusters: { product: string; cluster: string }[] }>(
    server,
    '/api/v1/clusters',
  );
  assert.deepEqual(
    clusters.map(({ product, cluster }) => `${product}/${cluster}`),
    ['nacos/serverlist'],
  );
  // Where it is /foo, that is the product.
  assert.equal((await ask(server, 'GET', `/foo/serverlist?self=${C}`, NACOS)).body, `${C}\n`);
});

test('what SDK clients add to the query says nothing', async (t) => {
  const server = await startServer(t);
  await bootstrapCluster(t, server, [A, B]);
  for (const query of [
    'namespace=',
    'namespace=public',
    'namespace=a&namespace=b',
    'nofix=1',
    'Self=x:0',
    '%zz',
    '&&=',
  ]) {
    const answer = await ask(server, 'GET', `/nacos/serverlist?${query}`, NACOS);
    assert.deepEqual([answer.status, lines(answer.body)], [200, [A, B]], query);
  }
});

test('POST answers 202 and the reason while waiting, then the list', async (t) => {
  const server = await startServer(t);
  const first = await ask(server, 'POST', pollPath(A, '&expect=2'));
  assert.equal(first.status, 202);
  assert.equal(first.body, 'nacos/serverlist is bootstrapping: 1 of 2 members wait\n');
  assert.equal(first.headers.get('retry-after'), '2');
  const second = await ask(server, 'POST', pollPath(B, '&expect=2'));
  assert.equal(second.status, 200);
  assert.deepEqual(lines(second.body), [A, B]);
  assert.equal((await ask(server, 'POST', pollPath(A, '&format=json'))).body.slice(0, 12), '{"code":200,');
});

test('what is neither known nor waiting is not found, in the official words', async (t) => {
  const server = await startServer(t);
  const none = await ask(server, 'GET', '/none/serverlist');
  assert.deepEqual([none.status, none.body], [404, 'product=none not found.']);
  await bootstrapCluster(t, server, [A]);
  const other = await ask(server, 'GET', '/nacos/other');
  assert.deepEqual([other.status, other.body], [404, 'product=nacos,cluster=other not found.']);
  for (const path of ['/none/serverlist', '/nacos/other']) {
    const node = await ask(server, 'GET', path, NACOS);
    assert.deepEqual([node.status, node.complete], [302, false]);
    assert.match(node.body, /has no members/);
  }
});

test('a poll without self that comes during the bootstrap gets the list as soon as there is one', async (t) => {
  const server = await startServer(t, { rules: { pollHold: 2_000 } });
  const sdk = ask(server, 'GET', '/nacos/serverlist', NACOS);
  await eventually('it is held', () => server.service.find('nacos/serverlist')?.isWatched);
  await ask(server, 'POST', pollPath(A));
  assert.equal((await sdk).body, `${A}\n`);
});

test('R10: the end of a member’s connection is a sign of death, shown at once', async (t) => {
  const server = await startServer(t);
  const [, b] = await bootstrapCluster(t, server, [A, B, C]);
  server.probe.answers.set(B, 'refused');
  b!.die();
  const state = async (): Promise<string | undefined> =>
    (
      await getJson<{ members: { address: string; state: string }[] }>(
        server,
        '/api/v1/clusters/nacos/serverlist',
      )
    ).members.find(({ address }) => address === B)?.state;
  await eventually('it is shown as down', async () => (await state()) === 'down');
  assert.deepEqual(lines((await ask(server, 'GET', '/nacos/serverlist')).body), [A, B, C], 'it stays listed');
  assert.deepEqual(lines((await ask(server, 'GET', '/nacos/serverlist?view=live')).body), [A, C]);
  await server.pass(1_000);
  await b!.poll();
  assert.equal(await state(), 'live');
});

test('the end of a stranger’s or an SDK’s connection says nothing of a member', async (t) => {
  const server = await startServer(t);
  await bootstrapCluster(t, server, [A, B, C]);
  for (const self of [A, B, C]) server.probe.answers.set(self, 'refused');
  await ask(server, 'GET', '/nacos/serverlist', NACOS);
  await ask(server, 'POST', pollPath(A), CURL);
  await server.service.tick();
  const { cluster } = server.service.find('nacos/serverlist')!;
  for (const member of cluster.members.values()) assert.equal(member.presence, 'live');
});
