import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { parseTokens } from '../../src/http/access/token.js';
import { OUTCOMES, HOLD_OUTCOMES, REASONS, REFUSALS } from '../../src/http/http-observer.js';
import { packageVersion } from '../../src/util/package-info.js';
import { EVENT_TYPES } from '../../src/registry/events.js';
import { STORE_FAILURES, STORE_OPERATIONS } from '../../src/runtime/observer.js';
import { eventually } from '../support/eventually.js';
import { scrape } from '../support/exposition.js';
import { FlakyStore } from '../support/flaky-store.js';
import { bootstrapCluster, live, pollPath } from '../support/nodes.js';
import { startServerProcess } from '../support/process.js';
import { ask, CURL, JSON_CLIENT, NACOS, RawConnection, request } from '../support/raw.js';
import { startServer } from '../support/server.js';
import { SharedStore } from '../support/shared-store.js';
import { tempFolder } from '../support/temp.js';

const A = '127.0.0.11:8848';
const B = '127.0.0.12:8848';
const C = '127.0.0.13:8848';
const D = '127.0.0.14:8848';
const OURS = { product: 'nacos', cluster: 'serverlist' };

test('GET and HEAD /metrics, in Prometheus’s text format, never from a cache', async (t) => {
  const server = await startServer(t);
  const prometheus = [
    'Host: h',
    'User-Agent: Prometheus/2.42.0',
    'Accept: text/plain;version=0.0.4;q=0.5,*/*',
  ];
  for (const headers of [prometheus, CURL, JSON_CLIENT]) {
    for (const method of ['GET', 'HEAD']) {
      const answer = await ask(server, method, '/metrics', headers);
      assert.deepEqual([answer.status, answer.complete], [200, true]);
      assert.equal(answer.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
      assert.equal(answer.headers.get('cache-control'), 'no-store');
      assert.equal(answer.body.startsWith('# HELP '), method === 'GET');
    }
  }
});

test('other methods of /metrics are not offered, and a Nacos gets nothing complete', async (t) => {
  const server = await startServer(t);
  for (const method of ['POST', 'PUT', 'DELETE']) {
    const answer = await ask(server, method, '/metrics', JSON_CLIENT);
    assert.deepEqual([answer.status, answer.headers.get('allow')], [405, 'GET, HEAD']);
    assert.equal(answer.headers.get('content-type'), 'application/problem+json');
  }
  const node = await ask(server, 'GET', '/metrics', NACOS);
  assert.deepEqual([node.status, node.complete], [302, false]);
  assert.match(node.body, /^these are metrics, not a list; a list is at \/\{product\}/);
});

test('/metrics takes a token for reading when there are any', async (t) => {
  const readTokens = { tokens: parseTokens('read-read-read-read'), file: undefined };
  const server = await startServer(t, { access: { readTokens } });
  const refused = await ask(server, 'GET', '/metrics', JSON_CLIENT);
  assert.equal(refused.status, 401);
  assert.ok(refused.headers.has('www-authenticate'));
  assert.doesNotMatch(refused.body, /address_server_/);
  const headers = [...JSON_CLIENT, 'Authorization: Bearer read-read-read-read'];
  assert.equal((await ask(server, 'GET', '/metrics', headers)).status, 200);
});

test('every series of a closed set is there from the start, at 0', async (t) => {
  const found = await scrape(await startServer(t));
  const expected: readonly (readonly [name: string, ...labels: [string, readonly string[]][]])[] = [
    ['address_server_events_total', ['type', EVENT_TYPES]],
    ['address_server_unterminated_responses_total', ['reason', REASONS]],
    ['address_server_refused_requests_total', ['reason', REFUSALS]],
    ['address_server_polls_total', ['self', ['given', 'none']], ['outcome', OUTCOMES]],
    ['address_server_heartbeats_total', ['outcome', OUTCOMES]],
    ['address_server_probes_total', ['outcome', ['open', 'refused', 'unreachable', 'unknown']]],
    ['address_server_store_errors_total', ['operation', STORE_OPERATIONS], ['error', STORE_FAILURES]],
    ['address_server_poll_hold_seconds_count', ['outcome', HOLD_OUTCOMES]],
    ['address_server_poll_duration_seconds_count', ['outcome', ['list']]],
    [
      'address_server_clusters',
      ['state', ['empty', 'bootstrapping', 'whole', 'impaired', 'quorum-lost', 'damaged']],
    ],
  ];
  for (const [name, ...labels] of expected) {
    const samples = found.find(name);
    assert.equal(
      samples.length,
      labels.reduce((product, [, values]) => product * values.length, 1),
      name,
    );
    for (const [label, values] of labels) {
      assert.deepEqual(new Set(samples.map((sample) => sample.labels[label])), new Set(values), name);
    }
    assert.ok(
      samples.every(({ value }) => value === 0),
      name,
    );
  }
});

test('a cluster from its bootstrap to a lost majority', async (t) => {
  const server = await startServer(t);
  const gauge = async (name: string, more: Record<string, string> = {}): Promise<number> =>
    (await scrape(server)).value(`address_server_cluster_${name}`, { ...OURS, ...more });
  const states = async (): Promise<string[]> =>
    (await scrape(server))
      .find('address_server_clusters')
      .filter(({ value }) => value > 0)
      .map(({ labels, value }) => `${value} ${labels.state}`);
  assert.deepEqual(await states(), []);
  await ask(server, 'GET', '/nacos/asked-for-only', CURL);
  assert.deepEqual(await states(), [], 'whom nobody waits for is no cluster');

  await ask(server, 'POST', pollPath(A, '&expect=3'));
  await server.pass(3_000);
  assert.deepEqual(await states(), ['1 bootstrapping']);
  assert.deepEqual([await gauge('waiting_addresses'), await gauge('longest_wait_seconds')], [1, 3]);
  assert.equal(await gauge('epoch'), 0);

  const nodes = await bootstrapCluster(t, server, [A, B, C]);
  assert.deepEqual(await states(), ['1 whole']);
  assert.equal(await gauge('members', { state: 'live' }), 3);
  assert.deepEqual([await gauge('revision'), await gauge('epoch'), await gauge('size')], [1, 1, 3]);
  assert.equal(await gauge('members_out_of_date'), 0);
  assert.equal(await gauge('waiting_addresses'), 0);

  await ask(server, 'POST', pollPath(D));
  assert.deepEqual([await gauge('revision'), await gauge('members_out_of_date')], [2, 4]);
  assert.deepEqual([await gauge('unsettled_members'), await gauge('longest_unsettled_seconds')], [1, 0]);
  await live(server, nodes, 10_000);
  assert.deepEqual([await gauge('members_out_of_date'), await gauge('longest_unsettled_seconds')], [1, 10]);
  assert.deepEqual(await states(), ['1 impaired']);
  await ask(server, 'DELETE', pollPath(D));

  server.probe.answers.set(B, 'unreachable');
  server.probe.answers.set(C, 'refused');
  await live(server, nodes.slice(0, 1), 20_000);
  assert.deepEqual(await states(), ['1 quorum-lost']);
  assert.equal(await gauge('quorum_lost'), 1);
  for (const [state, count] of [
    ['live', 1],
    ['silent', 1],
    ['down', 1],
    ['static', 0],
  ] as const) {
    assert.equal(await gauge('members', { state }), count, state);
  }
  const counters = await scrape(server);
  assert.equal(counters.value('address_server_events_total', { type: 'quorum-lost' }), 1);
  assert.equal(counters.value('address_server_events_total', { type: 'evicted' }), 0);
  assert.ok(counters.value('address_server_probes_total', { outcome: 'refused' }) > 0);
  assert.ok(counters.value('address_server_probes_total', { outcome: 'unreachable' }) > 0);
  assert.equal(counters.value('address_server_probes_total', { outcome: 'open' }), 0);
});

test('the store: how long it takes, what it writes, and an outage with its grace', async (t) => {
  let store: FlakyStore | undefined;
  const server = await startServer(t, { wrap: (real) => (store = new FlakyStore(real)) });
  const nodes = await bootstrapCluster(t, server, [A, B]);
  const durations = 'address_server_store_operation_duration_seconds';
  // One may have been under way already.
  await server.service.sync();
  await server.service.sync();
  const before = await scrape(server);
  assert.equal(before.value(`${durations}_count`, { operation: 'open' }), 1);
  assert.equal(before.value(`${durations}_count`, { operation: 'transact' }), 2);
  assert.equal(before.value(`${durations}_count`, { operation: 'events' }), 0);
  assert.equal(before.value('address_server_store_up'), 1);
  assert.equal(before.value('address_server_grace_seconds'), 0);

  await server.pass(1_000);
  await Promise.all(nodes.map((node) => node.poll()));
  await server.service.sync();
  await ask(server, 'GET', '/api/v1/events', JSON_CLIENT);
  const after = await scrape(server);
  assert.equal(after.value(`${durations}_count`, { operation: 'events' }), 1);
  const written = (name: string): number =>
    after.value(`address_server_store_written_leases_${name}`) -
    before.value(`address_server_store_written_leases_${name}`);
  assert.equal(written('sum'), 2);
  // The server's own exchange, one a second, may have come in between.
  assert.ok(written('count') >= 1);

  store!.become('failing');
  await server.service.sync();
  await ask(server, 'GET', '/api/v1/events', JSON_CLIENT);
  const outage = await scrape(server);
  assert.equal(outage.value('address_server_store_up'), 0);
  assert.equal(
    outage.value('address_server_lists_current'),
    1,
    'a store of its own: nobody else changed them',
  );
  const errors = (operation: string): number =>
    outage.value('address_server_store_errors_total', { operation, error: 'unavailable' });
  assert.deepEqual([errors('events'), errors('transact'), errors('open')], [1, 0, 0]);
  assert.ok(errors('sync') >= 1);

  store!.become('up');
  await server.service.sync();
  const back = await scrape(server);
  assert.deepEqual(
    [back.value('address_server_store_up'), back.value('address_server_grace_seconds')],
    [1, 30],
  );
});

test('connections, those of members among them, and who is held', async (t) => {
  const server = await startServer(t, { rules: { pollHold: 2_000 } });
  const [a] = await bootstrapCluster(t, server, [A]);
  const idle = await RawConnection.open(server.port);
  const held = await RawConnection.open(server.port);
  held.send(request('GET', pollPath(B, '&expect=9'), NACOS));
  t.after(() => [idle, held].forEach((connection) => connection.hangUp()));
  const numbers = async (): Promise<number[]> => {
    const found = await scrape(server);
    return ['connections', 'member_connections', 'held_requests'].map((name) =>
      found.value(`address_server_${name}`),
    );
  };
  // The scrape's own is one of them. B is admitted at once to a list of one.
  await eventually('all are open', async () => String(await numbers()) === '4,2,0');
  const waits = await RawConnection.open(server.port);
  waits.send(request('GET', pollPath(C), NACOS));
  await eventually('C is held', async () => String(await numbers()) === '5,2,1');
  waits.hangUp();
  a!.die();
  await eventually('they are gone', async () => String(await numbers()) === '3,1,0');
});

test('several servers on one store', async (t) => {
  let shared: SharedStore | undefined;
  const server = await startServer(t, { wrap: (real) => (shared = new SharedStore(real)) });
  await bootstrapCluster(t, server, [A]);
  await server.service.sync();
  assert.equal((await scrape(server)).value('address_server_servers'), 2);
  assert.equal((await scrape(server)).value('address_server_cluster_change_pending', OURS), 0);
  shared!.agree('decided');
  await ask(server, 'POST', '/nacos/v1/as/nodes?ips=127.0.0.31');
  assert.equal((await scrape(server)).value('address_server_cluster_change_pending', OURS), 1);
  const alone = await startServer(t);
  assert.equal((await scrape(alone)).value('address_server_servers'), 1);
});

test('each server counts for itself', async (t) => {
  const [one, other] = [await startServer(t), await startServer(t)];
  await bootstrapCluster(t, one, [A]);
  assert.equal((await scrape(one)).value('address_server_events_total', { type: 'bootstrapped' }), 1);
  assert.equal((await scrape(other)).value('address_server_events_total', { type: 'bootstrapped' }), 0);
});

test('scrapes at the same time share one answer', async (t) => {
  const server = await startServer(t);
  const readable = {
    service: server.service,
    connections: { count: () => ({ open: 0, members: 0 }) },
    heldRequests: { held: 0 },
  };
  const [first, second] = [server.metrics.render(readable), server.metrics.render(readable)];
  assert.equal(first, second);
  await first;
  assert.notEqual(server.metrics.render(readable), first);
});

async function processScrape(t: TestContext) {
  const server = await startServerProcess(t, { file: `${tempFolder(t)}/registry.db` });
  await ask(server, 'POST', pollPath(A));
  return scrape(server);
}

test('the program as it is started: its version, the process and the event loop', async (t) => {
  const found = await processScrape(t);
  assert.equal(found.value('address_server_build_info', { version: packageVersion() }), 1);
  assert.ok(found.value('process_resident_memory_bytes') > 10e6);
  assert.ok(found.value('process_cpu_seconds_total') > 0);
  assert.ok(found.value('process_open_fds') > 5);
  assert.ok(found.find('nodejs_eventloop_lag_p99_seconds').length === 1);
  assert.equal(found.types.get('nodejs_gc_duration_seconds'), 'histogram');
  assert.equal(found.value('address_server_events_total', { type: 'bootstrapped' }), 1);
  for (const { name } of found.samples) assert.match(name, /^(address_server|process|nodejs)_/);
});
