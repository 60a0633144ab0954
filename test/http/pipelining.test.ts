import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually, NEVER } from '../support/eventually.js';
import { assertRefused } from '../support/exposition.js';
import { bootstrapCluster, pollPath } from '../support/nodes.js';
import { ask, CURL, JSON_CLIENT, NACOS, RawConnection, request } from '../support/raw.js';
import { startServer, type TestServer } from '../support/server.js';

const A = '127.0.0.11:8848';
const B = '127.0.0.12:8848';
const CLUSTER = '/api/v1/clusters/nacos/serverlist';
const LIST = request('GET', '/nacos/serverlist', NACOS);
const HELD = request('GET', `${CLUSTER}?revision=1&wait=30s`, JSON_CLIENT);

function isHeld(server: TestServer): boolean {
  return server.service.find('nacos/serverlist')?.isWatched === true;
}

test('requests on one connection are handled one after another', async (t) => {
  const server = await startServer(t);
  await bootstrapCluster(t, server, [A]);
  const connection = await RawConnection.open(server.port);
  connection.send(HELD + request('DELETE', pollPath(A), CURL) + request('GET', CLUSTER, JSON_CLIENT));
  await eventually('the first is held', () => isHeld(server));
  const { entries } = server.service;
  assert.equal([...entries][0]!.cluster.revision, 1, 'the second waits for it');
  await ask(server, 'POST', '/nacos/v1/as/nodes?ips=127.0.0.21');
  const revisionOf = ({ body }: { body: string }) => (JSON.parse(body) as { revision: number }).revision;
  assert.equal(revisionOf(await connection.receive()), 2);
  assert.equal((await connection.receive()).status, 200);
  assert.equal(revisionOf(await connection.receive()), 3, 'the third comes after the second');
  connection.hangUp();
});

test('what follows a request that ended the connection is not done', async (t) => {
  const server = await startServer(t);
  await bootstrapCluster(t, server, [A, B]);
  for (const first of [
    request('GET', '/nacos/unknown', NACOS),
    request('GET', '/nacos/serverlist', [...CURL, 'Connection: close']),
  ]) {
    const connection = await RawConnection.open(server.port);
    connection.send(first + request('DELETE', pollPath(A), CURL));
    await connection.drain();
  }
  assert.equal(server.service.find('nacos/serverlist')?.cluster.members.size, 2);
});

test('what follows a held request is not done when the caller hangs up', async (t) => {
  const server = await startServer(t, { limits: { drain: 2 * NEVER } });
  await bootstrapCluster(t, server, [A, B]);
  const connection = await RawConnection.open(server.port);
  connection.send(HELD + request('DELETE', pollPath(A), CURL).repeat(3));
  await eventually('the first is held', () => isHeld(server));
  connection.hangUp();
  await eventually('it is forgotten', () => !isHeld(server) && server.server.load.connections === 2);
  assert.equal(server.service.find('nacos/serverlist')?.cluster.members.size, 2);
  const started = performance.now();
  await server.stop();
  assert.ok(performance.now() - started < NEVER, 'nothing is under way, which would have twice that');
});

test('what is no HTTP ends a stream without a word in it', async (t) => {
  const server = await startServer(t);
  await bootstrapCluster(t, server, [A]);
  const connection = await RawConnection.open(server.port);
  connection.send(request('GET', '/api/v1/stream', JSON_CLIENT));
  let bytes = '';
  connection.socket.on('data', (chunk: Buffer) => (bytes += chunk.toString('latin1')));
  await eventually('it has begun', () => bytes.includes('event: snapshot'));
  connection.send('nonsense\r\n\r\n');
  await eventually('it is ended', () => connection.isClosed);
  assert.equal(bytes.split('HTTP/1.1').length, 2, bytes);
});

test('16 requests may be sent ahead of their answers, and no more', async (t) => {
  const server = await startServer(t);
  await bootstrapCluster(t, server, [A]);
  const fits = await RawConnection.open(server.port);
  fits.send(LIST.repeat(17));
  for (let i = 0; i < 17; i++) assert.equal((await fits.receive()).status, 200);
  fits.send(LIST);
  assert.equal((await fits.receive()).status, 200);
  fits.hangUp();

  const greedy = await RawConnection.open(server.port);
  greedy.send(HELD);
  await eventually('it is held', () => isHeld(server));
  greedy.send(LIST.repeat(17));
  assert.equal(await greedy.drain(), '');
  await eventually('the held one is forgotten', () => !isHeld(server));
  await assertRefused(server, 'rate', 1);
});

test('who pipelines does not keep others waiting', async (t) => {
  const server = await startServer(t);
  await bootstrapCluster(t, server, [A]);
  const greedy = await RawConnection.open(server.port);
  const modest = await RawConnection.open(server.port);
  let answered = 0;
  greedy.socket.on('data', (chunk: Buffer) => {
    answered += chunk.toString('latin1').split('HTTP/1.1 200').length - 1;
  });
  greedy.send(LIST.repeat(17));
  modest.send(LIST);
  assert.equal((await modest.receive()).status, 200);
  assert.ok(answered < 15, `${answered} were answered before it`);
  await eventually('all are answered', () => answered === 17);
  for (const connection of [greedy, modest]) connection.hangUp();
});

test('all connections together may send so many ahead, and who sends more is cut', async (t) => {
  const server = await startServer(t, { limits: { pipelinedByAll: 5 } });
  await bootstrapCluster(t, server, [A]);
  const first = await RawConnection.open(server.port);
  first.send(HELD + LIST.repeat(4));
  await eventually('it is held', () => isHeld(server));
  const second = await RawConnection.open(server.port);
  second.send(HELD + LIST.repeat(2));
  assert.equal(await second.drain(), '');
  assert.ok(!first.isClosed);
  first.hangUp();
  await eventually('the first is forgotten', () => !isHeld(server));
  const third = await RawConnection.open(server.port);
  third.send(LIST.repeat(6));
  for (let i = 0; i < 6; i++) assert.equal((await third.receive()).status, 200, 'there is room again');
  third.hangUp();
});
