import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bootstrapCluster, pollPath } from '../support/nodes.js';
import { ask, CURL, JSON_CLIENT, NACOS } from '../support/raw.js';
import { startServer } from '../support/server.js';

const A = '127.0.0.11:8848';
const CLUSTER = '/api/v1/clusters/nacos/serverlist';

const COMMON = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
};
const DATA = { ...COMMON, 'content-security-policy': "default-src 'none';frame-ancestors 'none'" };
const PAGE = {
  ...COMMON,
  'content-security-policy':
    "default-src 'none';script-src 'self';style-src 'self';connect-src 'self';img-src 'self' data:;" +
    "base-uri 'none';form-action 'none';frame-ancestors 'none'",
};

/** Every route, found or not, and the headers of its answer. */
const ROUTES: readonly (readonly [
  method: string,
  path: string,
  headers: Record<string, string> | undefined,
])[] = [
  ['GET', '/', PAGE],
  ['GET', '/?cluster=nacos/serverlist', PAGE],
  ['GET', '/app-0123456789ab.js', PAGE],
  ['GET', '/api', PAGE],
  ['GET', '/openapi.json', DATA],
  ['GET', '/api/v1', DATA],
  ['GET', '/api/v1/', DATA],
  ['GET', '/api/v1/clusters', DATA],
  ['HEAD', '/api/v1/clusters', DATA],
  ['GET', '/api/v1/clusters?limit=x', DATA],
  ['GET', CLUSTER, DATA],
  ['GET', `${CLUSTER}/events`, DATA],
  ['GET', '/api/v1/events', DATA],
  ['GET', '/api/v1/server', DATA],
  ['POST', `${CLUSTER}/recover`, DATA],
  ['PUT', `${CLUSTER}/recover`, DATA],
  ['GET', '/api/v1/nothing', DATA],
  ['GET', '/nacos/serverlist', undefined],
  ['GET', pollPath(A), undefined],
  ['POST', pollPath(A), undefined],
  ['GET', pollPath('nonsense:0'), undefined],
  ['PUT', '/nacos/serverlist', undefined],
  ['GET', '/nacos/unknown', undefined],
  ['GET', '/api/serverlist', undefined],
  ['POST', '/nacos/v1/as/nodes?ips=127.0.0.11', undefined],
  ['DELETE', '/nacos/v1/as/nodes?ips=127.0.0.99', undefined],
  ['GET', '/nacos/v1/as/nodes', undefined],
  ['GET', '/healthz', undefined],
  ['GET', '/readyz', undefined],
];

/** No header that only the operators' side has may be anywhere else. */
const ALL = [
  ...Object.keys(PAGE),
  'strict-transport-security',
  'cross-origin-opener-policy',
  'cross-origin-embedder-policy',
  'origin-agent-cluster',
  'x-dns-prefetch-control',
  'x-download-options',
  'x-permitted-cross-domain-policies',
  'x-xss-protection',
  'x-powered-by',
];

test('every route of the operators’ side has its security headers, and the Nacos side none', async (t) => {
  const server = await startServer(t);
  await bootstrapCluster(t, server, [A]);
  for (const [method, path, wanted = {}] of ROUTES) {
    for (const client of [CURL, JSON_CLIENT]) {
      const { headers } = await ask(server, method, path, client);
      const given = Object.fromEntries(
        ALL.filter((name) => headers.has(name)).map((n) => [n, headers.get(n)]),
      );
      assert.deepEqual(given, wanted, `${method} ${path}`);
    }
  }
});

test('errors that are found before a route is have them too', async (t) => {
  const server = await startServer(t);
  const many = [...JSON_CLIENT, ...Array.from({ length: 100 }, (_, i) => `X-${i}: a`)];
  const foreign = [...JSON_CLIENT, 'Sec-Fetch-Site: cross-site'];
  for (const answer of [
    await ask(server, 'GET', '/api/v1/clusters', many),
    await ask(server, 'POST', `${CLUSTER}/recover`, foreign),
    await ask(server, 'POST', `${CLUSTER}/recover`, JSON_CLIENT, 'a'.repeat(70_000)),
  ]) {
    assert.ok([403, 413, 431].includes(answer.status));
    assert.equal(answer.headers.get('content-security-policy'), DATA['content-security-policy']);
  }
});

test('a list is answered the same to the byte at both doors', async (t) => {
  const server = await startServer(t);
  await bootstrapCluster(t, server, [A]);
  const headersOf = async (headers: readonly string[]): Promise<string[]> =>
    [...(await ask(server, 'GET', '/nacos/serverlist', headers)).headers.keys()].sort();
  assert.deepEqual(await headersOf(NACOS), await headersOf([...NACOS, 'TE: trailers']));
});
