import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { eventually } from '../support/eventually.js';
import { bootstrapCluster, type NacosNode } from '../support/nodes.js';
import { CURL, NACOS, RawConnection, request } from '../support/raw.js';
import { startServer, type TestServer } from '../support/server.js';

const A = '127.0.0.1:8848';
const B = '127.0.0.2:8848';

/** How many connections ask at once for what others may wait for. */
const MANY = 500;

/** A connection that is behind the front door: a header keeps its first request from it. */
async function behindTheDoor(t: TestContext, server: TestServer, from?: string): Promise<RawConnection> {
  const connection = await RawConnection.open(server.port, from);
  t.after(() => connection.hangUp());
  connection.send(request('GET', '/nacos/serverlist', [...CURL, 'TE: trailers']));
  assert.equal((await connection.receive()).status, 200);
  return connection;
}

/**
 * Has many connections ask at once, and a member when the first of them is answered; returns how many more were answered
 * before it.
 */
async function answeredBefore(
  t: TestContext,
  server: TestServer,
  ask: () => Promise<unknown>,
): Promise<number> {
  const connections = await Promise.all(Array.from({ length: MANY }, () => behindTheDoor(t, server)));
  let answered = 0;
  const begun = new Promise<void>((resolve) => {
    for (const { socket } of connections) socket.on('data', () => (answered++, resolve()));
  });
  for (const connection of connections) connection.send(request('GET', '/nacos/serverlist', CURL));
  await begun;
  const since = answered;
  await ask();
  const before = answered - since;
  await eventually('all are', () => answered === MANY);
  return before;
}

async function bootstrapped(t: TestContext): Promise<{ server: TestServer; a: NacosNode }> {
  const server = await startServer(t);
  const [a] = await bootstrapCluster(t, server, [A, B]);
  assert.ok(a);
  return { server, a };
}

test('a member whose poll is due waits for nobody, though its connection came behind the front door', async (t) => {
  const { server, a } = await bootstrapped(t);
  await server.pass(5_000);
  const before = await answeredBefore(t, server, () => a.poll());
  assert.ok(before < MANY / 2, `${before} of ${MANY} were answered before it`);
});

test('so does its heartbeat', async (t) => {
  const { server } = await bootstrapped(t);
  await server.pass(5_000);
  const connection = await behindTheDoor(t, server);
  const before = await answeredBefore(t, server, async () => {
    connection.send(request('POST', `/nacos/serverlist?self=${A}`, CURL));
    assert.equal((await connection.receive()).status, 200);
  });
  assert.ok(before < MANY / 2, `${before} of ${MANY} were answered before it`);
});

test('who polls again and again, or from elsewhere, waits for its turn', async (t) => {
  const { server, a } = await bootstrapped(t);
  await a.poll();
  const again = await answeredBefore(t, server, () => a.poll());
  assert.ok(again > MANY / 2, `only ${again} of ${MANY} were answered before it`);

  await server.pass(5_000);
  const stranger = await behindTheDoor(t, server, '127.0.0.9');
  const elsewhere = await answeredBefore(t, server, async () => {
    stranger.send(request('GET', `/nacos/serverlist?self=${A}`, NACOS));
    await stranger.receive();
  });
  assert.ok(elsewhere > MANY / 2, `only ${elsewhere} of ${MANY} were answered before it`);
});
