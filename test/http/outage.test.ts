import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { eventually } from '../support/eventually.js';
import { FlakyStore } from '../support/flaky-store.js';
import { bootstrapCluster, lines, live, pollPath } from '../support/nodes.js';
import { ask, CURL, getJson, JSON_CLIENT, NACOS } from '../support/raw.js';
import { startServer, type TestServer } from '../support/server.js';
import { tempFolder } from '../support/temp.js';

const A = '127.0.0.11:8848';
const B = '127.0.0.12:8848';
const C = '127.0.0.13:8848';
const D = '127.0.0.14:8848';

interface Readiness {
  readonly status: string;
  readonly reason?: string;
  readonly graceMs: number;
}

async function readiness(server: TestServer): Promise<Readiness & { code: number }> {
  const answer = await ask(server, 'GET', '/readyz', CURL);
  return { ...(JSON.parse(answer.body) as Readiness), code: answer.status };
}

async function startFlaky(t: TestContext): Promise<{ server: TestServer; store: FlakyStore }> {
  let store: FlakyStore | undefined;
  const server = await startServer(t, { wrap: (real) => (store = new FlakyStore(real)) });
  return { server, store: store! };
}

/** What R9 promises of a server with members A, B, C while its store is away. */
async function assertServesFromMemory(server: TestServer): Promise<void> {
  for (const self of [A, B, C]) {
    const listed = await ask(server, 'GET', pollPath(self, '&expect=3'), NACOS);
    assert.deepEqual([listed.status, lines(listed.body)], [200, [A, B, C]]);
    assert.equal((await ask(server, 'POST', pollPath(self))).status, 200);
  }
  for (const path of [pollPath(D), `/nacos/new?self=${D}`]) {
    const unlisted = await ask(server, 'GET', path, NACOS);
    assert.deepEqual([unlisted.status, unlisted.complete], [302, false], path);
    assert.match(unlisted.body, /the store is unavailable/);
    const person = await ask(server, 'POST', path);
    assert.deepEqual([person.status, person.complete], [503, true], path);
    assert.equal(person.headers.get('retry-after'), '2');
  }
  const leave = await ask(server, 'DELETE', pollPath(C, '&wait=10s'));
  assert.equal(leave.status, 503);
  assert.equal(leave.headers.get('retry-after'), '2');
  assert.match(
    leave.body,
    /127\.0\.0\.13:8848 was not taken off nacos\/serverlist: the store is unavailable/,
  );
  for (const method of ['POST', 'DELETE']) {
    const official = await ask(server, method, '/nacos/v1/as/nodes?ips=127.0.0.13');
    assert.equal(official.status, 503);
    assert.equal(official.headers.get('retry-after'), '2');
    assert.match(official.body, /^nothing was changed: the store is unavailable/);
  }
  for (const word of ['recover', 'adopt']) {
    const refused = await ask(server, 'POST', `/api/v1/clusters/nacos/serverlist/${word}`, JSON_CLIENT);
    assert.equal(refused.status, 503);
    assert.match(refused.body, /the store is unavailable/);
  }
  assert.deepEqual(lines((await ask(server, 'GET', '/nacos/serverlist')).body), [A, B, C]);
  const { status, code, reason } = await readiness(server);
  assert.deepEqual([status, code], ['degraded', 200]);
  assert.ok(reason);
  assert.equal((await ask(server, 'GET', '/healthz')).status, 200);
}

async function assertBack(server: TestServer): Promise<void> {
  await server.service.sync();
  const { status, graceMs } = await readiness(server);
  assert.deepEqual([status, graceMs], ['up', 30_000], 'grace after the outage (R8)');
  const joined = await ask(server, 'GET', pollPath(D), NACOS);
  assert.deepEqual(lines(joined.body), [A, B, C, D]);
  assert.equal((await ask(server, 'DELETE', pollPath(D))).status, 200);
}

test('R9: with the store failing, lists are served from memory and nothing changes', async (t) => {
  const { server, store } = await startFlaky(t);
  await bootstrapCluster(t, server, [A, B, C]);
  store.become('failing');
  await server.service.sync();
  await assertServesFromMemory(server);
  const events = await ask(server, 'GET', '/api/v1/events', JSON_CLIENT);
  assert.deepEqual([events.status, events.headers.get('retry-after')], [503, '2']);
  store.become('up');
  await assertBack(server);
});

test('R9: the first request that meets the failing store is answered like the later ones', async (t) => {
  for (const method of ['GET', 'POST', 'DELETE'] as const) {
    const { server, store } = await startFlaky(t);
    await bootstrapCluster(t, server, [A]);
    store.become('failing');
    const self = method === 'DELETE' ? A : B;
    const answer = await ask(server, method, pollPath(self), method === 'GET' ? NACOS : CURL);
    assert.deepEqual([answer.status, answer.complete], method === 'GET' ? [302, false] : [503, true]);
    assert.equal((await ask(server, 'GET', '/nacos/serverlist')).body, `${A}\n`);
  }
});

test('R9: a store that hangs holds nobody longer than 2 s', async (t) => {
  const { server, store } = await startFlaky(t);
  await bootstrapCluster(t, server, [A, B, C]);
  store.become('hanging');
  const started = performance.now();
  const [listed, unlisted, leave] = await Promise.all([
    ask(server, 'GET', pollPath(A), NACOS).then((answer) => ({ answer, took: performance.now() - started })),
    ask(server, 'GET', pollPath(D), NACOS).then((answer) => ({ answer, took: performance.now() - started })),
    ask(server, 'DELETE', pollPath(C)),
  ]);
  assert.ok(listed.answer.status === 200 && listed.took < unlisted.took, 'a listed one waits for no store');
  assert.deepEqual([unlisted.answer.status, unlisted.answer.complete], [302, false]);
  assert.equal(leave.status, 503);
  assert.equal((await readiness(server)).status, 'degraded');
  store.become('up');
  await eventually('the store is back', async () => {
    await server.service.sync();
    return (await readiness(server)).status === 'up';
  });
});

test('renewals heard during an outage count after it', async (t) => {
  const { server, store } = await startFlaky(t);
  const nodes = await bootstrapCluster(t, server, [A, B, C]);
  store.become('failing');
  await server.service.sync();
  await live(server, nodes, 100_000);
  store.become('up');
  await server.service.sync();
  await server.pass(1_000);
  const { state } = await getJson(server, '/api/v1/clusters/nacos/serverlist');
  assert.equal(state, 'whole');
});

test('nobody is evicted in the grace after an outage, and then the rules go on', async (t) => {
  const { server, store } = await startFlaky(t);
  const nodes = await bootstrapCluster(t, server, [A, B, C]);
  store.become('failing');
  await server.service.sync();
  await live(server, nodes.slice(0, 2), 100_000);
  store.become('up');
  await server.service.sync();
  const list = async (): Promise<string[]> => lines((await ask(server, 'GET', '/nacos/serverlist')).body);
  await live(server, nodes.slice(0, 2), 25_000);
  assert.deepEqual(await list(), [A, B, C]);
  await live(server, nodes.slice(0, 2), 20_000);
  assert.deepEqual(await list(), [A, B]);
});

test('a leave that is done before the store goes away is answered as done', async (t) => {
  const { server, store } = await startFlaky(t);
  const [a, b] = await bootstrapCluster(t, server, [A, B, C]);
  const leave = ask(server, 'DELETE', pollPath(C, '&wait=10s'));
  await eventually('it has left', () => server.service.find('nacos/serverlist')!.cluster.revision === 2);
  store.become('failing');
  await a!.poll();
  await b!.poll();
  await server.pass(3_000);
  const answer = await leave;
  assert.deepEqual(
    [answer.status, answer.body],
    [200, `${C} left nacos/serverlist, revision 2; every live member has the list\n`],
  );
});

test('without the store and without a list there is nothing to be ready for', async (t) => {
  const { server, store } = await startFlaky(t);
  store.become('failing');
  await server.service.sync();
  const { status, code } = await readiness(server);
  assert.deepEqual([status, code], ['unavailable', 503]);
  const node = await ask(server, 'GET', '/nacos/serverlist', NACOS);
  assert.ok(!node.complete);
  store.become('up');
  await server.service.sync();
  assert.equal((await readiness(server)).status, 'up');
});

test('R9: a full disk, and room on it again', async (t) => {
  const folder = tempFolder(t);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder], { stdio: 'pipe' });
  } catch (error) {
    return t.skip(`a tmpfs cannot be mounted here: ${(error as Error).message.split('\n')[1] ?? ''}`);
  }
  const server = await startServer(t, { file: join(folder, 'registry.db') });
  try {
    await bootstrapCluster(t, server, [A, B, C]);
    const filler = join(folder, 'filler');
    assert.throws(() => writeFileSync(filler, Buffer.alloc(1 << 20)), /ENOSPC/);
    await eventually('the outage is noticed', async () => {
      await server.service.sync();
      return (await readiness(server)).status === 'degraded';
    });
    await assertServesFromMemory(server);
    assert.match((await readiness(server)).reason ?? '', /full/);
    rmSync(filler);
    await assertBack(server);
  } finally {
    await server.stop();
    execFileSync('umount', [folder]);
  }
});
