import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../support/eventually.js';
import { assertRefused } from '../support/exposition.js';
import { recordingLog } from '../support/log.js';
import { bootstrapCluster, pollPath } from '../support/nodes.js';
import { ask, CURL, JSON_CLIENT, RawConnection, request } from '../support/raw.js';
import { startServer, type TestServer } from '../support/server.js';

const A = '127.0.0.11:8848';
const B = '127.0.0.12:8848';
const C = '127.0.0.13:8848';
const CLUSTER = '/api/v1/clusters/nacos/serverlist';

/** A stranger that has asked once. What it asks goes to the front door, or behind it. */
async function stranger(server: TestServer, path = '/nacos/serverlist'): Promise<RawConnection> {
  const connection = await RawConnection.open(server.port);
  connection.send(request('GET', path, CURL));
  assert.equal((await connection.receive()).status, 200);
  return connection;
}

async function listens(connection: RawConnection): Promise<boolean> {
  if (connection.isClosed) return false;
  connection.send(request('GET', '/nacos/serverlist', CURL));
  return (await connection.receive()).status === 200;
}

function closed(connection: RawConnection): Promise<true> {
  return eventually('it is cut', () => connection.isClosed);
}

test('at the limit the stranger that was idle longest makes room, and no member', async (t) => {
  const { log, lines } = recordingLog();
  const server = await startServer(t, { limits: { connections: 5 }, log });
  const [a, b] = await bootstrapCluster(t, server, [A, B]);
  const first = await stranger(server);
  const second = await stranger(server, CLUSTER);
  const held = await RawConnection.open(server.port);
  held.send(request('GET', `${CLUSTER}?revision=1&wait=60s`, JSON_CLIENT));
  await eventually('it is held', () => server.service.find('nacos/serverlist')?.isWatched);

  const third = await stranger(server);
  await closed(first);
  assert.equal(server.server.load.connections, 5);
  await stranger(server);
  await closed(second);
  await stranger(server);
  await closed(third);
  for (const node of [a!, b!]) {
    const { connection } = node;
    assert.equal((await node.poll()).status, 200);
    assert.equal(node.connection, connection);
  }
  await ask(server, 'POST', pollPath(C));
  assert.equal((await held.receive()).status, 200, 'what was under way was answered');
  const warnings = lines().filter(({ msg }) => /connections are open/.test(String(msg)));
  assert.equal(warnings.length, 1, 'it is said once');
  assert.match(String(warnings[0]?.msg), /no member the oldest are cut/);
  // The last two for the heartbeat of C and for the scrape itself.
  await assertRefused(server, 'connections', 5);
});

test('when every connection carries a member, a new one is refused at once', async (t) => {
  const { log, lines } = recordingLog();
  const server = await startServer(t, { limits: { connections: 3 }, log });
  const nodes = await bootstrapCluster(t, server, [A, B, C]);
  for (let i = 0; i < 5; i++) {
    const late = await RawConnection.open(server.port);
    await closed(late);
  }
  for (const node of nodes) assert.equal((await node.poll()).status, 200);
  const warnings = lines().filter(({ msg }) => /connections are open/.test(String(msg)));
  assert.equal(warnings.length, 1);
  assert.match(String(warnings[0]?.msg), /each carries a member; new ones are refused/);
  nodes[0]!.die();
  await eventually('there is room again', () => server.server.load.connections === 2);
  await assertRefused(server, 'connections', 5);
  await stranger(server);
});

test('when no stranger is idle, the one that is busy longest makes room', async (t) => {
  const server = await startServer(t, { limits: { connections: 3 } });
  const [a] = await bootstrapCluster(t, server, [A]);
  const held: RawConnection[] = [];
  for (const cluster of ['one', 'two']) {
    const connection = await RawConnection.open(server.port);
    connection.send(request('POST', `/nacos/${cluster}?self=${A}`, CURL));
    await connection.receive();
    connection.send(request('GET', `/api/v1/clusters/nacos/${cluster}?revision=1&wait=60s`, JSON_CLIENT));
    await eventually('it is held', () => server.service.find(`nacos/${cluster}`)?.isWatched);
    held.push(connection);
  }
  const late = await stranger(server);
  await closed(held[0]!);
  assert.ok(!held[1]!.isClosed);
  assert.ok(await listens(late));
  assert.equal((await a!.poll()).status, 200);
});

test('the connection of a member that left is a stranger’s', async (t) => {
  // Each node has one connection for certain: a poll that was held in vain ends its own.
  const server = await startServer(t, { limits: { connections: 3 }, rules: { pollHold: 60_000 } });
  const nodes = await bootstrapCluster(t, server, [A, B, C]);
  nodes[1]!.connection!.send(request('DELETE', pollPath(C), CURL));
  assert.equal((await nodes[1]!.connection!.receive()).status, 200);
  const late = await stranger(server);
  await closed(nodes[2]!.connection!);
  assert.ok(await listens(late));
  for (const node of nodes.slice(0, 2)) assert.equal((await node.poll()).status, 200);
});

test('a trusted proxy’s connection may carry members, and stays', async (t) => {
  const access = { trustedProxies: ['127.0.0.2/32'] };
  const server = await startServer(t, { access, limits: { connections: 2 } });
  const proxy = await RawConnection.open(server.port, '127.0.0.2');
  await bootstrapCluster(t, server, [A]);
  await closed(await RawConnection.open(server.port));
  assert.ok(await listens(proxy));
});

test('5,000 strangers, one after another and all at once, leave the members alone', async (t) => {
  const server = await startServer(t, { limits: { connections: 80 } });
  const nodes = await bootstrapCluster(t, server, [A, B, C]);
  const connections = nodes.map(({ connection }) => connection);
  for (let i = 0; i < 50; i++) {
    const strangers = await Promise.all(Array.from({ length: 100 }, () => RawConnection.open(server.port)));
    assert.ok(server.server.load.connections <= 80);
    for (const node of nodes) assert.equal((await node.poll()).status, 200);
    strangers.forEach((connection) => connection.hangUp());
  }
  assert.deepEqual(
    nodes.map(({ connection }) => connection),
    connections,
  );
  await eventually('all are forgotten', () => server.server.load.connections === 3);
});

/** Polls in a member's name, from where it is told. */
async function pollAs(server: TestServer, self: string, from: string): Promise<RawConnection> {
  const connection = await RawConnection.open(server.port, from);
  connection.send(request('GET', pollPath(self), CURL));
  assert.equal((await connection.receive()).status, 200);
  return connection;
}

test('who says a member’s name on many connections keeps two of them, and only while the member has none', async (t) => {
  const server = await startServer(t, { limits: { connections: 20 } });
  const own = await pollAs(server, A, '127.0.0.11');
  const claimed: RawConnection[] = [];
  for (let i = 0; i < 15; i++) claimed.push(await pollAs(server, A, '127.0.0.99'));
  for (let i = 0; i < 30; i++) await stranger(server);
  await eventually('all others are cut', () => claimed.filter(({ isClosed }) => !isClosed).length <= 1);
  assert.ok(await listens(own), 'the member’s own stays, the oldest of all');
  const again = await pollAs(server, A, '127.0.0.11');
  for (let i = 0; i < 30; i++) await stranger(server);
  await closed(claimed.at(-1)!);
  assert.ok((await listens(own)) && (await listens(again)));
});

test('of a member’s own connections the two newest are kept', async (t) => {
  const server = await startServer(t, { limits: { connections: 10 } });
  const all: RawConnection[] = [];
  for (let i = 0; i < 6; i++) {
    // The newest by the clock that counts.
    server.time.pass(10);
    all.push(await pollAs(server, A, '127.0.0.11'));
  }
  for (let i = 0; i < 30; i++) await stranger(server);
  await eventually('four are cut', () => all.filter(({ isClosed }) => isClosed).length === 4);
  assert.deepEqual(
    all.map(({ isClosed }) => isClosed),
    [true, true, true, true, false, false],
  );
  all[5]!.hangUp();
  await eventually('it is gone', () => server.server.load.connections < 10);
  server.time.pass(10);
  const next = await pollAs(server, A, '127.0.0.11');
  for (let i = 0; i < 30; i++) await stranger(server);
  assert.ok((await listens(all[4]!)) && (await listens(next)), 'a place that is given back is another’s');
});
