import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually, NEVER } from '../support/eventually.js';
import { bootstrapCluster, lines, NacosNode, pollPath } from '../support/nodes.js';
import { ask, CURL, NACOS, RawConnection, request } from '../support/raw.js';
import { startServer, type TestServer } from '../support/server.js';

const A = '127.0.0.11:8848';
const B = '127.0.0.12:8848';
const C = '127.0.0.13:8848';

function waiting(server: TestServer): number {
  return server.service.find('nacos/serverlist')?.cluster.waiting.size ?? 0;
}

function listed(server: TestServer): string[] {
  return [...(server.service.find('nacos/serverlist')?.cluster.members.keys() ?? [])].sort();
}

test('held polls all get one identical list at the moment when enough wait', async (t) => {
  const server = await startServer(t, { rules: { pollHold: 2 * NEVER } });
  const early = [A, B].map((self) => new NacosNode(t, server, pollPath(self, '&expect=3')).poll());
  await eventually('two wait', () => waiting(server) === 2);
  const last = new NacosNode(t, server, pollPath(C, '&expect=3')).poll();
  const answers = await Promise.all([...early, last]);
  assert.deepEqual(lines(answers[0].body), [A, B, C]);
  for (const answer of answers) {
    assert.deepEqual([answer.status, answer.complete, answer.body], [200, true, answers[0].body]);
  }
});

test('the largest expect wins', async (t) => {
  const server = await startServer(t);
  const two = await Promise.all(
    [pollPath(A, '&expect=3'), pollPath(B, '&expect=2')].map((path) => ask(server, 'GET', path, NACOS)),
  );
  for (const answer of two) assert.ok(!answer.complete);
  assert.deepEqual(listed(server), []);
  assert.deepEqual(lines((await ask(server, 'GET', pollPath(C), NACOS)).body), [A, B, C]);
});

test('without expect one is enough', async (t) => {
  const server = await startServer(t);
  assert.equal((await ask(server, 'GET', pollPath(A), NACOS)).body, `${A}\n`);
});

test('a caller that hangs up during the hold no longer counts as waiting', async (t) => {
  const server = await startServer(t, { rules: { pollHold: 2_000 } });
  const gone = await RawConnection.open(server.port);
  gone.send(request('GET', pollPath(A, '&expect=2'), NACOS));
  await eventually('it waits', () => waiting(server) === 1);
  gone.hangUp();
  await eventually('it is forgotten', () => waiting(server) === 0);

  const other = await RawConnection.open(server.port);
  other.send(request('GET', pollPath(B, '&expect=2'), NACOS));
  await eventually('another waits', () => waiting(server) === 1);
  assert.deepEqual(listed(server), []);
  other.hangUp();
});

test('a caller that tries again at once, as Nacos does, goes on waiting', async (t) => {
  const server = await startServer(t);
  const early = new NacosNode(t, server, pollPath(A, '&expect=2'));
  for (let i = 0; i < 3; i++) assert.ok(!(await early.poll()).complete);
  const [one, other] = await Promise.all([
    early.pollUntilListed(),
    new NacosNode(t, server, pollPath(B, '&expect=2')).pollUntilListed(),
  ]);
  assert.deepEqual(lines(one.body), [A, B]);
  assert.equal(other.body, one.body);
});

test('one that joins is held at the gate, and answered at once when it opens', async (t) => {
  const server = await startServer(t, { rules: { pollHold: 2 * NEVER, settleAfter: 1_000 } });
  const [initialMember] = await bootstrapCluster(t, server, [A]);
  const joiner = new NacosNode(t, server, pollPath(B));
  assert.deepEqual(lines((await joiner.poll()).body), [A, B]);
  await initialMember!.poll();
  await server.service.tick();

  const held = new NacosNode(t, server, pollPath(C)).poll();
  await eventually('it waits', () => waiting(server) === 1);
  assert.deepEqual(listed(server), [A, B], 'not before the other has settled');
  await server.pass(1_000);
  assert.deepEqual(lines((await held).body), [A, B, C]);
});

test('a waiting node is told why', async (t) => {
  const server = await startServer(t);
  await bootstrapCluster(t, server, [A]);
  await ask(server, 'GET', pollPath(B), NACOS);
  const answer = await ask(server, 'GET', pollPath(C), CURL);
  assert.equal(answer.status, 503);
  assert.equal(
    answer.body,
    `${C} waits to join nacos/serverlist: ${B} joined only just, and those that have settled must stay a majority\n`,
  );
});

test('no list is empty, though time passes while the first member is being stored', async (t) => {
  const server = await startServer(t);
  let ticking = true;
  t.after(() => (ticking = false));
  const ticks = (async () => {
    while (ticking) {
      await server.service.tick();
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  for (let i = 0; i < 30; i++) {
    const answer = await ask(server, 'GET', `/nacos/list-${i}?self=${A}`, NACOS);
    assert.equal(answer.body, `${A}\n`);
  }
  const held = Array.from({ length: 10 }, (_, i) =>
    [A, B].map((self) =>
      new NacosNode(t, server, `/nacos/pair-${i}?self=${self}&expect=2`).pollUntilListed(),
    ),
  ).flat();
  for (const answer of await Promise.all(held)) assert.deepEqual(lines(answer.body), [A, B]);
  ticking = false;
  await ticks;
});
