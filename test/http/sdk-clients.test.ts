import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bootstrapCluster, pollPath } from '../support/nodes.js';
import { ask, CURL, NACOS, RawConnection, request } from '../support/raw.js';
import { startServer } from '../support/server.js';

const A = '127.0.0.1:8848';
const B = '127.0.0.2:8848';

/** What npm's nacos and Java clients send. */
const SDK = ['User-Agent: Nacos-Java-Client:v1.0.0', 'Client-Version: Nacos-Java-Client:v1.0.0'];

test('an SDK client gets a list that it can split at CRLF, on a connection that others used, too', async (t) => {
  const server = await startServer(t);
  await bootstrapCluster(t, server, [A, B]);
  const { headers, body } = await ask(server, 'GET', '/nacos/serverlist', SDK);
  assert.deepEqual(body.split('\r\n').sort(), [A, B]);
  assert.equal(headers.get('content-type'), 'text/plain;charset=UTF-8');
  const connection = await RawConnection.open(server.port);
  t.after(() => connection.hangUp());
  for (const [sent, lineEnd] of [
    [CURL, '\n'],
    [SDK, '\r\n'],
    [CURL, '\n'],
  ] as const) {
    connection.send(request('GET', '/nacos/serverlist', sent));
    const answer = await connection.receive();
    assert.deepEqual(answer.body.trim().split(lineEnd).sort(), [A, B]);
  }
});

test('members, people and 1.4 nodes get what they always got, whatever they call themselves', async (t) => {
  const server = await startServer(t);
  await bootstrapCluster(t, server, [A]);
  const agent = ['User-Agent: nacos-address-server-agent/0.1.0'];
  assert.equal((await ask(server, 'GET', '/nacos/serverlist', agent)).body, `${A}\n`);
  for (const headers of [NACOS, CURL, SDK]) {
    assert.equal((await ask(server, 'GET', pollPath(A), headers)).body, `${A}\n`);
    assert.equal(
      (await ask(server, 'GET', '/nacos/serverlist?format=json', headers)).body,
      JSON.stringify({ code: 200, message: null, data: A }),
    );
  }
});

test('a client that appends ?namespace= to a list with a query is understood', async (t) => {
  const server = await startServer(t);
  await bootstrapCluster(t, server, [A]);
  for (const path of ['?view=live?namespace=public', '?namespace=a-b', '?view=live?namespace=']) {
    const answer = await ask(server, 'GET', `/nacos/serverlist${path}`, SDK);
    assert.deepEqual([answer.status, answer.body], [200, A], path);
  }
  const other = await ask(server, 'GET', '/nacos/serverlist?view=live?x=1', SDK);
  assert.notEqual(other.status, 200);
});
