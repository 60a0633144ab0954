import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { AccessSettings } from '../../src/http/access/settings.js';
import { parseTokens } from '../../src/http/access/token.js';
import { Names } from '../../src/probe/names.js';
import { assertRefused } from '../support/exposition.js';
import { ask, CURL, getJson, RawConnection, request, type RawAnswer } from '../support/raw.js';
import { startServer, type TestServer } from '../support/server.js';
import { tempFolder } from '../support/temp.js';
import { withoutTrace } from '../support/trace.js';

const A = '10.0.0.11:8848';
const B = '10.0.0.12:8848';
/** From where B is heard: what its node's network makes of its address. */
const HOME = '192.0.2.1';
const STRANGER = '203.0.113.9';
const TOKEN = 'right-token-0123456789';

/** On this machine, and trusted: what it says of its callers counts. */
const PROXY = '127.0.0.2';
const trustedProxies = [`${PROXY}/32`];

/** One who is where a trusted proxy says. */
const at = (client: string) => ({ from: PROXY, headers: [`X-Forwarded-For: ${client}`] });

interface Who {
  readonly from?: string;
  readonly headers: readonly string[];
  readonly version?: string;
}

const WHO = {
  'this machine': { headers: [] },
  'this machine, by another of its addresses': { from: '127.0.0.77', headers: [] },
  'this machine, through a trusted proxy': at('127.0.0.1'),
  'the first member': at('10.0.0.11'),
  'the first member, in IPv6 notation': at('::ffff:10.0.0.11'),
  'the second member': at('10.0.0.12'),
  'from where the second is heard': at(HOME),
  'a stranger': at(STRANGER),
  'a stranger who says that he is here': at(`127.0.0.1, ${STRANGER}`),
  'somebody whom a trusted proxy does not name': { from: PROXY, headers: [] },
  'a proxy that is not trusted': { headers: ['X-Forwarded-For: 10.0.0.11'] },
  'one that names nobody': { headers: ['X-Forwarded-For:'] },
  'one that says it as the standard does': { headers: ['Forwarded: for=127.0.0.1'] },
  'one that says it in its own way': { headers: ['X-Real-IP: 127.0.0.1'] },
  'one that says only that it is one': { headers: ['Via: 1.1 edge'] },
  'one that says nothing and is nginx': { headers: ['Connection: close'], version: '1.0' },
} as const satisfies Record<string, Who>;
type WhoName = keyof typeof WHO;

const HERE: readonly WhoName[] = [
  'this machine',
  'this machine, by another of its addresses',
  'this machine, through a trusted proxy',
];

/** Every word that is not a poll or a heartbeat: by whom it may be said without a token. */
const WORDS: readonly {
  readonly name: string;
  readonly method: string;
  readonly path: (cluster: string) => string;
  readonly may: readonly WhoName[];
  readonly inUrl?: true;
}[] = [
  {
    name: 'the first one’s leave',
    method: 'DELETE',
    path: (cluster) => `/nacos/${cluster}?self=${A}`,
    may: [...HERE, 'the first member', 'the first member, in IPv6 notation'],
    inUrl: true,
  },
  {
    name: 'the second one’s leave',
    method: 'DELETE',
    path: (cluster) => `/nacos/${cluster}?self=${B}`,
    may: [...HERE, 'the second member', 'from where the second is heard'],
    inUrl: true,
  },
  {
    name: 'that the second one does not answer',
    method: 'POST',
    path: (cluster) => `/nacos/${cluster}?self=${B}&unhealthy=gone`,
    may: [...HERE, 'the second member', 'from where the second is heard'],
    inUrl: true,
  },
  {
    name: 'a leave of one that is not there',
    method: 'DELETE',
    path: (cluster) => `/nacos/${cluster}?self=10.0.0.99:8848`,
    may: HERE,
    inUrl: true,
  },
  ...(
    [
      ['a put', 'POST', (cluster) => `/nacos/v1/as/nodes?cluster=${cluster}&ips=10.0.0.21`],
      ['a delete', 'DELETE', (cluster) => `/nacos/v1/as/nodes?cluster=${cluster}&ips=10.0.0.11`],
      ['an adoption', 'POST', (cluster) => `/api/v1/clusters/nacos/${cluster}/adopt`],
      ['a recover', 'POST', (cluster) => `/api/v1/clusters/nacos/${cluster}/recover`],
      ['a repair', 'POST', (cluster) => `/api/v1/clusters/nacos/${cluster}/repair?plan=5f2b6c0d9a11`],
      ['an operator’s leave', 'DELETE', (cluster) => `/api/v1/clusters/nacos/${cluster}/members/${A}`],
      ['force', 'DELETE', (cluster) => `/api/v1/clusters/nacos/${cluster}/members/${A}?force=true`],
      ['the cluster’s end', 'DELETE', (cluster) => `/api/v1/clusters/nacos/${cluster}`],
    ] as const satisfies readonly (readonly [string, string, (cluster: string) => string])[]
  ).map(([name, method, path]) => ({ name, method, path, may: HERE })),
];

async function say(
  server: TestServer,
  { from, headers, version }: Who,
  method: string,
  path: string,
  more: readonly string[] = [],
): Promise<RawAnswer> {
  const connection = await RawConnection.open(server.port, from);
  try {
    connection.send(request(method, path, [...CURL, ...headers, ...more], '', version));
    return await connection.receive();
  } finally {
    connection.hangUp();
  }
}

/** A cluster of two, each heard from where it is. */
async function bootstrap(server: TestServer, cluster: string, query = ''): Promise<void> {
  for (const [self, from] of [
    [A, '10.0.0.11'],
    [B, HOME],
  ] as const) {
    const answer = await say(server, at(from), 'POST', `/nacos/${cluster}?self=${self}${query}`);
    assert.equal(answer.status, 200, answer.body);
  }
}

async function state(server: TestServer, cluster: string): Promise<string> {
  const token = [`Authorization: Bearer ${TOKEN}`];
  return withoutTrace(
    JSON.stringify([
      await getJson(server, `/api/v1/clusters/nacos/${cluster}`, token),
      await getJson(server, `/api/v1/clusters/nacos/${cluster}/events`, token),
    ]),
  );
}

const isRefused = ({ status }: RawAnswer): boolean => status === 401 || status === 403;

/** Asks for everything in everybody's name, each of a cluster of its own. */
async function askAll(
  server: TestServer,
  query: string,
  check: (word: (typeof WORDS)[number], who: WhoName, answer: RawAnswer, hasChanged: boolean) => void,
): Promise<void> {
  let count = 0;
  for (const word of WORDS) {
    for (const [who, how] of Object.entries(WHO) as [WhoName, Who][]) {
      const cluster = `c${++count}`;
      await bootstrap(server, cluster, query);
      const before = await state(server, cluster);
      const answer = await say(server, how, word.method, word.path(cluster));
      check(word, who, answer, (await state(server, cluster)) !== before);
    }
  }
}

/** Nobody is refused for asking too often here. */
function start(t: Parameters<typeof startServer>[0], access: Partial<AccessSettings> = {}) {
  return startServer(t, {
    access: { trustedProxies, ...access },
    rules: { pollHold: 30, maxClusters: 1_000 },
  });
}

test('without a token each word counts from where it may come from, and from nowhere else', async (t) => {
  const wrong: string[] = [];
  for (const [who, how] of Object.entries(WHO) as [WhoName, Who][]) {
    const server = await start(t);
    for (const [i, word] of WORDS.entries()) {
      const cluster = `c${i}`;
      await bootstrap(server, cluster);
      const before = await state(server, cluster);
      const answer = await say(server, how, word.method, word.path(cluster));
      const hasChanged = (await state(server, cluster)) !== before;
      const what = `${word.name} by ${who}: ${answer.status} ${answer.body}`;
      if (word.may.includes(who) === isRefused(answer)) wrong.push(what);
      if (isRefused(answer) && hasChanged) wrong.push(`${what}; and something changed`);
      if (isRefused(answer)) {
        assert.match(
          answer.body,
          /without a token .*set AUTH_TOKEN on the server and send it, or AUTH_MODE=open/,
        );
      }
    }
    await server.stop();
  }
  assert.deepEqual(wrong, []);
});

test('AUTH_MODE=open: everybody may say everything', async (t) => {
  const server = await start(t, { mode: 'open' });
  await askAll(server, '', (word, who, answer) =>
    assert.ok(!isRefused(answer), `${word.name} by ${who}: ${answer.status} ${answer.body}`),
  );
});

test('with a token it alone decides', async (t) => {
  const access = { changeTokens: { tokens: parseTokens(TOKEN), file: undefined } };
  for (const [who, how] of Object.entries(WHO) as [WhoName, Who][]) {
    const server = await start(t, access);
    for (const [i, word] of WORDS.entries()) {
      const cluster = `c${i}`;
      await bootstrap(server, cluster, `&token=${TOKEN}`);
      const before = await state(server, cluster);
      const without = await say(server, how, word.method, word.path(cluster));
      assert.equal(without.status, 401, `${word.name} by ${who}: ${without.body}`);
      assert.equal(await state(server, cluster), before);
      const bearer = [`Authorization: Bearer ${TOKEN}`];
      const answer = await say(server, how, word.method, word.path(cluster), bearer);
      assert.ok(!isRefused(answer), `${word.name} by ${who}: ${answer.status} ${answer.body}`);
    }
    await server.stop();
  }
});

test('AUTH_MODE=warn guards nothing where there is a token, and opens nothing where there is none', async (t) => {
  const server = await start(t, { mode: 'warn' });
  await bootstrap(server, 'serverlist');
  const answer = await say(server, at(STRANGER), 'DELETE', `/nacos/serverlist?self=${A}`);
  assert.equal(answer.status, 403);
});

test('the server says what a change needs, and refusals are counted', async (t) => {
  const changes = async (access: Partial<AccessSettings>) => {
    const server = await start(t, access);
    return (await getJson<{ changes: string }>(server, '/api/v1/server')).changes;
  };
  const changeTokens = { tokens: parseTokens(TOKEN), file: undefined };
  assert.deepEqual(
    [await changes({}), await changes({ mode: 'open' }), await changes({ changeTokens })],
    ['local', 'open', 'token'],
  );
  const server = await start(t);
  await say(server, at(STRANGER), 'POST', '/nacos/v1/as/nodes?ips=10.0.0.1');
  await assertRefused(server, 'source', 1);
});

test('who says a member’s name is not where the member is', async (t) => {
  const server = await start(t);
  await bootstrap(server, 'serverlist');
  const leave = (client: string, self = B) =>
    say(server, at(client), 'DELETE', `/nacos/serverlist?self=${self}`);
  const poll = (client: string, self = B) => say(server, at(client), 'GET', `/nacos/serverlist?self=${self}`);
  for (let i = 0; i < 5; i++) {
    for (const self of [A, B]) {
      assert.equal((await poll(STRANGER, self)).status, 200, 'who is listed gets the list');
      assert.equal((await leave(STRANGER, self)).status, 403);
    }
    await server.pass(10_000);
    await poll(HOME);
    await poll('10.0.0.11', A);
  }
  // Its node starts again, which takes half a minute.
  await server.pass(30_000);
  await poll(STRANGER);
  assert.equal((await leave(STRANGER)).status, 403);
  await poll(HOME);
  assert.equal((await leave(STRANGER)).status, 403);
  assert.equal((await leave(HOME)).status, 200);
});

test('a member that moves is at home again after a minute, and one at its own address at once and for good', async (t) => {
  const server = await start(t);
  const poll = (client: string, self: string) =>
    say(server, at(client), 'POST', `/nacos/serverlist?self=${self}`);
  const leave = (client: string, self: string) =>
    say(server, at(client), 'DELETE', `/nacos/serverlist?self=${self}`);
  // Strangers come first.
  for (const self of [A, B]) await poll(STRANGER, self);
  await poll('10.0.0.11', A);
  await poll(HOME, B);
  assert.equal((await leave(STRANGER, A)).status, 403, 'its own address has come');
  for (let i = 0; i < 4; i++) {
    await server.pass(20_000);
    await poll(HOME, B);
  }
  assert.equal((await leave(STRANGER, B)).status, 403);
  await server.pass(100_000);
  await poll(STRANGER, A);
  assert.equal((await leave(STRANGER, A)).status, 403, 'nobody takes an address of its own over');
  assert.equal((await leave(HOME, B)).status, 200);
});

test('a member that waits, or has left, is nobody else’s either', async (t) => {
  const server = await start(t);
  const self = '/nacos/serverlist?self=';
  await say(server, at(HOME), 'POST', `${self}${B}&expect=2`);
  assert.equal((await say(server, at(STRANGER), 'DELETE', self + B)).status, 403);
  assert.equal((await say(server, at(HOME), 'DELETE', self + B)).status, 200);
  assert.equal(
    (await say(server, at(STRANGER), 'DELETE', self + B)).status,
    403,
    'it would go on being quiet',
  );
  assert.equal((await say(server, at(HOME), 'DELETE', self + B)).status, 200);
});

test('a member that is listed by name is where its name says', async (t) => {
  const hostsFile = join(tempFolder(t), 'hosts');
  writeFileSync(hostsFile, '10.0.0.21 node-1.example\n');
  // No name server: whoever is in no file is unknown.
  const names = new Names({ hostsFile, servers: ['127.0.0.1:9'] });
  const server = await startServer(t, { access: { trustedProxies }, names, rules: { pollHold: 30 } });
  for (const name of ['node-1.example:8848', 'node-2.example:8848']) {
    await say(server, at(HOME), 'POST', `/nacos/serverlist?self=${name}`);
    const leave = (client: string) => say(server, at(client), 'DELETE', `/nacos/serverlist?self=${name}`);
    assert.equal((await leave(STRANGER)).status, 403);
    assert.equal((await leave('10.0.0.21')).status, name.startsWith('node-1') ? 200 : 403);
  }
});

interface View {
  readonly members: readonly { readonly address: string; readonly id?: string }[];
}

test('an id, and what an agent says, counts from where the member is', async (t) => {
  const server = await start(t);
  await bootstrap(server, 'serverlist');
  const post = (client: string, query: string) =>
    say(server, at(client), 'POST', `/nacos/serverlist?self=${query}`);
  const ids = async () => {
    await server.pass(1);
    const { members } = await getJson<View>(server, '/api/v1/clusters/nacos/serverlist');
    return Object.fromEntries(members.map(({ address, id }) => [address, id]));
  };
  await post('10.0.0.11', `${A}&id=nacos-0`);
  await post(STRANGER, `${B}&id=nacos-1`);
  await post(STRANGER, `${A}&id=nacos-9`);
  assert.deepEqual(await ids(), { [A]: 'nacos-0', [B]: undefined });
  await post(HOME, `${B}&id=nacos-1`);
  assert.deepEqual(await ids(), { [A]: 'nacos-0', [B]: 'nacos-1' });

  const { members } = server.service.find('nacos/serverlist')!.cluster;
  const since = members.get(A)!.presenceSince;
  await server.pass(1_000);
  await post(STRANGER, `${A}&starting=true&revision=1`);
  await server.pass(1);
  const after = server.service.find('nacos/serverlist')!.cluster.members.get(A)!;
  assert.equal(after.presenceSince, since, 'its Nacos does not start');
  assert.equal(after.lease.delivered, 0, 'and was given nothing');
});

test('a newcomer names whom it replaces from its own address only, and nobody’s name is taken from its owner', async (t) => {
  const server = await start(t);
  await bootstrap(server, 'serverlist');
  const post = (client: string, query: string) =>
    say(server, at(client), 'POST', `/nacos/serverlist?self=${query}`);
  const C = '10.0.0.13:8848';
  const D = '10.0.0.14:8848';
  await server.pass(5_000);
  await post('10.0.0.11', `${A}&revision=2`);
  await post(HOME, `${B}&revision=2`);
  await server.pass(21_000);
  await Promise.all([post('10.0.0.11', `${A}&revision=2`), post(HOME, `${B}&revision=2`)]);
  const stranger = await post(STRANGER, `${C}&id=nacos-2`);
  assert.ok(stranger.status === 200 || stranger.status === 202, stranger.body);
  const owner = await post('10.0.0.14', `${D}&id=nacos-2`);
  assert.ok(owner.status === 200 || owner.status === 202, owner.body);
  const { members, waiting } = server.service.find('nacos/serverlist')!.cluster;
  const idOf = (address: string) => (members.get(address) ?? waiting.get(address))?.id;
  assert.deepEqual([idOf(C), idOf(D)], [undefined, 'nacos-2']);
});

test('whatever comes from its address, a listed member may leave', async (t) => {
  const server = await start(t, { writeRateLimit: 1, now: () => 0 });
  await bootstrap(server, 'serverlist');
  const leave = (self: string) => say(server, at('10.0.0.11'), 'DELETE', `/nacos/serverlist?self=${self}`);
  let answer;
  // A hundred nodes of another cluster stop behind the same address, and were never here.
  for (let i = 0; i < 100; i++) answer = await ask(server, 'DELETE', `/nacos/other?self=10.1.0.${i}:8848`);
  assert.equal(answer?.status, 429, 'an address that is not listed counts');
  assert.equal((await ask(server, 'DELETE', `/nacos/serverlist?self=${B}`)).status, 200);
  for (let i = 0; i < 100; i++) await leave(`10.0.0.11:${9_000 + i}`);
  assert.equal((await leave(A)).status, 200);
});
