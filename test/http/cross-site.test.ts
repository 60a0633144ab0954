import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KnownHosts } from '../../src/http/access/known-hosts.js';
import { bootstrapCluster, pollPath } from '../support/nodes.js';
import { ask, getJson, type RawAnswer } from '../support/raw.js';
import { startServer, type TestServer } from '../support/server.js';

const A = '127.0.0.11:8848';
const B = '127.0.0.12:8848';
const BROWSER = ['User-Agent: Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0', 'Accept: */*'];
const HOST = 'Host: lists.example:8080';
const access = { allowedHosts: KnownHosts.parse('lists.example') };

/** What a browser sends for a page of another site, and how the refusal names it. */
const FOREIGN: readonly (readonly [headers: readonly string[], named: string])[] = [
  [[HOST, 'Sec-Fetch-Site: cross-site'], 'Sec-Fetch-Site: "cross-site"'],
  [[HOST, 'Sec-Fetch-Site: same-site'], 'Sec-Fetch-Site: "same-site"'],
  [[HOST, 'Sec-Fetch-Site: cross-site', 'Origin: http://lists.example:8080'], 'Sec-Fetch-Site: "cross-site"'],
  [
    [HOST, 'Sec-Fetch-Site: same-origin', 'Sec-Fetch-Site: cross-site'],
    'Sec-Fetch-Site: "same-origin, cross-site"',
  ],
  [[HOST, 'Origin: http://evil.example'], 'Origin: "http://evil.example"'],
  [[HOST, 'Origin: http://lists.example'], 'Origin: "http://lists.example"'],
  [[HOST, 'Origin: http://lists.example:8081'], 'Origin: "http://lists.example:8081"'],
  [
    [HOST, 'Origin: http://lists.example:8080.evil.example'],
    'Origin: "http://lists.example:8080.evil.example"',
  ],
  [[HOST, 'Origin: http://evil.example/lists.example:8080'], 'Origin: "http://evil.example/'],
  [
    [HOST, 'Origin: http://lists.example:8080@evil.example'],
    'Origin: "http://lists.example:8080@evil.example"',
  ],
  [[HOST, 'Origin: null'], 'Origin: "null"'],
  [[HOST, 'Origin:'], 'Origin: ""'],
  [['Origin: http://lists.example:8080'], 'Origin: "http://lists.example:8080"'],
];

/** This server's own page, a bookmark, and what is no browser. */
const OWN: readonly (readonly string[])[] = [
  [HOST, 'Sec-Fetch-Site: same-origin'],
  [HOST, 'Sec-Fetch-Site: none'],
  [HOST, 'Origin: http://lists.example:8080'],
  [HOST, 'Origin: https://LISTS.example:8080'],
  ['Host: [::1]:8080', 'Origin: http://[::1]:8080'],
  // A proxy changed the Host, and the browser says that it is its page all the same.
  ['Host: backend', 'Sec-Fetch-Site: same-origin', 'Origin: https://lists.example'],
  [HOST],
];

const CHANGES: readonly (readonly [method: string, path: string])[] = [
  ['GET', pollPath(B)],
  ['GET', '/nacos/serverlist?x=1&self=auto'],
  ['GET', '/nacos/serverlist?self'],
  ['GET', pollPath(A)],
  ['POST', pollPath(B)],
  ['POST', pollPath(A)],
  ['DELETE', pollPath(A)],
  ['POST', '/nacos/v1/as/nodes?ips=127.0.0.21'],
  ['DELETE', '/nacos/v1/as/nodes?ips=127.0.0.11'],
  ['POST', '/api/v1/clusters/nacos/serverlist/recover'],
  ['POST', '/api/v1/clusters/nacos/serverlist/adopt'],
  ['DELETE', `/api/v1/clusters/nacos/serverlist/members/${A}`],
];

async function state(server: TestServer): Promise<string> {
  return JSON.stringify([
    await getJson(server, '/api/v1/clusters/nacos/serverlist'),
    await getJson(server, '/api/v1/events'),
  ]);
}

function detailOf({ body, headers }: RawAnswer): string {
  return headers.get('content-type') === 'application/problem+json'
    ? (JSON.parse(body) as { detail: string }).detail
    : body;
}

test('a change that a browser sends for another site is refused, and nothing is changed', async (t) => {
  const server = await startServer(t, { rules: { pollHold: 30 } });
  await bootstrapCluster(t, server, [A]);
  const before = await state(server);
  await server.pass(1_000);
  for (const [headers, named] of FOREIGN) {
    for (const [method, path] of CHANGES) {
      const answer = await ask(server, method, path, [...headers, ...BROWSER]);
      const what = `${method} ${path} with ${headers.join(', ')}`;
      assert.deepEqual([answer.status, answer.complete], [403, true], `${what}: ${answer.body}`);
      assert.ok(detailOf(answer).includes(`another site (${named}`), `${what}: ${answer.body}`);
    }
  }
  const { cluster } = server.service.find('nacos/serverlist')!;
  assert.equal(server.service.now - cluster.members.get(A)!.lease.heardAt, 1_000, 'nobody was heard');
  const view = JSON.parse(before) as [{ members: { silentMs: number; leaseMs: number }[] }, unknown];
  view[0].members[0]!.silentMs += 1_000;
  view[0].members[0]!.leaseMs -= 1_000;
  assert.deepEqual(JSON.parse(await state(server)), view);
});

test('what only reads is answered to everybody', async (t) => {
  const server = await startServer(t, { access });
  await bootstrapCluster(t, server, [A]);
  for (const [headers] of FOREIGN) {
    for (const path of ['/nacos/serverlist', '/nacos/serverlist?x=self', '/api/v1/clusters', '/healthz']) {
      const answer = await ask(server, 'GET', path, [...headers, ...BROWSER]);
      assert.equal(answer.status, 200, path);
      assert.ok(![...answer.headers.keys()].some((name) => name.startsWith('access-control-')));
    }
  }
});

test('this server’s own page and programs may change what they like', async (t) => {
  const server = await startServer(t, { access });
  for (const [i, headers] of OWN.entries()) {
    const path = `/nacos/own-${i}?self=${A}`;
    for (const [method, url] of [
      ['POST', path],
      ['GET', path],
      ['DELETE', path],
      ['POST', `/nacos/v1/as/nodes?cluster=own-${i}&ips=127.0.0.21`],
    ] as const) {
      const answer = await ask(server, method, url, [...headers, ...BROWSER]);
      assert.equal(answer.status, 200, `${method} ${url} with ${headers.join(', ')}: ${answer.body}`);
    }
  }
});

test('a caller that calls itself a Nacos gets no complete refusal', async (t) => {
  const server = await startServer(t);
  await bootstrapCluster(t, server, [A]);
  const headers = [HOST, 'User-Agent: Java/17.0.15', 'Accept: */*', 'Origin: http://evil.example'];
  const answer = await ask(server, 'GET', pollPath(B), headers);
  assert.deepEqual([answer.status, answer.complete], [302, false]);
  assert.match(answer.body, /another site/);
});
