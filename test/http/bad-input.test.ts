import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DEFAULT_LIMITS, type Limits } from '../../src/http/transport/limits.js';
import type { Store } from '../../src/registry/interfaces.js';
import { pollPath } from '../support/nodes.js';
import { ask, CURL, getJson, JSON_CLIENT, NACOS, RawConnection, request } from '../support/raw.js';
import { startServer, type TestServer } from '../support/server.js';
import { withoutTrace } from '../support/trace.js';

const LONG = 'a.'.repeat(128);

/** A query, and what the sentence says of it besides: parameter and value as they were sent, decoded. */
const QUERIES: readonly (readonly [query: string, names: string])[] = [
  ...[
    '',
    '%20127.0.0.1:8848',
    '127.0.0.1%208848',
    'http://127.0.0.1:8848',
    '127.0.0.1:8848/nacos',
    '127.0.0.1:8848%3Fraft_port=7848',
    '127.0.0.1:8848%23',
    '127.0.0.1:0',
    '127.0.0.1:65536',
    '127.0.0.1:999999',
    '127.0.0.1:x',
    '127.0.0.1:-1',
    '127.0.0.1:',
    '127.0.0.1:08848',
    '127.0.0.1:8848:1',
    '127.0.0.1:8848,127.0.0.2:8848',
    ':8848',
    '127.0.0.256',
    '127.1',
    '127.0.0.01',
    '0.0.0.0:8848',
    '[::]:8848',
    '::g',
    '[::1',
    '[::1]8848',
    '[nacos]:8848',
    '[fe80::1%25eth0]:8848',
    `${LONG}:8848`,
    LONG,
    'n%C3%B6de:8848',
    '%EF%BB%BF127.0.0.1:8848',
    'a_b:8848',
    '-a:8848',
    'a..b:8848',
    'user@host:8848',
    'a%00b',
    'a%0D%0AX-Header:%201',
    'a%1B[31m',
    'auto:0',
    'auto:',
    'auto:x',
  ].map((value) => [`self=${value}`, `self=${JSON.stringify(decodeURIComponent(value))}`] as const),
  ['self=a%7Fb', 'self="a\\u007fb"'],
  ['self=%zz', 'self="%zz"'],
  ['self=127.0.0.1%', 'self="127.0.0.1%"'],
  ['self=%C3%28', 'self="%C3%28"'],
  ...['', '0', '100', '-1', '1.5', 'x', '1e1', '+3', '%203', '0x3', '９', '999999999999'].map(
    (value) =>
      [`self=127.0.0.31:8848&expect=${encodeURI(decodeURI(value))}`, `expect="${decodeURI(value)}"`] as const,
  ),
  ['expect=3', 'expect="3"'],
  ['id=nacos-0', 'id="nacos-0"'],
  ...['', '%20', 'a/b', '-', 'a'.repeat(254)].map(
    (value) => [`self=127.0.0.31:8848&id=${value}`, `id="${decodeURIComponent(value)}"`] as const,
  ),
  ...['', 'xml', 'JSON', 'text%20'].map(
    (value) => [`format=${value}`, `format="${decodeURIComponent(value)}"`] as const,
  ),
  ['view=all', 'view="all"'],
  ['view=', 'view=""'],
  ['wait=x', 'wait="x"'],
  ['wait=10', 'wait="10"'],
  ['wait=61s', 'wait="61s"'],
  ['wait=-1s', 'wait="-1s"'],
  ['self=127.0.0.31:8848&self=127.0.0.32:8848', 'self="127.0.0.32:8848" is given twice'],
  ['self=127.0.0.31:8848&self=127.0.0.31:8848', 'self="127.0.0.31:8848" is given twice'],
  ['self=127.0.0.31:8848&expect=2&expect=3', 'expect="3" is given twice'],
  ['self=127.0.0.31:8848&id=a&id=b', 'id="b" is given twice'],
  ['format=text&format=json', 'format="json" is given twice'],
  ['view=live&view=live', 'view="live" is given twice'],
  ['wait=1s&wait=2s', 'wait="2s" is given twice'],
];

const PATHS: readonly (readonly [path: string, status: number, names: string])[] = [
  ['/api/serverlist', 400, 'product="api" is reserved'],
  ['/api/serverlist?self=127.0.0.31:8848', 400, 'product="api" is reserved'],
  ['/na%20cos/serverlist', 400, 'product="na%20cos"'],
  ['/nacos/a+b', 400, 'cluster="a+b"'],
  ['/../serverlist', 400, 'product=".."'],
  ['/nacos/.', 400, 'cluster="."'],
  [`/nacos/${'a'.repeat(65)}`, 400, `cluster="${'a'.repeat(65)}"`],
  ['/%zz/serverlist', 400, 'product="%zz"'],
  ['/nacos', 404, '"/nacos"'],
  ['/nacos/', 404, '"/nacos/"'],
  ['/nacos/serverlist/', 404, '"/nacos/serverlist/"'],
  ['/nacos/serverlist/x', 404, '"/nacos/serverlist/x"'],
  ['//nacos/serverlist', 404, 'nacos/serverlist"'],
  ['/nacos//serverlist', 404, '"/nacos//serverlist"'],
  ['/nacos/v1/as/nodes/', 404, '"/nacos/v1/as/nodes/"'],
  ['/healthz/', 404, '"/healthz/"'],
  ['/api/', 404, '"/api/"'],
  ['/api/v1', 404, '/api/v1'],
  ['/api/v1/serverlist?self=127.0.0.31:8848', 404, '/api/v1/serverlist'],
  ['/api/v1/clusters/nacos/none', 404, 'nacos/none'],
  ['/api/v1/clusters/nacos/serverlist?self=127.0.0.31:8848', 400, 'self is unknown'],
  ['/api/v1/clusters/%zz/none', 400, '%zz'],
];

async function state(server: TestServer): Promise<string> {
  return withoutTrace(
    JSON.stringify([
      await getJson(server, '/api/v1/clusters'),
      await getJson(server, '/api/v1/events'),
      (await ask(server, 'GET', '/nacos/serverlist')).body,
    ]),
  );
}

/** A server with a list, a member of a name and somebody waiting. */
async function inhabited(
  t: Parameters<typeof startServer>[0],
  limits: Partial<Limits> = {},
): Promise<TestServer> {
  const server = await startServer(t, { rules: { pollHold: 30 }, limits });
  const ips = 'node-1.example:8848,[2001:db8::a]:8848,127.0.0.11';
  await ask(server, 'POST', `/nacos/v1/as/nodes?ips=${ips}`);
  await ask(server, 'POST', '/other/serverlist?self=127.0.0.41:8848&expect=3');
  return server;
}

describe('bad input', { concurrency: 2 }, () => {
  test('what is sent by halves is closed when it had its time to arrive, 10 s by default', async (t) => {
    assert.equal(DEFAULT_LIMITS.arrival, 10_000);
    const server = await inhabited(t, { arrival: 1_500 });
    const before = await state(server);
    const poll = request('GET', pollPath('127.0.0.31:8848'), NACOS);
    const post = request('POST', pollPath('127.0.0.31:8848'), [...CURL, 'Content-Length: 10'], 'abc');
    await Promise.all(
      ['', 'G', poll.slice(0, 30), poll.slice(0, -1), post, 'list first'].map(async (text) => {
        const connection = await RawConnection.open(server.port);
        if (text === 'list first') {
          connection.send(request('GET', '/nacos/serverlist', NACOS));
          assert.equal((await connection.receive()).status, 200);
          connection.send(poll.slice(0, 30));
        } else {
          connection.send(text);
        }
        const started = performance.now();
        const answer = await connection.drain();
        const took = performance.now() - started;
        assert.ok(took > 1_400, `${JSON.stringify(text)} closed after ${took} ms`);
        assert.equal(answer, '');
      }),
    );
    assert.equal(await state(server), before);
  });

  test('of queries is named to people and never completed to a Nacos node', async (t) => {
    const server = await inhabited(t);
    const before = await state(server);
    for (const [query, names] of QUERIES) {
      const path = `/nacos/serverlist?${query}`;
      for (const method of ['GET', 'POST', 'DELETE', 'HEAD']) {
        const answer = await ask(server, method, path, CURL);
        assert.deepEqual([answer.status, answer.complete], [400, true], `${method} ${query}`);
        if (method === 'HEAD') continue;
        assert.ok(answer.body.includes(names), `${method} ${query}: ${answer.body} lacks ${names}`);
        assert.match(answer.body, /^[\x20-\x7e\u00a0-\uffff]+\n$/, 'one line without control characters');
      }
      const node = await ask(server, 'GET', path, NACOS);
      assert.deepEqual([node.status, node.complete], [302, false], query);
      assert.ok(node.body.includes(names), query);
    }
    assert.equal(await state(server), before);
  });

  test('of paths is named to people and never completed to a Nacos node', async (t) => {
    const server = await inhabited(t);
    const before = await state(server);
    for (const [path, status, names] of PATHS) {
      for (const headers of [CURL, JSON_CLIENT]) {
        const answer = await ask(server, 'GET', path, headers);
        assert.deepEqual([answer.status, answer.complete], [status, true], `${path}: ${answer.body}`);
        const text =
          headers === CURL
            ? answer.body.replaceAll('\\"', '"')
            : (JSON.parse(answer.body) as { detail: string }).detail;
        assert.ok(text.includes(names), `${path}: ${text} lacks ${names}`);
      }
      const node = await ask(server, 'GET', path, NACOS);
      assert.ok(!node.complete, `${path}: ${node.bytes}`);
    }
    for (const path of ['/', '/?self=127.0.0.31:8848', '/api', '/openapi.json', '/metrics']) {
      const node = await ask(server, 'GET', path, NACOS);
      assert.ok(!node.complete, `what people find at ${path}: ${node.bytes}`);
    }
    const absolute = await ask(server, 'GET', 'http://127.0.0.1:8080/nacos/serverlist', NACOS);
    assert.ok(!absolute.complete || absolute.status === 200);
    assert.equal(await state(server), before);
  });

  test('an address that differs from a member only in its spelling is refused', async (t) => {
    const server = await inhabited(t);
    const before = await state(server);
    for (const [self, spelling] of [
      ['Node-1.example:8848', 'node-1.example:8848'],
      ['NODE-1.EXAMPLE', 'node-1.example:8848'],
      ['[2001:DB8::A]:8848', '[2001:db8::a]:8848'],
      ['[2001:db8:0::a]', '[2001:db8::a]:8848'],
    ] as const) {
      for (const method of ['GET', 'POST']) {
        const answer = await ask(server, method, pollPath(self), CURL);
        assert.equal(answer.status, 409);
        assert.ok(answer.body.includes(self) && answer.body.includes(spelling), answer.body);
      }
      const node = await ask(server, 'GET', pollPath(self), NACOS);
      assert.deepEqual([node.status, node.complete], [302, false]);
      assert.equal((await ask(server, 'POST', `/nacos/v1/as/nodes?ips=${self}`)).status, 400);
    }
    assert.equal(await state(server), before);
  });

  test('of the official API is named', async (t) => {
    const server = await inhabited(t);
    const before = await state(server);
    for (const [query, names] of [
      ['product=api&ips=127.0.0.31', 'product="api" is reserved'],
      ['product=a/b&ips=127.0.0.31', 'product="a/b"'],
      ['cluster=%00&ips=127.0.0.31', 'cluster="\\u0000"'],
      ['ips=127.0.0.31&ips=127.0.0.32', 'ips is given twice'],
      ['ips=127.0.0.31:0', 'illegal ip: 127.0.0.31:0'],
      ['ips=%zz', 'illegal ip: %zz'],
    ] as const) {
      for (const method of ['POST', 'DELETE']) {
        const answer = await ask(server, method, `/nacos/v1/as/nodes?${query}`);
        assert.equal(answer.status, 400, `${method} ${query}: ${answer.body}`);
        assert.ok(answer.body.includes(names), answer.body);
      }
    }
    assert.equal(await state(server), before);
  });

  test('methods that are not offered are 405 with Allow', async (t) => {
    const server = await inhabited(t);
    const before = await state(server);
    const list = 'GET, HEAD, POST, DELETE';
    const read = 'GET, HEAD';
    for (const [path, allow, methods] of [
      ['/nacos/serverlist', list, ['PUT', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND']],
      ['/nacos/serverlist?self=127.0.0.31:8848', list, ['PUT', 'PATCH']],
      ['/healthz', read, ['POST', 'PUT', 'DELETE', 'OPTIONS']],
      ['/readyz', read, ['POST', 'PUT', 'DELETE', 'OPTIONS']],
      ['/api/v1/clusters', read, ['POST', 'PUT', 'DELETE', 'OPTIONS']],
      ['/api/v1/events', read, ['POST', 'DELETE']],
      ['/api/v1/clusters/nacos/serverlist', 'GET, HEAD, DELETE', ['POST', 'PUT', 'PATCH']],
      ['/api/v1/clusters/nacos/serverlist/events', read, ['POST', 'DELETE']],
      ['/api/v1/clusters/nacos/serverlist/members/127.0.0.11', 'GET, HEAD, DELETE', ['POST', 'PUT']],
      ['/api/v1/clusters/nacos/serverlist/adopt', 'POST', ['GET', 'HEAD', 'PUT', 'DELETE']],
      ['/api/v1/clusters/nacos/serverlist/recover', 'POST', ['GET', 'HEAD', 'PUT', 'DELETE']],
    ] as const) {
      for (const method of methods) {
        const answer = await ask(server, method, path);
        assert.equal(answer.status, 405, `${method} ${path}: ${answer.body}`);
        assert.equal(answer.headers.get('allow'), allow, `${method} ${path}`);
        if (method !== 'HEAD') assert.ok(answer.body.includes(method), answer.body);
      }
    }
    const connect = await RawConnection.open(server.port);
    connect.send('CONNECT 127.0.0.1:80 HTTP/1.1\r\nHost: h\r\n\r\n');
    assert.equal(await connect.drain(), '');
    assert.equal(await state(server), before);
  });

  test('bodies over 64 KiB are 413, and up to that are read', async (t) => {
    const server = await inhabited(t);
    const before = await state(server);
    const body = 'a'.repeat((64 << 10) + 1);
    const form = [...CURL, 'Content-Type: application/x-www-form-urlencoded'];
    for (const [method, path, headers] of [
      ['POST', '/nacos/v1/as/nodes?ips=127.0.0.31', CURL],
      ['POST', '/nacos/v1/as/nodes?ips=127.0.0.31', form],
      ['POST', '/nacos/serverlist?self=127.0.0.31', CURL],
      ['DELETE', '/nacos/serverlist?self=127.0.0.11', CURL],
      ['GET', '/nacos/unknown', CURL],
      ['POST', '/api/v1/clusters/nacos/serverlist/recover', JSON_CLIENT],
    ] as const) {
      const answer = await ask(server, method, path, headers, body);
      assert.equal(answer.status, 413, `${method} ${path}`);
      assert.ok((answer.body + answer.bytes).includes('65536 bytes'));
    }
    const many = await ask(server, 'POST', '/nacos/v1/as/nodes', form, 'ips=&'.repeat(2_000));
    assert.ok(many.status >= 400 && !many.body.includes('65536'), many.body);
    const node = await ask(server, 'GET', '/nacos/unknown', NACOS, body);
    assert.ok(!node.complete);
    const chunked = await RawConnection.open(server.port);
    chunked.send(
      request('POST', '/nacos/serverlist?self=127.0.0.31', [...CURL, 'Transfer-Encoding: chunked']),
    );
    chunked.send(`${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`);
    assert.equal((await chunked.receive()).status, 413);
    chunked.hangUp();
    assert.equal(await state(server), before);
    const fits = await ask(server, 'POST', '/nacos/serverlist?self=127.0.0.31', CURL, body.slice(1));
    assert.ok(fits.status < 300, fits.body);
  });

  test('headers over 16 KiB are refused without a complete answer', async (t) => {
    const server = await inhabited(t);
    const before = await state(server);
    for (const [path, headers] of [
      ['/nacos/serverlist?self=127.0.0.31:8848', [...NACOS, `X-Long: ${'a'.repeat(17 << 10)}`]],
      [`/nacos/serverlist?self=127.0.0.31:8848&x=${'a'.repeat(17 << 10)}`, NACOS],
      ['/nacos/serverlist', [...NACOS, ...Array.from({ length: 2_000 }, (_, i) => `X-${i}: abcdef`)]],
    ] as const) {
      const answer = await ask(server, 'GET', path, headers);
      assert.deepEqual([answer.status, answer.complete], [431, false]);
      assert.equal(answer.body, 'the headers are larger than 16384 bytes\n');
    }
    const large = [...NACOS, `X-Long: ${'a'.repeat(12 << 10)}`];
    assert.equal((await ask(server, 'GET', '/nacos/serverlist', large)).status, 200);
    assert.equal(await state(server), before);
  });

  test('a cluster takes 1,000 addresses', async (t) => {
    const server = await startServer(t, { rules: { pollHold: 30 } });
    const form = [...CURL, 'Content-Type: application/x-www-form-urlencoded'];
    const addresses = Array.from({ length: 1_001 }, (_, i) => `127.1.${i >> 8}.${i & 255}`);
    const put = (ips: readonly string[]) =>
      ask(server, 'POST', '/nacos/v1/as/nodes', form, `ips=${ips.join(',')}`);
    const tooMany = await put(addresses);
    assert.deepEqual(
      [tooMany.status, tooMany.body],
      [400, 'ips names 1001 addresses, and a cluster takes 1000; give fewer at a time.'],
    );
    assert.equal((await put(addresses.slice(0, 1_000))).status, 200);
    const before = await state(server);
    assert.equal((await put(addresses.slice(1_000))).status, 400);
    const last = addresses.at(-1)!;
    for (const method of ['GET', 'POST']) {
      const answer = await ask(server, method, pollPath(last), CURL);
      assert.deepEqual(
        [answer.status, answer.body],
        [507, 'nacos/serverlist would hold more than 1000 addresses, the most it takes\n'],
      );
    }
    assert.ok(!(await ask(server, 'GET', pollPath(last), NACOS)).complete);
    assert.equal(await state(server), before);
    const list = await ask(server, 'GET', pollPath(addresses[0]!), NACOS);
    assert.equal(list.body.split('\n').length, 1_001);
  });

  test('a server takes 10,000 clusters', async (t) => {
    let more = 9_998;
    const wrap = (store: Store): Store => ({
      pace: store.pace,
      isShared: store.isShared,
      open: (listener) => store.open(listener),
      transact: (key, work) =>
        store.transact(key, (cluster, scene) => work(cluster, { ...scene, clusters: scene.clusters + more })),
      sync: (report) => store.sync(report),
      events: (query) => store.events(query),
      close: () => store.close(),
    });
    const server = await startServer(t, { rules: { pollHold: 30 }, wrap });
    assert.equal((await ask(server, 'POST', '/nacos/c1?self=127.0.0.31')).status, 200);
    assert.equal((await ask(server, 'POST', '/nacos/v1/as/nodes?cluster=c2&ips=127.0.0.31')).status, 200);
    const before = await state(server);
    const sentence =
      'this server holds 10000 clusters already, the most it takes (MAX_CLUSTERS); delete those that nobody needs';
    const person = await ask(server, 'POST', '/nacos/c3?self=127.0.0.31');
    assert.deepEqual([person.status, person.body], [507, `${sentence}\n`]);
    const put = await ask(server, 'POST', '/nacos/v1/as/nodes?cluster=c3&ips=127.0.0.31');
    assert.deepEqual([put.status, put.body], [400, sentence]);
    const node = await ask(server, 'GET', '/nacos/c3?self=127.0.0.31', NACOS);
    assert.deepEqual([node.complete, node.body], [false, `${sentence}\n`]);
    assert.equal((await ask(server, 'POST', '/nacos/c2?self=127.0.0.31')).status, 200, 'those there go on');
    assert.equal((await ask(server, 'POST', '/nacos/c1?self=127.0.0.31')).status, 200);
    assert.equal(await state(server), before);
    more = 0;
  });
});
