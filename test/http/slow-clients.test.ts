import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { eventually } from '../support/eventually.js';
import { assertRefused } from '../support/exposition.js';
import { recordingLog } from '../support/log.js';
import { bootstrapCluster, pollPath } from '../support/nodes.js';
import { ask, CURL, JSON_CLIENT, NACOS, RawConnection, request } from '../support/raw.js';
import { startServer, type TestServer, type TestServerOptions } from '../support/server.js';

const A = '127.0.0.11:8848';
const CLUSTER = '/api/v1/clusters/nacos/serverlist';
const LIST = request('GET', '/nacos/serverlist', NACOS);
/** The front door leaves this to the HTTP server behind it. */
const BEHIND = request('GET', '/nacos/serverlist', [...NACOS, 'TE: trailers']);

/** Node looks once a second for requests that are late. */
const ARRIVAL = 500;

function assertLate(took: number): void {
  assert.ok(took >= ARRIVAL - 50, `cut after ${took} ms`);
}

/** Sends one byte after another until the server ends the connection; resolves with the milliseconds that took. */
async function trickle(connection: RawConnection, text: string): Promise<number> {
  const started = performance.now();
  for (const byte of text) {
    if (connection.isClosed) break;
    connection.send(byte);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  if (!connection.isClosed) await connection.drain();
  return performance.now() - started;
}

/** A server with a list of 1,000 long names: 250 KB, which the system's buffers do not take many of. */
async function populous(t: TestContext, options: TestServerOptions = {}): Promise<TestServer> {
  const server = await startServer(t, options);
  const name = (i: number): string => `${`${'n'.repeat(59)}.`.repeat(4)}n${i}:8848`;
  const form = [...CURL, 'Content-Type: application/x-www-form-urlencoded'];
  for (let i = 0; i < 1_000; i += 200) {
    const ips = Array.from({ length: 200 }, (_, k) => name(i + k)).join(',');
    assert.equal((await ask(server, 'POST', '/nacos/v1/as/nodes', form, `ips=${ips}`)).status, 200);
  }
  return server;
}

/** A caller that asks and never reads. */
async function deafCaller(t: TestContext, server: TestServer): Promise<RawConnection> {
  const connection = await RawConnection.open(server.port);
  t.after(() => connection.hangUp());
  connection.socket.pause();
  return connection;
}

/** Asks again and again until something holds: the system's buffers take some first. */
async function askUntil(connection: RawConnection, text: string, what: string, met: () => boolean) {
  const asking = setInterval(() => connection.send(text), 2);
  await eventually(what, met, 60_000, 1).finally(() => clearInterval(asking));
}

/**
 * The same at the front door, which knows one request at a time: two that a busy system delivers at once would go behind
 * it, with the connection.
 */
async function askOneByOne(
  t: TestContext,
  server: TestServer,
  connection: RawConnection,
  isOver: () => boolean,
): Promise<void> {
  const answered = t.mock.method(server.metrics.traffic, 'answered').mock;
  while (!isOver()) {
    const before = answered.callCount();
    connection.send(LIST);
    await eventually('it is answered or cut', () => answered.callCount() > before || isOver(), 60_000, 1);
  }
}

// They wait for timers of the server most of the time.
describe('what comes byte by byte is cut', { concurrency: 12 }, () => {
  const header = request('GET', '/nacos/serverlist', [...NACOS, `X-Slow: ${'a'.repeat(100)}`]);
  const body = `a=${'b'.repeat(100)}`;
  const chunked = [...CURL, 'Transfer-Encoding: chunked'];
  const withBody = [...CURL, `Content-Length: ${body.length}`];
  const post = (path: string): string => request('POST', path, withBody);

  // What is sent at once, how many answers that has, and what then comes byte by byte.
  for (const [what, atOnce, answers, slowly] of [
    ['the first request', '', 0, header],
    ['a request after one that the front door answered', LIST, 1, header],
    ['a request after one that was handed over', BEHIND, 1, header],
    ['a request after two that came together', LIST + LIST, 2, header],
    [
      'the rest of a request that was handed over by its first bytes',
      header.slice(0, 10),
      0,
      header.slice(10),
    ],
    ['the body of a heartbeat', post(pollPath(A)), 0, body],
    ['the body of a put', post('/nacos/v1/as/nodes'), 0, body],
    ['the body of a recover', post(`${CLUSTER}/recover`), 0, body],
    ['a body that was answered before it was there', request('GET', '/nacos/serverlist', withBody), 1, body],
    ['a chunked body', request('POST', pollPath(A), chunked), 0, '1\r\na\r\n'.repeat(20)],
  ] as const) {
    test(what, async (t) => {
      const server = await startServer(t, { limits: { arrival: ARRIVAL } });
      await bootstrapCluster(t, server, [A]);
      const connection = await RawConnection.open(server.port);
      connection.send(atOnce);
      for (let i = 0; i < answers; i++) await connection.receive();
      assertLate(await trickle(connection, slowly));
      await eventually('the server has forgotten it', () => server.server.load.connections === 1);
      await assertRefused(server, 'slow', 1);
    });
  }

  test('a new connection that says nothing', async (t) => {
    const server = await startServer(t, { limits: { arrival: ARRIVAL } });
    const started = performance.now();
    await (await RawConnection.open(server.port)).drain();
    assertLate(performance.now() - started);
    await assertRefused(server, 'slow', 0);
  });

  test('but a long poll may take longer than a request', async (t) => {
    const server = await startServer(t, { limits: { arrival: ARRIVAL } });
    await bootstrapCluster(t, server, [A]);
    const answer = await ask(server, 'GET', `${CLUSTER}?revision=1&wait=3s`, JSON_CLIENT);
    assert.equal(answer.status, 200);
  });
});

describe('who does not read is cut', () => {
  const post = request('POST', pollPath(A), [...CURL, 'Content-Length: 60000'], 'a'.repeat(60_000));

  test('behind the front door when nothing moves for as long as the stall', async (t) => {
    const server = await populous(t, { limits: { stall: 1_000 } });
    const connection = await deafCaller(t, server);
    await askUntil(connection, BEHIND, 'an answer is stuck', () => server.server.load.unread > 0);
    const started = performance.now();
    await eventually('it is cut', () => server.server.load.connections === 0);
    assert.ok(performance.now() - started >= 900);
    await assertRefused(server, 'slow', 1);
  });

  test('and no more than one answer is in memory for it until then', async (t) => {
    const server = await populous(t);
    const connection = await deafCaller(t, server);
    await askUntil(connection, BEHIND, 'an answer is stuck', () => server.server.load.unread > 0);
    connection.send(BEHIND.repeat(16));
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.ok(server.server.load.unread < 300_000, `${server.server.load.unread} bytes are unread`);
  });

  test('at the front door when it has left 1 MB', async (t) => {
    const server = await populous(t);
    const connection = await deafCaller(t, server);
    await askOneByOne(t, server, connection, () => server.server.load.connections === 0);
    await assertRefused(server, 'slow', 1);
  });

  test('who left most first, when all together have left too much', async (t) => {
    const { log, lines } = recordingLog();
    const server = await populous(t, { log, limits: { unread: 1 << 30, unreadByAll: 600_000 } });
    const modest = await deafCaller(t, server);
    await askUntil(modest, BEHIND, 'an answer is stuck', () => server.server.load.unread > 0);
    const greedy = await deafCaller(t, server);
    await askOneByOne(t, server, greedy, () => server.server.load.connections === 1);
    assert.ok(server.server.load.unread > 0, 'it was the other');
    await assertRefused(server, 'slow', 1);
    assert.equal(lines().filter(({ msg }) => /unread answers pile up/.test(String(msg))).length, 1);
    assert.equal((await ask(server, 'GET', '/nacos/serverlist', NACOS)).status, 200);
  });

  for (const [what, text] of [
    ['that it speaks no HTTP', 'nonsense\r\n\r\n'],
    ['that there is no list', request('GET', '/nacos/unknown', NACOS)],
    ['so, and goes on sending', request('GET', '/nacos/unknown', NACOS) + post.repeat(3)],
  ] as const) {
    test(`and who does not hang up when it is told ${what}`, async (t) => {
      const server = await startServer(t, { rules: { pollHold: 30 } });
      const connection = await RawConnection.open(server.port);
      // Or node would hang up by itself.
      connection.socket.allowHalfOpen = true;
      const started = performance.now();
      connection.send(text);
      await eventually('it is connected', () => server.server.load.connections === 1);
      await eventually('it is cut', () => server.server.load.connections === 0);
      assert.ok(performance.now() - started >= 1_900, 'it has a moment to hang up by itself');
      connection.hangUp();
    });
  }
});
