import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bootstrapCluster, pollPath } from '../support/nodes.js';
import { ask, CURL, JSON_CLIENT, NACOS } from '../support/raw.js';
import { startServer } from '../support/server.js';

const A = '127.0.0.11:8848';
const B = '127.0.0.12:8848';

function filledUp(headers: readonly string[], count: number): string[] {
  return [...headers, ...Array.from({ length: count - headers.length }, (_, i) => `X-${i}: a`)];
}

test('100 header fields are read, at both doors', async (t) => {
  const server = await startServer(t);
  await bootstrapCluster(t, server, [A]);
  for (const headers of [NACOS, [...NACOS, 'TE: trailers']]) {
    assert.equal((await ask(server, 'GET', '/nacos/serverlist', filledUp(headers, 100))).status, 200);
  }
});

test('a request with more is refused, since node would pass over the rest, and nothing is done', async (t) => {
  const server = await startServer(t);
  await bootstrapCluster(t, server, [A]);
  const sentence = 'the request cannot be read: it has 101 header fields, and 100 are the most';
  for (const [method, path] of [
    ['GET', '/nacos/serverlist'],
    ['GET', pollPath(B)],
    ['POST', pollPath(B)],
    ['DELETE', pollPath(A)],
    ['POST', '/nacos/v1/as/nodes?ips=127.0.0.12'],
  ] as const) {
    const person = await ask(server, method, path, filledUp(CURL, 101));
    assert.deepEqual([person.status, person.body], [431, `${sentence}\n`], `${method} ${path}`);
  }
  const node = await ask(server, 'GET', pollPath(B), filledUp(NACOS, 101));
  assert.deepEqual([node.status, node.complete], [302, false]);
  const path = '/api/v1/clusters/nacos/serverlist';
  const program = await ask(server, 'GET', path, filledUp(JSON_CLIENT, 101));
  const { detail } = JSON.parse(program.body) as { detail: string };
  assert.deepEqual([program.status, detail], [431, sentence]);
  assert.equal(server.service.find('nacos/serverlist')?.cluster.revision, 1);
});
