import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_RULES } from '../../src/registry/rules.js';
import { bootstrapCluster, NacosNode, pollPath } from '../support/nodes.js';
import { ask, CURL, JSON_CLIENT, NACOS, RawConnection, request } from '../support/raw.js';
import { startServer, type TestServer } from '../support/server.js';

const A = '127.0.0.11:8848';
const SENTENCE = 'nacos/serverlist is bootstrapping: 1 of 3 members wait\n';

const HEADERS = (body: string, revision: number): RegExp =>
  new RegExp(
    '^HTTP/1\\.1 200 OK\r\n' +
      'Content-Type: text/plain;charset=UTF-8\r\n' +
      `Content-Length: ${body.length}\r\n` +
      'Cache-Control: no-store\r\n' +
      `Address-Server-Revision: ${revision}\r\n` +
      'Date: [^\r]+ GMT\r\n' +
      'Connection: keep-alive\r\n' +
      'Keep-Alive: timeout=75\r\n\r\n$',
  );

function head(bytes: string): string {
  return bytes.slice(0, bytes.indexOf('\r\n\r\n') + 4);
}

async function openWith(server: TestServer, text: string): Promise<RawConnection> {
  const connection = await RawConnection.open(server.port);
  connection.send(text);
  return connection;
}

test('a Nacos node that must wait gets, after the gate hold, a chunk without an end, and then the end of the connection', async (t) => {
  const server = await startServer(t, { rules: { pollHold: 400 } });
  const started = performance.now();
  const connection = await openWith(server, request('GET', pollPath(A, '&expect=3'), NACOS));
  const bytes = await connection.drain();
  const held = performance.now() - started;

  assert.match(
    head(bytes),
    /^HTTP\/1\.1 302 Found\r\n(?:[A-Z][\w-]+: [^\r]+\r\n)*Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n$/,
  );
  assert.doesNotMatch(head(bytes), /content-length/i);
  const size = SENTENCE.length.toString(16);
  assert.equal(bytes.slice(head(bytes).length), `${size}\r\n${SENTENCE}\r\n`);
  assert.ok(held >= 395, `held for ${held} ms`);
  assert.equal(DEFAULT_RULES.pollHold, 2_000, 'Nacos reads for 2.5 s');
});

for (const agent of ['curl/8.5.0', 'Wget/1.21.4', 'HTTPie/3.2.2']) {
  test(`${agent} gets the same sentence as a complete answer`, async (t) => {
    const server = await startServer(t);
    const headers = ['Host: 127.0.0.1:8080', `User-Agent: ${agent}`, 'Accept: */*'];
    const answer = await ask(server, 'GET', pollPath(A, '&expect=3'), headers);
    assert.equal(answer.status, 503);
    assert.equal(answer.headers.get('content-type'), 'text/plain;charset=UTF-8');
    assert.equal(answer.headers.get('retry-after'), '2');
    assert.equal(answer.body, SENTENCE);
    assert.ok(answer.complete);

    const wrong = await ask(server, 'GET', pollPath('nonsense:0'), headers);
    assert.equal(wrong.status, 400);
    assert.ok(wrong.complete);
  });
}

for (const accept of ['application/json', 'text/plain, application/problem+json;q=0.9']) {
  test(`Accept: ${accept} gets it as problem details`, async (t) => {
    const server = await startServer(t);
    const headers = ['Host: h', 'User-Agent: Java/17.0.15', `Accept: ${accept}`];
    const answer = await ask(server, 'GET', pollPath(A, '&expect=3'), headers);
    assert.equal(answer.status, 503);
    assert.equal(answer.headers.get('content-type'), 'application/problem+json');
    assert.ok(answer.complete);
    assert.deepEqual(JSON.parse(answer.body), {
      type: 'about:blank',
      title: 'Service Unavailable',
      status: 503,
      detail: SENTENCE.trimEnd(),
    });
  });
}

test('whoever does not say who it is may be a Nacos', async (t) => {
  const server = await startServer(t);
  const callers = [
    ['Host: h'],
    ['Host: h', 'User-Agent: Nacos-Server'],
    ['Host: h', 'User-Agent: Go-http-client/1.1', 'Accept: */*'],
    ['Host: h', 'User-Agent: Java/1.8.0_392 (not curl/8)', 'Accept: text/html'],
    ['Host: h', 'User-Agent: Apache-HttpClient/4.5.14 (Java/17)', 'Content-Type: application/json'],
    [],
  ];
  const answers = await Promise.all(
    callers.map((headers) => ask(server, 'GET', pollPath(A, '&expect=3'), headers)),
  );
  for (const [i, answer] of answers.entries()) {
    const status = callers[i]?.some((header) => header.startsWith('User-Agent: Java/')) ? 302 : 503;
    assert.deepEqual([answer.status, answer.complete], [status, false], String(callers[i]));
  }
});

test('a list is exactly its lines, and keeps the connection for 75 s', async (t) => {
  const server = await startServer(t);
  const [node] = await bootstrapCluster(t, server, [A, '[::1]:8848', 'nacos-2.example:9000']);
  const answer = await node!.poll();
  assert.equal(answer.body.split('\n').sort().join('\n'), `\n${A}\n[::1]:8848\nnacos-2.example:9000`);
  assert.ok(answer.body.endsWith('\n') && !answer.body.startsWith('\ufeff'));
  assert.match(head(answer.bytes), HEADERS(answer.body, 1));
});

test('the list in JSON is what Nacos 1.3.0 to 2.0.2 read', async (t) => {
  const server = await startServer(t);
  await ask(server, 'POST', pollPath(A));
  for (const headers of [NACOS, [...NACOS, 'TE: trailers']]) {
    const answer = await ask(server, 'GET', '/nacos/serverlist?format=json', headers);
    assert.equal(answer.headers.get('content-type'), 'application/json;charset=UTF-8');
    assert.equal(answer.body, `{"code":200,"message":null,"data":"${A}"}`);
  }
});

test('both doors give the same answer', async (t) => {
  const server = await startServer(t);
  await bootstrapCluster(t, server, [A, '127.0.0.12:8848']);
  for (const path of ['/nacos/serverlist', pollPath(A), '/nacos/serverlist?view=live&format=json']) {
    const [fast, slow] = await Promise.all([
      ask(server, 'GET', path, NACOS),
      // Nothing the front door reads; node:http passes over it.
      ask(server, 'GET', path, [...NACOS, 'TE: trailers']),
    ]);
    const comparable = (bytes: string): string[] =>
      bytes
        .replace(/Date: [^\r]+/, 'Date: …')
        .split('\r\n')
        .sort();
    assert.deepEqual(comparable(slow.bytes), comparable(fast.bytes));
  }
});

test('a connection that went to the slow door goes on to serve polls, renewals included', async (t) => {
  const server = await startServer(t);
  const nodes = await bootstrapCluster(t, server, [A, '127.0.0.12:8848', '127.0.0.13:8848']);
  const connections = nodes.map((node) => node.connection);
  for (let i = 0; i < 5; i++) {
    await server.pass(5_000);
    const answers = await Promise.all(nodes.map((node) => node.poll()));
    assert.equal(new Set(answers.map((answer) => answer.body)).size, 1);
  }
  assert.deepEqual(
    nodes.map((node) => node.connection),
    connections,
    'each node still polls on its first connection',
  );
  const { cluster } = server.service.find('nacos/serverlist')!;
  for (const member of cluster.members.values()) assert.equal(member.lease.heardAt, server.service.now);
});

test('a connection goes on after a list from the front door turned into a wait', async (t) => {
  const server = await startServer(t);
  await bootstrapCluster(t, server, [A]);
  const connection = await openWith(server, request('GET', '/nacos/serverlist', NACOS));
  assert.equal((await connection.receive()).body, `${A}\n`);
  connection.send(request('GET', '/other/serverlist', NACOS));
  const refused = await connection.receive();
  assert.deepEqual([refused.status, refused.complete], [302, false]);
  await connection.drain();
});

test('a request that comes in pieces is one request', async (t) => {
  const server = await startServer(t);
  await bootstrapCluster(t, server, [A]);
  const text = request('GET', '/nacos/serverlist', NACOS);
  for (const cuts of [[1], [9, 20], [text.length - 1], [text.length - 2], [40, 41, 42, 43]]) {
    const connection = await RawConnection.open(server.port);
    let from = 0;
    for (const cut of [...cuts, text.length]) {
      connection.send(text.slice(from, cut));
      from = cut;
      // The pieces must not be put together again on their way.
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    assert.equal((await connection.receive()).body, `${A}\n`);
    connection.send(text);
    assert.equal((await connection.receive()).body, `${A}\n`);
    connection.hangUp();
  }
});

test('pipelined requests are answered one by one in their order', async (t) => {
  const server = await startServer(t);
  await bootstrapCluster(t, server, [A]);
  const plain = request('GET', '/nacos/serverlist', NACOS);
  const json = request('GET', '/nacos/serverlist?format=json', NACOS);
  const connection = await openWith(server, plain + json + plain);
  const bodies = [];
  for (let i = 0; i < 3; i++) bodies.push((await connection.receive()).body);
  assert.deepEqual(bodies, [`${A}\n`, `{"code":200,"message":null,"data":"${A}"}`, `${A}\n`]);
  connection.hangUp();
});

test('Connection: close is honoured', async (t) => {
  const server = await startServer(t);
  await bootstrapCluster(t, server, [A]);
  const headers = [...CURL, 'Connection: close'];
  const connection = await openWith(server, request('GET', '/nacos/serverlist', headers));
  const bytes = await connection.drain();
  assert.match(head(bytes), /\r\nConnection: close\r\n/);
  assert.equal(bytes.slice(head(bytes).length), `${A}\n`);
});

test('HTTP/1.0 gets the list and the end of the connection', async (t) => {
  const server = await startServer(t);
  await bootstrapCluster(t, server, [A]);
  const connection = await openWith(server, request('GET', '/nacos/serverlist', [], '', '1.0'));
  const bytes = await connection.drain();
  assert.match(head(bytes), /^HTTP\/1\.1 200 OK\r\n/);
  assert.equal(bytes.slice(head(bytes).length), `${A}\n`);
});

test('a body on GET is passed over and does not become the next request', async (t) => {
  const server = await startServer(t);
  await bootstrapCluster(t, server, [A]);
  const smuggled = request('DELETE', pollPath(A), CURL);
  const headers = [...CURL, `Content-Length: ${smuggled.length}`];
  const connection = await openWith(server, request('GET', '/nacos/serverlist', headers, smuggled));
  assert.equal((await connection.receive()).body, `${A}\n`);
  connection.send(request('GET', '/nacos/serverlist?format=json', CURL));
  assert.match((await connection.receive()).body, /^\{"code":200/);
  connection.hangUp();
});

test('header names may be in any letter case', async (t) => {
  const server = await startServer(t);
  await bootstrapCluster(t, server, [A]);
  for (const change of [String.prototype.toLowerCase, String.prototype.toUpperCase]) {
    const headers = NACOS.map((header) => header.replace(/^[^:]+/, (name) => change.call(name)));
    assert.equal((await ask(server, 'GET', '/nacos/serverlist', headers)).body, `${A}\n`);
    const refused = await ask(server, 'GET', '/nacos/other', headers);
    assert.ok(!refused.complete);
  }
  const people = ['host: h', 'user-agent: CURL/8', 'ACCEPT: */*'];
  assert.ok((await ask(server, 'GET', '/nacos/other', people)).complete);
});

test('HEAD is GET without the body, and registers nobody', async (t) => {
  const server = await startServer(t);
  await bootstrapCluster(t, server, [A]);
  const connection = await openWith(server, request('HEAD', pollPath('127.0.0.12:8848'), CURL));
  const answer = await connection.receive({ head: true });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('content-length'), String(`${A}\n`.length));
  connection.send(request('GET', '/nacos/serverlist', JSON_CLIENT));
  assert.equal((await connection.receive()).body, `${A}\n`);
  connection.hangUp();
});

test('a request without Host is answered', async (t) => {
  const server = await startServer(t);
  await bootstrapCluster(t, server, [A]);
  const answer = await ask(server, 'GET', '/nacos/serverlist', ['User-Agent: Java/17.0.15']);
  assert.equal(answer.body, `${A}\n`);
});

test('what is no HTTP gets an answer without an end', async (t) => {
  const server = await startServer(t);
  for (const text of [
    'hello\r\n\r\n',
    'GET /nacos/serverlist HTTP/9.9\r\n\r\n',
    'GET  HTTP/1.1\r\n\r\n',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    'GET /nacos/serverlist HTTP/1.1\r\nContent-Length: x\r\n\r\n',
    'GET /nacos/serverlist HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc',
    '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
  ]) {
    const connection = await openWith(server, text);
    const bytes = await connection.drain();
    if (bytes === '') continue;
    assert.match(bytes, /^HTTP\/1\.1 400 Bad Request\r\n/, text);
    assert.match(bytes, /Transfer-Encoding: chunked/, text);
    assert.ok(!bytes.endsWith('0\r\n\r\n'), text);
  }
});

test('an Expect that cannot be met is no complete answer to a Nacos node', async (t) => {
  const server = await startServer(t);
  const answer = await ask(server, 'GET', pollPath(A, '&expect=3'), [...NACOS, 'Expect: a-miracle']);
  assert.ok(!answer.complete, answer.bytes);
});

test('a node that polls on a new connection each time keeps its lease', async (t) => {
  const server = await startServer(t);
  const node = new NacosNode(t, server, pollPath(A));
  for (let i = 0; i < 5; i++) {
    assert.equal((await node.poll()).body, `${A}\n`);
    node.die();
    await server.pass(10_000);
  }
  assert.equal(server.service.find('nacos/serverlist')!.cluster.revision, 1);
});
