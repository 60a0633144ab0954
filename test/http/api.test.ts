import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { eventually } from '../support/eventually.js';
import { bootstrapCluster, live, NacosNode, pollPath } from '../support/nodes.js';
import { ask, getJson, JSON_CLIENT, NACOS, RawConnection, request, type RawAnswer } from '../support/raw.js';
import { startServer, type TestServer } from '../support/server.js';

const A = '127.0.0.11:8848';
const B = '127.0.0.12:8848';
const C = '127.0.0.13:8848';
const D = '127.0.0.14:8848';
const CLUSTER = '/api/v1/clusters/nacos/serverlist';

interface EventPage {
  readonly events: { seq: number; type: string; address?: string; cluster: string; time: string }[];
  readonly next?: number;
}

interface ClusterPage {
  readonly clusters: Record<string, unknown>[];
  readonly next?: string;
}

function problem(answer: RawAnswer): Record<string, unknown> {
  assert.equal(answer.headers.get('content-type'), 'application/problem+json');
  const body = JSON.parse(answer.body) as Record<string, unknown>;
  assert.deepEqual([body.type, body.status], ['about:blank', answer.status]);
  return body;
}

test('the list of clusters', async (t) => {
  const server = await startServer(t);
  assert.deepEqual(await getJson(server, '/api/v1/clusters'), { clusters: [] });
  await bootstrapCluster(t, server, [A, B]);
  await ask(server, 'POST', '/nacos/bootstrapping?self=127.0.0.11&expect=3');
  await ask(server, 'GET', '/nacos/asked-for-only', NACOS);
  const { clusters } = await getJson<ClusterPage>(server, '/api/v1/clusters');
  assert.deepEqual(clusters, [
    {
      product: 'nacos',
      cluster: 'bootstrapping',
      state: 'bootstrapping',
      summary: 'bootstrapping: 1 of 3 wait',
      epoch: 0,
      revision: 0,
      size: 0,
      members: 0,
      live: 0,
      unsettled: 0,
      waiting: 1,
      requiredMembers: 3,
    },
    {
      product: 'nacos',
      cluster: 'serverlist',
      state: 'whole',
      summary: 'all 2 members are live and settled',
      epoch: 1,
      revision: 1,
      size: 2,
      members: 2,
      live: 2,
      unsettled: 0,
      waiting: 0,
    },
  ]);
});

test('the list of clusters in pages', async (t) => {
  const server = await startServer(t);
  const names = ['a', 'b', 'c', 'd', 'e'];
  for (const name of [...names].reverse()) await ask(server, 'POST', `/p/${name}?self=127.0.0.11`);
  const seen: unknown[] = [];
  let query = '';
  for (let pages = 0; ; pages++) {
    assert.ok(pages < 3);
    const page = await getJson<ClusterPage>(server, `/api/v1/clusters?limit=2${query}`);
    seen.push(...page.clusters.map(({ cluster }) => cluster));
    if (page.next === undefined) break;
    query = `&after=${encodeURIComponent(page.next)}`;
  }
  assert.deepEqual(seen, names);
  const whole = await getJson<ClusterPage>(server, '/api/v1/clusters?limit=5');
  assert.equal(whole.next, undefined, 'a page that holds the last cluster has no next');
});

test('one cluster', async (t) => {
  const server = await startServer(t);
  await bootstrapCluster(t, server, [A], () => '&id=nacos-0');
  await ask(server, 'POST', pollPath(B, '&id=nacos-1'));
  await server.pass(2_000);
  await ask(server, 'GET', pollPath(C, '&expect=3'), NACOS);
  assert.deepEqual(await getJson(server, CLUSTER), {
    product: 'nacos',
    cluster: 'serverlist',
    state: 'impaired',
    summary: '2 of 2 members live, 1 not yet settled, 1 waiting',
    epoch: 1,
    revision: 2,
    size: 1,
    live: 2,
    unsettled: 1,
    ttlMs: 15_000,
    members: [
      {
        address: A,
        id: 'nacos-0',
        source: 'poll',
        state: 'live',
        settled: true,
        silentMs: 2_000,
        leaseMs: 13_000,
        deliveredRevision: 1,
        upToDate: false,
      },
      {
        address: B,
        id: 'nacos-1',
        source: 'heartbeat',
        state: 'live',
        settled: false,
        silentMs: 2_000,
        leaseMs: 13_000,
        deliveredRevision: 0,
        upToDate: false,
      },
    ],
    waiting: [
      {
        address: C,
        expect: 3,
        waitingMs: 0,
        code: 'unsettled',
        reason: `${C} waits to join nacos/serverlist: ${B} joined only just, and those that have settled must stay a majority`,
      },
    ],
  });
});

test('events in pages, newest first, or oldest first after one', async (t) => {
  const server = await startServer(t);
  for (let i = 0; i < 5; i++) await ask(server, 'POST', `/nacos/v1/as/nodes?ips=127.0.0.${i + 1}`);
  await ask(server, 'POST', '/other/serverlist?self=127.0.0.9');
  const path = `${CLUSTER}/events`;
  const newest = await getJson<EventPage>(server, `${path}?limit=2`);
  assert.deepEqual(
    newest.events.map(({ type, address }) => [type, address]),
    [
      ['admitted', '127.0.0.5:8848'],
      ['admitted', '127.0.0.4:8848'],
    ],
  );
  assert.match(newest.events[0]!.time, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  const exact = await getJson<EventPage>(server, `${path}?limit=5`);
  assert.deepEqual([exact.events.length, exact.next], [5, undefined], 'the last page has no next');
  const older = await getJson<EventPage>(server, `${path}?limit=2&before=${newest.next}`);
  const oldest = await getJson<EventPage>(server, `${path}?limit=2&before=${older.next}`);
  const backwards = [...newest.events, ...older.events, ...oldest.events];
  assert.deepEqual(
    backwards.map(({ type }) => type),
    ['admitted', 'admitted', 'admitted', 'admitted', 'bootstrapped'],
  );
  assert.equal(oldest.next, undefined);

  const forwards: EventPage['events'] = [];
  let after = 0;
  for (;;) {
    const page = await getJson<EventPage>(server, `${path}?limit=2&after=${after}`);
    forwards.push(...page.events);
    if (page.next === undefined) break;
    after = page.next;
  }
  assert.deepEqual(forwards, [...backwards].reverse());

  const all = await getJson<EventPage>(server, '/api/v1/events');
  assert.equal(all.events.length, 7);
  assert.equal(all.events[0]!.cluster, 'serverlist');
  assert.deepEqual(await getJson(server, '/api/v1/clusters/no/such/events'), { events: [] });
});

test('a page of events that a token may read only in part', async (t) => {
  const [all, scoped] = ['a-token-for-all-clusters', 'a-token-for-one-cluster-only'];
  const tokens = [
    { text: all, cluster: undefined },
    { text: scoped, cluster: 'nacos/one' },
  ];
  const server = await startServer(t, { access: { readTokens: { tokens, file: undefined } } });
  for (let i = 1; i <= 12; i++) await ask(server, 'POST', `/nacos/v1/as/nodes?cluster=two&ips=127.0.0.${i}`);
  for (let i = 1; i <= 3; i++) await ask(server, 'POST', `/nacos/v1/as/nodes?cluster=one&ips=127.0.0.${i}`);
  for (let i = 21; i <= 29; i++) await ask(server, 'POST', `/nacos/v1/as/nodes?cluster=two&ips=127.0.0.${i}`);
  const read = (query: string) =>
    getJson<EventPage>(server, `/api/v1/events?${query}`, [`Authorization: Bearer ${scoped}`]);
  const seqs: number[] = [];
  let query = 'limit=2';
  for (let pages = 1; ; pages++) {
    assert.ok(pages <= 3);
    const page = await read(query);
    assert.ok(page.events.every(({ cluster }) => cluster === 'one'));
    seqs.push(...page.events.map(({ seq }) => seq));
    if (page.next === undefined) break;
    query = `limit=2&before=${page.next}`;
  }
  assert.equal(seqs.length, 3);
  assert.deepEqual(
    (await read('after=0')).events.map(({ seq }) => seq),
    [...seqs].reverse(),
  );
  const whole = await getJson<EventPage>(server, '/api/v1/events', [`Authorization: Bearer ${all}`]);
  assert.equal(whole.events.length, 24);
});

test('a long poll answers when the revision changes', async (t) => {
  const server = await startServer(t);
  await bootstrapCluster(t, server, [A]);
  const entry = server.service.find('nacos/serverlist')!;
  const change = getJson<{ revision: number }>(server, `${CLUSTER}?revision=1&wait=30s`);
  await eventually('it is held', () => entry.isWatched);
  await ask(server, 'POST', '/nacos/v1/as/nodes?ips=127.0.0.21');
  assert.equal((await change).revision, 2);
  const late = await getJson<{ revision: number }>(server, `${CLUSTER}?revision=1&wait=30s`);
  assert.equal(late.revision, 2, 'what has changed already is answered at once');
});

test('a long poll answers after its wait, and is forgotten when the caller hangs up', async (t) => {
  const server = await startServer(t);
  await bootstrapCluster(t, server, [A]);
  const entry = server.service.find('nacos/serverlist')!;
  const started = performance.now();
  const same = await getJson<{ revision: number }>(server, `${CLUSTER}?revision=1&wait=300ms`);
  assert.equal(same.revision, 1);
  assert.ok(performance.now() - started >= 295);

  const connection = await RawConnection.open(server.port);
  connection.send(request('GET', `${CLUSTER}?revision=1&wait=60s`, JSON_CLIENT));
  await eventually('it is held', () => entry.isWatched);
  connection.hangUp();
  await eventually('it is forgotten', () => !entry.isWatched);
});

test('a long poll ends with the server', async (t) => {
  const server = await startServer(t);
  await bootstrapCluster(t, server, [A]);
  const entry = server.service.find('nacos/serverlist')!;
  const held = getJson<{ revision: number }>(server, `${CLUSTER}?revision=1&wait=60s`);
  await eventually('it is held', () => entry.isWatched);
  const started = performance.now();
  const [answer] = await Promise.all([held, server.stop()]);
  assert.equal(answer.revision, 1);
  assert.ok(performance.now() - started < 50_000, 'not after its wait');
});

test('held polls end unterminated when the server stops', async (t) => {
  const server = await startServer(t, { rules: { pollHold: 2_000 } });
  const held = new NacosNode(t, server, pollPath(A, '&expect=3')).poll();
  await eventually('it waits', () => server.service.find('nacos/serverlist')?.cluster.waiting.size === 1);
  const [answer] = await Promise.all([held, server.stop()]);
  assert.deepEqual([answer.status, answer.complete], [302, false]);
});

test('recover is refused while there is a majority, and decides the list when it is lost', async (t) => {
  const server = await startServer(t);
  const [a] = await bootstrapCluster(t, server, [A, B, C]);
  const refused = await ask(server, 'POST', `${CLUSTER}/recover`, JSON_CLIENT);
  assert.equal(refused.status, 409);
  assert.equal(
    problem(refused).detail,
    'nacos/serverlist has a majority, 3 of 3 members are live; recover is for a lost majority only',
  );

  server.probe.answers.set(B, 'refused').set(C, 'refused');
  await live(server, [a!], 20_000);
  const lost = await getJson(server, CLUSTER);
  assert.equal(lost.state, 'quorum-lost');
  assert.match(String(lost.summary), /^only 1 of 3 members are live, no majority/);
  await ask(server, 'GET', pollPath(D), NACOS);
  const recovered = await ask(server, 'POST', `${CLUSTER}/recover`, JSON_CLIENT);
  assert.equal(recovered.status, 200, recovered.body);
  const view = JSON.parse(recovered.body) as { members: { address: string }[]; revision: number };
  assert.deepEqual([view.members.map(({ address }) => address), view.revision], [[A], 2]);
  assert.equal((await ask(server, 'GET', '/nacos/serverlist')).body, `${A}\n`);
});

const memberPath = (address: string, query = ''): string => `${CLUSTER}/members/${address}${query}`;
const remove = (server: TestServer, address: string, query = '') =>
  ask(server, 'DELETE', memberPath(address, query), JSON_CLIENT);

test('an operator takes a live member off, and waits until the others have the list', async (t) => {
  const server = await startServer(t);
  const [a, b] = await bootstrapCluster(t, server, [A, B, C]);
  const late = await remove(server, C, '?wait=100ms');
  assert.equal(late.status, 202, late.body);
  assert.deepEqual(JSON.parse(late.body), { address: C, revision: 2, pendingMembers: [A, B] });
  assert.equal((await ask(server, 'GET', '/nacos/serverlist')).body, `${A}\n${B}\n`);

  const again = remove(server, C, '?wait=30s');
  await eventually('it waits', () => server.service.find('nacos/serverlist')!.isWatched);
  await Promise.all([a!.poll(), b!.poll()]);
  await server.pass(3_000);
  const done = await again;
  assert.equal(done.status, 200);
  assert.deepEqual(JSON.parse(done.body), { address: C, revision: 2, pendingMembers: [] });

  const atOnce = await remove(server, encodeURIComponent(B));
  assert.deepEqual(
    [atOnce.status, JSON.parse(atOnce.body)],
    [200, { address: B, revision: 3, pendingMembers: [A] }],
  );
});

test('an operator does not take a member off that may have led just now, unless by force', async (t) => {
  const server = await startServer(t);
  const [a, b] = await bootstrapCluster(t, server, [A, B, C]);
  server.probe.answers.set(C, 'unreachable');
  await live(server, [a!, b!], 20_000);
  const refused = await remove(server, C);
  assert.equal(refused.status, 409);
  assert.match(
    String(problem(refused).detail),
    /its last sign of life was 20 s ago, .* Try again in 10 s; force=true takes it off all the same$/,
  );
  assert.equal((await getJson(server, CLUSTER)).revision, 1);
  const forced = await remove(server, C, '?force=true');
  assert.equal(forced.status, 200, forced.body);
  await live(server, [a!], 20_000);
  const lost = await remove(server, B);
  assert.match(String(problem(lost).detail), /only 1 of 2 members are live, no majority/);
  const unknown = await remove(server, D);
  assert.deepEqual(
    [unknown.status, problem(unknown).detail],
    [404, `${D} is not a member of nacos/serverlist, nor did it leave lately; the list is unchanged`],
  );
});

test('the server', async (t) => {
  const server = await startServer(t);
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  assert.deepEqual(await getJson(server, '/api/v1/server'), {
    status: 'up',
    graceMs: 0,
    version,
    changes: 'local',
    reads: 'open',
  });
});

test('what is wrong is a problem that names it', async (t) => {
  const server = await startServer(t);
  await bootstrapCluster(t, server, [A]);
  const wrong: readonly (readonly [path: string, status: number, detail: RegExp])[] = [
    ['/api/v1/clusters?page=2', 400, /parameter page is unknown/],
    ['/api/v1/clusters?limit=0', 400, /limit="0" is outside 1 to 1000/],
    ['/api/v1/clusters?limit=1001', 400, /limit="1001" is outside/],
    ['/api/v1/clusters?limit=x', 400, /limit="x" is not a whole number/],
    ['/api/v1/clusters?limit=1&limit=2', 400, /limit is given twice/],
    [`${CLUSTER}?revision=-1`, 400, /revision="-1" is not a whole number/],
    [`${CLUSTER}?revision=1&wait=61s`, 400, /wait="61s" is not a duration up to 60s/],
    [`${CLUSTER}?revision=1&wait=5`, 400, /wait="5" is not a duration/],
    [`${CLUSTER}/events?after=x`, 400, /after="x" is not a whole number/],
    [`${CLUSTER}/events?before=`, 400, /before="" is not a whole number/],
    ['/api/v1/server?x=1', 400, /parameter x is unknown/],
    ['/api/v1/stream?after=x', 400, /after="x" is neither the number of an event nor the id/],
    ['/api/v1/stream?cluster=nacos', 400, /cluster="nacos" is not of the form product\/cluster/],
    ['/api/v1/stream?cluster=api/x', 400, /cluster="api\/x" is not of the form/],
    ['/api/v1/clusters/nacos/none', 404, /nacos\/none is unknown/],
    ['/api/v1/clusters/nacos', 404, /nothing at \/api\/v1\/clusters\/nacos/],
    ['/api/v1/clusters/api/x', 400, /product="api" is reserved/],
    ['/api/v1/clusters/a%20b/x', 400, /product="a b"/],
    ['/api/v2/clusters', 404, /nothing at/],
  ];
  for (const [path, status, detail] of wrong) {
    const answer = await ask(server, 'GET', path, JSON_CLIENT);
    assert.equal(answer.status, status, `${path}: ${answer.body}`);
    assert.match(String(problem(answer).detail), detail, path);
  }
  const unknown = await ask(server, 'POST', '/api/v1/clusters/nacos/none/recover', JSON_CLIENT);
  assert.equal(problem(unknown).status, 404);
});

test('the operators’ side answers programs that do not ask for JSON, too', async (t) => {
  const server = await startServer(t);
  for (const agent of ['python-requests/2.32', 'Go-http-client/1.1', 'kube-probe/1.30']) {
    const headers = ['Host: h', `User-Agent: ${agent}`, 'Accept: */*'];
    const answer = await ask(server, 'GET', '/api/v1/clusters/nacos/none', headers);
    assert.deepEqual([answer.status, answer.complete], [404, true]);
    assert.equal((await ask(server, 'GET', '/healthz', headers)).status, 200);
  }
});

test('health', async (t) => {
  const server = await startServer(t);
  assert.deepEqual(await getJson(server, '/healthz'), { status: 'up' });
  assert.deepEqual(await getJson(server, '/readyz'), { status: 'up', graceMs: 0 });
});

test('a restart is followed by grace, with the persisted list at once (R8)', async (t) => {
  const first = await startServer(t);
  await bootstrapCluster(t, first, [A, B]);
  await first.stop();
  const second: TestServer = await startServer(t, { file: first.file });
  assert.equal((await ask(second, 'GET', pollPath(B), NACOS)).body, `${A}\n${B}\n`);
  assert.deepEqual(await getJson(second, '/readyz'), { status: 'up', graceMs: 30_000 });
});
