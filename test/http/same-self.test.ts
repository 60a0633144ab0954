import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { EventView, RefusedCallers } from '../../src/http/api/schemas.js';
import { recordingLog } from '../support/log.js';
import { getJson, NACOS, RawConnection, request } from '../support/raw.js';
import { startServer, type TestServer } from '../support/server.js';

const SELF = '10.0.0.5:8848';
const CLUSTER = '/api/v1/clusters/nacos/serverlist';

/** A node that polls from an address of its own, and says a `self`. */
function host(t: TestContext, server: TestServer, from: string, query: string): () => Promise<number> {
  let connection: RawConnection | undefined;
  t.after(() => connection?.hangUp());
  return async () => {
    if (!connection || connection.isClosed) connection = await RawConnection.open(server.port, from);
    connection.send(request('GET', `/nacos/serverlist?${query}`, NACOS));
    return (await connection.receive()).status;
  };
}

const callersOf = async (server: TestServer) =>
  (await getJson<RefusedCallers>(server, `${CLUSTER}/refused`)).callers;

test('two nodes that say the same self by turns are told apart by where they come from', async (t) => {
  const { log, lines } = recordingLog();
  const server = await startServer(t, { log });
  const [right, wrong] = [
    host(t, server, '127.0.0.5', `self=${SELF}`),
    host(t, server, '127.0.0.6', `self=${SELF}`),
  ];
  for (let i = 0; i < 2; i++) {
    assert.equal(await right(), 200);
    assert.equal(await wrong(), 200, 'each is answered: which one it is nobody knows');
    await server.pass(5_000);
  }
  assert.deepEqual(await callersOf(server), [], 'twice may be a node that moves');
  for (let i = 0; i < 2; i++) {
    assert.equal(await right(), 200);
    assert.equal(await wrong(), 200);
    await server.pass(5_000);
  }
  const [caller, ...more] = await callersOf(server);
  assert.deepEqual(more, []);
  assert.deepEqual([caller?.code, caller?.from, caller?.self], ['same-self', '127.0.0.6', SELF]);
  assert.match(
    caller?.reason ?? '',
    /^self="10\.0\.0\.5:8848" comes from 127\.0\.0\.6, and by turns from 127\.0\.0\.5: each node/,
  );
  const said = lines().filter(({ msg }) => msg === 'two callers send the same self');
  assert.equal(said.length, 1);
  const { events } = await getJson<{ events: EventView[] }>(server, `${CLUSTER}/events`);
  assert.equal(events.filter(({ type }) => type === 'refused').length, 1);
});

test('so are three that bootstrap a cluster with one self', async (t) => {
  const server = await startServer(t, { rules: { pollHold: 5 } });
  const hosts = ['127.0.0.5', '127.0.0.6', '127.0.0.7'].map((from) =>
    host(t, server, from, `self=${SELF}&expect=3`),
  );
  for (let i = 0; i < 4; i++) {
    for (const poll of hosts) assert.notEqual(await poll(), 200);
    await server.pass(1_000);
  }
  const callers = await callersOf(server);
  assert.deepEqual(new Set(callers.map(({ code }) => code)), new Set(['same-self']));
  assert.deepEqual(
    callers.map(({ from }) => from).sort(),
    ['127.0.0.6', '127.0.0.7'],
    'those that came after the first',
  );
});

test('a node that moves, or speaks from elsewhere at times, is not', async (t) => {
  const server = await startServer(t);
  const [before, after] = [
    host(t, server, '127.0.0.5', `self=${SELF}`),
    host(t, server, '127.0.0.6', `self=${SELF}`),
  ];
  for (let i = 0; i < 5; i++) {
    await before();
    await server.pass(5_000);
  }
  for (let i = 0; i < 20; i++) {
    await after();
    await server.pass(5_000);
  }
  assert.deepEqual(await callersOf(server), []);
});
