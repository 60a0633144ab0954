import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { AllowedMembers } from '../../src/http/access/allowed-members.js';
import { parseTokens } from '../../src/http/access/token.js';
import { StoreUnavailable, type Store } from '../../src/registry/interfaces.js';
import { eventually } from '../support/eventually.js';
import { Exposition, risen, scrape } from '../support/exposition.js';
import { FlakyStore } from '../support/flaky-store.js';
import { bootstrapCluster, NacosNode, pollPath } from '../support/nodes.js';
import { ask, CURL, JSON_CLIENT, NACOS, RawConnection, request } from '../support/raw.js';
import { startServer, type TestServer, type TestServerOptions } from '../support/server.js';
import { SharedStore } from '../support/shared-store.js';

const A = '127.0.0.11:8848';
const B = '127.0.0.12:8848';
const C = '127.0.0.13:8848';
const LIST = '/nacos/serverlist';

/** A server whose members' connections may end without a probe. */
const start = (t: TestContext, { rules, ...options }: TestServerOptions = {}): Promise<TestServer> =>
  startServer(t, { rules: { probe: false, ...rules }, ...options });

/** What rose while something was done: that, and nothing else. */
async function rises(
  server: TestServer,
  act: () => Promise<unknown>,
  expected: Readonly<Record<string, number>>,
  because?: string,
): Promise<void> {
  const before = await scrape(server);
  await act();
  const { [REFUSED]: _, ...seen } = risen(before, await scrape(server));
  assert.deepEqual(seen, expected, because);
}

/** Not told of every refusal, and after its answer (refused-trace.ts). */
const REFUSED = 'events_total{type="refused"}';

/** A poll or heartbeat counts by its answer, and how long it took by the same. */
const poll = (answer: string, self = 'given'): Record<string, number> => ({
  [`polls_total{outcome="${answer}",self="${self}"}`]: 1,
  [`poll_duration_seconds_count{outcome="${answer}"}`]: 1,
});
const heartbeat = (answer: string): Record<string, number> => ({
  [`heartbeats_total{outcome="${answer}"}`]: 1,
  [`heartbeat_duration_seconds_count{outcome="${answer}"}`]: 1,
});
const cut = (reason: string): Record<string, number> => ({
  [`unterminated_responses_total{reason="${reason}"}`]: 1,
});
const held = (end: string): Record<string, number> => ({ [`poll_hold_seconds_count{outcome="${end}"}`]: 1 });
const event = (...types: string[]): Record<string, number> =>
  Object.fromEntries(types.map((type) => [`events_total{type="${type}"}`, 1]));
const other = (method: string, route: string, status: number | string): Record<string, number> => {
  const labels = `{method="${method}",route="${route}",status="${status}"}`;
  return { [`http_requests_total${labels}`]: 1, [`http_request_duration_seconds_count${labels}`]: 1 };
};

test('lists: polls, plain polls and heartbeats, in front and behind the front door', async (t) => {
  const server = await start(t);
  const first = { ...poll('list'), ...event('waiting', 'bootstrapped') };
  await rises(server, () => ask(server, 'GET', pollPath(A), NACOS), first, 'a bootstrap');
  await rises(server, () => ask(server, 'GET', pollPath(A), NACOS), poll('list'));
  await rises(server, () => ask(server, 'GET', LIST, NACOS), poll('list', 'none'));
  await rises(server, () => ask(server, 'POST', pollPath(A)), heartbeat('list'));
  const viaHttp = ['Connection: close', ...CURL];
  await rises(server, () => ask(server, 'GET', pollPath(A), viaHttp), poll('list'), 'not in front');
  await rises(server, () => ask(server, 'GET', LIST, viaHttp), poll('list', 'none'), 'not in front');
  await rises(server, () => ask(server, 'HEAD', LIST), poll('list', 'none'));
  await rises(server, () => ask(server, 'POST', pollPath(A), viaHttp), heartbeat('list'), 'not in front');
});

test('who waits: for a bootstrap, at the gate, after a leave', async (t) => {
  const server = await start(t);
  const bootstrapping = { ...poll('waiting'), ...held('no-list') };
  const path = pollPath(A, '&expect=2');
  await rises(
    server,
    () => ask(server, 'GET', path, NACOS),
    { ...bootstrapping, ...cut('bootstrapping'), ...event('waiting') },
    'a Nacos',
  );
  await rises(server, () => ask(server, 'GET', path, CURL), bootstrapping, 'people get a complete answer');
  await rises(server, () => ask(server, 'POST', path), heartbeat('waiting'), 'a heartbeat is not held');
  await rises(server, () => ask(server, 'GET', LIST, NACOS), {
    ...poll('waiting', 'none'),
    ...cut('bootstrapping'),
    ...held('no-list'),
  });

  const gate = await start(t);
  await bootstrapCluster(t, gate, [A]);
  await ask(gate, 'GET', pollPath(B), NACOS);
  const blocked = { ...poll('waiting'), ...held('no-list') };
  await rises(gate, () => ask(gate, 'GET', pollPath(C), NACOS), {
    ...blocked,
    ...cut('gate'),
    ...event('waiting'),
  });
  await rises(gate, () => ask(gate, 'DELETE', pollPath(B)), {
    ...other('DELETE', '/{product}/{cluster}', 200),
    ...event('left', 'admitted'),
  });
  await rises(gate, () => ask(gate, 'GET', pollPath(B), NACOS), { ...blocked, ...cut('left') });
});

test('a held poll that gets its list, and one whose caller hangs up', async (t) => {
  const server = await start(t, { rules: { pollHold: 2_000 } });
  const waits = (address: string): Promise<unknown> =>
    eventually('it waits', () => server.service.find('nacos/serverlist')?.cluster.waiting.has(address));
  await rises(
    server,
    async () => {
      const gone = await RawConnection.open(server.port);
      gone.send(request('GET', pollPath(C, '&expect=2'), NACOS));
      await waits(C);
      gone.hangUp();
      await eventually(
        'it is forgotten',
        () => server.service.find('nacos/serverlist')?.cluster.waiting.size === 0,
      );
    },
    { ...poll('abandoned'), ...held('abandoned'), ...event('waiting') },
  );
  await rises(
    server,
    async () => {
      const held = ask(server, 'GET', pollPath(A, '&expect=2'), NACOS);
      await waits(A);
      await ask(server, 'POST', pollPath(B, '&expect=2'), NACOS);
      await held;
    },
    {
      ...poll('list'),
      ...heartbeat('list'),
      ...held('list'),
      'events_total{type="bootstrapped"}': 1,
      'events_total{type="waiting"}': 2,
    },
  );
});

test('what is refused: by the registry, for a wrong parameter, and what is unknown', async (t) => {
  const server = await start(t);
  await bootstrapCluster(t, server, [A], () => '&id=nacos-0');
  const nothing = held('no-list');
  for (const [path, answer, self] of [
    [pollPath(B, '&id=nacos-0'), 'refused', 'given'],
    [pollPath('a b'), 'bad-request', 'given'],
    [`${LIST}?format=xml`, 'bad-request', 'none'],
    ['/nacos/unknown', 'not-found', 'none'],
  ] as const) {
    const counts = poll(answer, self);
    await rises(
      server,
      () => ask(server, 'GET', path.replace(' ', '%20'), NACOS),
      { ...counts, ...cut(answer), ...nothing },
      path,
    );
    await rises(server, () => ask(server, 'GET', path.replace(' ', '%20'), CURL), counts, path);
  }
  await rises(server, () => ask(server, 'POST', pollPath(B, '&id=nacos-0')), heartbeat('refused'));
  await rises(server, () => ask(server, 'POST', LIST), heartbeat('bad-request'));
});

test('access: without a token, with one for another cluster, from outside the networks', async (t) => {
  const server = await start(t, {
    access: {
      changeTokens: {
        tokens: parseTokens('secret-secret-secret,other/c:another-secret-x'),
        file: undefined,
      },
      allowedMembers: AllowedMembers.parse('127.0.0.0/24'),
    },
  });
  const refused = held('no-list');
  for (const [path, answer, reason] of [
    [pollPath(A), 'unauthorized', 'token'],
    [pollPath(A, '&token=wrong-wrong-wrong-x'), 'unauthorized', 'token'],
    [pollPath(A, '&token=another-secret-x'), 'forbidden', 'scope'],
    [pollPath('10.9.9.9', '&token=secret-secret-secret'), 'forbidden', 'member'],
  ] as const) {
    const counted = { [`refused_requests_total{reason="${reason}"}`]: 1 };
    await rises(
      server,
      () => ask(server, 'GET', path, NACOS),
      { ...poll(answer), ...cut(answer), ...refused, ...counted },
      path,
    );
    await rises(server, () => ask(server, 'POST', path), { ...heartbeat(answer), ...counted }, path);
  }
});

test('access: what a member sends without a valid token counts once, by whichever door it comes', async (t) => {
  const changeTokens = { tokens: parseTokens('secret-secret-secret'), file: undefined };
  const refused = { 'refused_requests_total{reason="token"}': 1 };
  for (const mode of ['enforce', 'warn'] as const) {
    const server = await start(t, { access: { changeTokens, mode } });
    await bootstrapCluster(t, server, [A], () => '&token=secret-secret-secret');
    const beaten = heartbeat(mode === 'warn' ? 'list' : 'unauthorized');
    for (const headers of [NACOS, [...NACOS, 'Connection: close']]) {
      await rises(
        server,
        () => ask(server, 'GET', pollPath(A), headers),
        { ...poll('list'), ...refused },
        mode,
      );
      const live = pollPath(A, '&view=live');
      await rises(server, () => ask(server, 'GET', live, headers), { ...poll('list'), ...refused }, mode);
      await rises(server, () => ask(server, 'POST', pollPath(A), headers), { ...beaten, ...refused }, mode);
    }
  }
  const server = await start(t, { access: { changeTokens, mode: 'warn' } });
  await bootstrapCluster(t, server, [A], () => '&token=secret-secret-secret');
  const joined = { ...poll('list'), ...event('waiting', 'admitted'), ...refused };
  await rises(
    server,
    () => ask(server, 'GET', pollPath(B), NACOS),
    joined,
    'one that joins is only warned of',
  );
});

test('an outage of the store, a decision that throws, and servers that do not agree yet', async (t) => {
  let store: FlakyStore | undefined;
  const server = await start(t, { wrap: (real) => (store = new FlakyStore(real)) });
  await bootstrapCluster(t, server, [A]);
  store!.become('failing');
  const unavailable = { ...poll('unavailable'), ...held('no-list') };
  await rises(server, () => ask(server, 'GET', pollPath(B), NACOS), { ...unavailable, ...cut('store') });
  await rises(server, () => ask(server, 'GET', pollPath(A), NACOS), poll('list'), 'from memory');

  const broken = await start(t, { wrap: brokenStore });
  await rises(broken, () => ask(broken, 'GET', pollPath(A), NACOS), {
    ...poll('internal'),
    ...held('no-list'),
    ...cut('internal'),
  });

  let shared: SharedStore | undefined;
  const replica = await start(t, { wrap: (real) => (shared = new SharedStore(real)) });
  await replica.service.sync();
  shared!.agree('decided');
  // It has to look which list is current before anybody is told one.
  await replica.service.command({ product: 'nacos', name: 'serverlist' }, { type: 'put', addresses: [A] });
  await rises(replica, () => ask(replica, 'GET', LIST, NACOS), {
    ...poll('unavailable', 'none'),
    ...held('no-list'),
    ...cut('agreeing'),
  });
});

test('what is no HTTP, and what a Nacos finds on the operators’ side', async (t) => {
  const server = await start(t);
  const garbage = async (): Promise<void> => {
    const connection = await RawConnection.open(server.port);
    connection.send('no HTTP at all\r\n\r\n');
    await connection.drain();
  };
  await rises(server, garbage, cut('malformed'));
  const metrics = cut('astray');
  await rises(server, () => ask(server, 'GET', '/metrics', NACOS), metrics);
  await rises(server, () => ask(server, 'GET', '/nacos/v1/as/nodes', NACOS), {
    ...other('GET', '/nacos/v1/as/nodes', 'unterminated'),
    ...cut('method'),
  });
  await rises(server, () => ask(server, 'GET', '/a/b/c', NACOS), {
    ...other('GET', 'unmatched', 'unterminated'),
    ...cut('not-found'),
  });
});

test('polls that a stop ends', async (t) => {
  const server = await start(t, { rules: { pollHold: 2_000 } });
  const before = await scrape(server);
  const held = new NacosNode(t, server, pollPath(A, '&expect=2')).poll();
  await eventually('it waits', () => server.service.find('nacos/serverlist')?.cluster.waiting.size === 1);
  await Promise.all([held, server.stop()]);
  const text = await server.metrics.render({
    service: server.service,
    connections: { count: () => ({ open: 0, members: 0 }) },
    heldRequests: { held: 0 },
  });
  assert.deepEqual(risen(before, new Exposition(text.toString())), {
    ...poll('unavailable'),
    ...cut('stopping'),
    'poll_hold_seconds_count{outcome="abandoned"}': 1,
    ...event('waiting'),
  });
});

test('other requests by route, whatever their path, and without those that asked to be held', async (t) => {
  const server = await start(t);
  await bootstrapCluster(t, server, [A]);
  const route = '/api/v1/clusters/{product}/{cluster}';
  const json = (path: string) => () => ask(server, 'GET', path, JSON_CLIENT);
  await rises(server, json('/api/v1/clusters/nacos/serverlist'), other('GET', route, 200));
  await rises(server, json('/api/v1/clusters/no/such'), other('GET', route, 404));
  await rises(server, json('/api/v1/clusters'), other('GET', '/api/v1/clusters', 200));
  await rises(server, json('/api/v1/events?limit=x'), other('GET', '/api/v1/events', 400));
  await rises(server, json('/healthz'), other('GET', '/healthz', 200));
  await rises(server, () => ask(server, 'PUT', '/readyz'), other('other', '/readyz', 405));
  await rises(server, () => ask(server, 'BREW', '/readyz'), cut('malformed'), 'no method of HTTP');
  await rises(server, () => ask(server, 'POST', '/nacos/v1/as/nodes?ips=127.0.0.31'), {
    ...other('POST', '/nacos/v1/as/nodes', 200),
    ...event('admitted'),
  });
  await rises(server, json('/api/v1/clusters/nacos/serverlist?revision=2&wait=20ms'), {
    [`http_requests_total{method="GET",route="${route}",status="200"}`]: 1,
  });
  for (let i = 0; i < 20; i++) await ask(server, 'GET', `/x/${i}/y/${i}`);
  const routes = new Set(
    (await scrape(server)).find('address_server_http_requests_total').map(({ labels }) => labels.route),
  );
  assert.ok(routes.size < 10, [...routes].join(' '));
});

function brokenStore(real: Store): Store {
  return {
    pace: real.pace,
    isShared: false,
    open: (listener) => real.open(listener),
    transact: () => Promise.reject(new Error('a bug')),
    sync: (report) => real.sync(report),
    events: () => Promise.reject(new StoreUnavailable('gone')),
    close: () => real.close(),
  };
}
