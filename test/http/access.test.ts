import assert from 'node:assert/strict';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseTokens } from '../../src/http/access/token.js';
import type { AccessSettings } from '../../src/http/access/settings.js';
import { eventually } from '../support/eventually.js';
import { bootstrapCluster, pollPath } from '../support/nodes.js';
import { ask, CURL, getJson, JSON_CLIENT, NACOS, type RawAnswer } from '../support/raw.js';
import { startServer, type TestServer } from '../support/server.js';
import { tempFolder } from '../support/temp.js';
import { withoutTrace } from '../support/trace.js';

const A = '127.0.0.11:8848';
const B = '127.0.0.12:8848';

const RIGHT = 'right-token-0123456789';
const SCOPED = 'scoped-token-0123456789';
const ELSEWHERE = 'elsewhere-token-0123456789';
const OLD = 'old-token-0123456789abc';
const WRONG = 'wrong-token-0123456789';
const READER = 'reader-token-0123456789';

/** What a caller may send, and what comes of it when a change asks for it. */
const CALLERS = {
  'no token': undefined,
  wrong: WRONG,
  right: RIGHT,
  'this cluster’s': SCOPED,
  'another cluster’s': ELSEWHERE,
  'rotated out': OLD,
  'a reader’s': READER,
} as const;

type Caller = keyof typeof CALLERS;

const MAY_CHANGE = new Set<Caller>(['right', 'this cluster’s']);

/** Every way to change something. Each is asked of a server on which it would succeed. */
const CHANGES: readonly {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly inUrl?: true;
}[] = [
  { name: 'a new node polls', method: 'GET', path: pollPath(B), inUrl: true },
  { name: 'a heartbeat of a new node', method: 'POST', path: pollPath(B), inUrl: true },
  { name: 'a heartbeat of a member', method: 'POST', path: pollPath(A), inUrl: true },
  { name: 'a leave', method: 'DELETE', path: pollPath(A), inUrl: true },
  { name: 'a put', method: 'POST', path: '/nacos/v1/as/nodes?ips=127.0.0.21' },
  { name: 'a delete', method: 'DELETE', path: '/nacos/v1/as/nodes?ips=127.0.0.11' },
  { name: 'an adoption', method: 'POST', path: '/api/v1/clusters/nacos/serverlist/adopt' },
  { name: 'a recover', method: 'POST', path: '/api/v1/clusters/nacos/serverlist/recover' },
  {
    name: 'an operator’s leave',
    method: 'DELETE',
    path: '/api/v1/clusters/nacos/serverlist/members/127.0.0.11:8848',
  },
];

function settings(file: string): Partial<AccessSettings> {
  const tokens = parseTokens(`${RIGHT} nacos/serverlist:${SCOPED} nacos/other:${ELSEWHERE}`);
  return {
    changeTokens: { tokens, file },
    readTokens: { tokens: parseTokens(READER), file: undefined },
  };
}

/** A server that guards everything, with one member, and an old token that has just been taken out of the file. */
async function guarded(
  t: Parameters<typeof startServer>[0],
  more: Partial<AccessSettings> = {},
): Promise<TestServer> {
  const file = join(tempFolder(t), 'tokens');
  writeFileSync(file, `# rotating\r\n${OLD}\r\nnew-token-0123456789abc\r\n`);
  const server = await startServer(t, { access: { ...settings(file), ...more }, rules: { pollHold: 30 } });
  await bootstrapCluster(t, server, [A], () => `&token=${OLD}`);
  replace(file, 'new-token-0123456789abc\n');
  await server.access.look();
  return server;
}

function replace(file: string, text: string): void {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}

function bearer(token: string | undefined): string[] {
  return token === undefined ? [] : [`Authorization: Bearer ${token}`];
}

function basic(token: string | undefined): string[] {
  return token === undefined
    ? []
    : [`Authorization: Basic ${Buffer.from(`nacos:${token}`).toString('base64')}`];
}

function withToken(path: string, token: string | undefined): string {
  return token === undefined ? path : `${path}&token=${token}`;
}

/** All that an operator could see change. */
async function state(server: TestServer): Promise<string> {
  const reader = [...JSON_CLIENT, ...bearer(READER)];
  const paths = ['/api/v1/clusters/nacos/serverlist', '/api/v1/events'];
  const answers = [(await ask(server, 'GET', '/nacos/serverlist', reader)).body];
  for (const path of paths) answers.push(withoutTrace((await ask(server, 'GET', path, reader)).body));
  return answers.join('\n');
}

function isRefused(answer: RawAnswer): boolean {
  return answer.status === 401 || answer.status === 403;
}

for (const change of CHANGES) {
  test(`${change.name}: needs a token`, async (t) => {
    // One server for all that are refused, which change nothing, and another after each that is not.
    let server = await guarded(t);
    for (const [caller, token] of Object.entries(CALLERS) as [Caller, string | undefined][]) {
      for (const how of ['Bearer', 'Basic', ...(change.inUrl ? ['URL'] : [])]) {
        const before = await state(server);
        const path = how === 'URL' ? withToken(change.path, token) : change.path;
        const headers = how === 'URL' ? [] : how === 'Bearer' ? bearer(token) : basic(token);
        const answer = await ask(server, change.method, path, [...CURL, ...headers]);
        const what = `${caller} by ${how}: ${answer.status} ${answer.body}`;
        if (MAY_CHANGE.has(caller)) {
          assert.ok(!isRefused(answer), what);
        } else {
          assert.equal(answer.status, caller === 'another cluster’s' ? 403 : 401, what);
          assert.equal(await state(server), before, `${what}; and nothing has changed`);
        }
        if (answer.status === 401)
          assert.match(answer.headers.get('www-authenticate') ?? '', /Bearer realm=/);
        if (token !== undefined) assert.ok(!answer.bytes.includes(token), 'no token is ever said back');
        if (!MAY_CHANGE.has(caller)) continue;
        await server.stop();
        server = await guarded(t);
      }
    }
  });
}

test('a Nacos node without a valid token is held and not completed an answer', async (t) => {
  const server = await guarded(t);
  for (const token of [undefined, WRONG, OLD, ELSEWHERE]) {
    const started = performance.now();
    const answer = await ask(server, 'GET', withToken(pollPath(B), token), NACOS);
    assert.deepEqual([answer.status, answer.complete], [302, false]);
    assert.match(answer.body, /token/);
    assert.ok(performance.now() - started >= 25, 'its tries come without a pause');
  }
  const listed = await ask(server, 'GET', withToken(pollPath(B), RIGHT), NACOS);
  assert.deepEqual([listed.status, listed.body], [200, `${A}\n${B}\n`]);
});

test('a member whose token has run out still gets the list, and is not renewed (R2)', async (t) => {
  const server = await guarded(t);
  for (const token of [undefined, WRONG, OLD]) {
    await server.pass(4_000);
    const answer = await ask(server, 'GET', withToken(pollPath(A), token), NACOS);
    assert.deepEqual([answer.status, answer.body, answer.complete], [200, `${A}\n`, true]);
  }
  const member = server.service.find('nacos/serverlist')!.cluster.members.get(A)!;
  assert.equal(server.service.now - member.lease.heardAt, 12_000, 'nothing of it was heard');
  await server.pass(4_000);
  const { members } = await getJson<{ members: { refused?: string }[] }>(
    server,
    '/api/v1/clusters/nacos/serverlist',
    bearer(READER),
  );
  assert.equal(
    members[0]!.refused,
    'the token that was given to change nacos/serverlist is not valid, or no longer; send a valid one',
    'and why is seen',
  );
  const { events } = await getJson<{ events: { type: string }[] }>(server, '/api/v1/events', bearer(READER));
  assert.ok(events.some(({ type }) => type === 'silent'));
  await ask(server, 'GET', withToken(pollPath(A), RIGHT), NACOS);
  assert.equal(server.service.now - member.lease.heardAt, 0, 'with a valid one it is');
});

test('what comes in a member’s name without a valid token does not count as delivered', async (t) => {
  const server = await guarded(t);
  await ask(server, 'POST', withToken(pollPath(B), RIGHT), CURL);
  const lease = () => server.service.find('nacos/serverlist')!.cluster.members.get(A)!.lease;
  const before = lease().delivered;
  assert.equal((await ask(server, 'GET', pollPath(A), NACOS)).body, `${A}\n${B}\n`);
  assert.equal(lease().delivered, before);
  await ask(server, 'GET', withToken(pollPath(A), RIGHT), NACOS);
  assert.equal(lease().delivered, before + 1);
});

test('the list itself is for everybody: it is what Nacos clients read', async (t) => {
  const server = await guarded(t);
  assert.equal((await ask(server, 'GET', '/nacos/serverlist')).body, `${A}\n`);
  assert.equal((await ask(server, 'GET', '/nacos/serverlist?view=live', NACOS)).body, `${A}\n`);
});

test('AUTH_MODE=warn lets changes pass, and shows who has no valid token', async (t) => {
  const server = await guarded(t, { mode: 'warn' });
  assert.equal((await ask(server, 'GET', pollPath(B), NACOS)).status, 200);
  await server.pass(4_000);
  assert.equal((await ask(server, 'GET', withToken(pollPath(A), WRONG), NACOS)).status, 200);
  const { cluster } = server.service.find('nacos/serverlist')!;
  assert.equal(server.service.now - cluster.members.get(A)!.lease.heardAt, 0, 'it is renewed');
  assert.equal((await ask(server, 'POST', '/nacos/v1/as/nodes?ips=127.0.0.21')).status, 200);
});

test('a token file is read again when it changes, and a slip in it changes nothing', async (t) => {
  const file = join(tempFolder(t), 'tokens');
  replace(file, `\uFEFF${OLD}\r\n`);
  const server = await startServer(t, {
    access: { changeTokens: { tokens: [], file } },
    rules: { pollHold: 30 },
  });
  const may = async (token: string): Promise<boolean> =>
    (await ask(server, 'POST', withToken(pollPath(A), token), CURL)).status === 200;
  assert.deepEqual([await may(OLD), await may(RIGHT)], [true, false]);
  replace(file, `${OLD}\n${RIGHT} # the next one\n`);
  await eventually('the new token is valid beside the old one', async () => (await may(OLD)) && may(RIGHT));
  replace(file, `${RIGHT}\n`);
  await server.access.look();
  assert.deepEqual([await may(OLD), await may(RIGHT)], [false, true]);
  for (const slip of ['', '# nothing\n', 'short\n', 'nacos:0123456789abcdef\n']) {
    replace(file, slip);
    await server.access.look();
    assert.deepEqual([await may(RIGHT), await may('short')], [true, false], JSON.stringify(slip));
  }
});

test('VERIFY_SOURCE=on: self is where the request comes from', async (t) => {
  const server = await startServer(t, { access: { verifySource: true }, rules: { pollHold: 30 } });
  const strange = await ask(server, 'GET', pollPath(A), CURL);
  assert.equal(strange.status, 403);
  assert.match(strange.body, /self="127\.0\.0\.11:8848" is not where the request comes from, 127\.0\.0\.1,/);
  assert.equal((await ask(server, 'GET', pollPath(A), NACOS)).complete, false);
  assert.equal((await ask(server, 'POST', pollPath('node-1.example:8848'), CURL)).status, 403);
  const own = await ask(server, 'GET', pollPath(A), NACOS, '', '127.0.0.11');
  assert.deepEqual([own.status, own.body], [200, `${A}\n`]);
  assert.equal((await ask(server, 'GET', pollPath('auto:8849'), NACOS)).body, `${A}\n127.0.0.1:8849\n`);
  assert.equal((await ask(server, 'DELETE', pollPath(A), CURL)).status, 403, 'nobody takes another off');
  await server.pass(4_000);
  assert.equal(
    (await ask(server, 'GET', pollPath(A), NACOS)).status,
    200,
    'who is listed gets the list (R2)',
  );
  const member = () => server.service.find('nacos/serverlist')!.cluster.members.get(A)!;
  assert.equal(server.service.now - member().lease.heardAt, 4_000, 'and is not renewed by a stranger');
  assert.equal((await ask(server, 'DELETE', pollPath(A), CURL, '', '127.0.0.11')).status, 200);
});

test('ALLOWED_MEMBERS: who may be listed anew', async (t) => {
  const { AllowedMembers } = await import('../../src/http/access/allowed-members.js');
  const open = await startServer(t, { rules: { pollHold: 30 } });
  await ask(open, 'POST', '/nacos/serverlist?self=192.0.2.1:8848');
  await open.stop();
  const server = await startServer(t, {
    file: open.file,
    access: {
      allowedMembers: AllowedMembers.parse(
        '127.0.0.0/28, 2001:db8::/32\r\n*.nacos.example node-1 node-3.example.',
      ),
    },
    rules: { pollHold: 30 },
  });
  assert.equal(
    (await ask(server, 'POST', '/nacos/serverlist?self=192.0.2.1:8848')).status,
    200,
    'it is listed',
  );
  for (const self of [
    '127.0.0.16',
    '[2001:db9::1]:8848',
    'nacos.example:8848',
    'node-2:8848',
    '[::ffff:c000:201]',
  ]) {
    for (const answer of [
      await ask(server, 'POST', pollPath(self), CURL),
      await ask(server, 'GET', pollPath(self), CURL),
      await ask(
        server,
        'POST',
        `/nacos/v1/as/nodes?cluster=x&ips=127.0.0.1,${self.includes(':') ? self : `${self}:8848`}`,
      ),
    ]) {
      assert.equal(answer.status, 403, self);
      assert.match(answer.body, /may not be listed: it is in none of the networks of ALLOWED_MEMBERS/);
    }
    assert.equal((await ask(server, 'GET', pollPath(self), NACOS)).complete, false);
  }
  for (const self of [
    '127.0.0.15',
    '[2001:db8::1]:8848',
    'a.b.NACOS.example:8848',
    'a.b.nacos.example.',
    'Node-1:8848',
    'node-1.',
    'node-3.example',
  ]) {
    const answer = await ask(server, 'POST', `/nacos/${self.length}?self=${self}`, CURL);
    assert.equal(answer.status, 200, `${self}: ${answer.body}`);
  }
});

test('TRUSTED_PROXIES: whom a proxy names, and nobody else’s word', async (t) => {
  const server = await startServer(t, {
    access: { trustedProxies: ['127.0.0.1/32', '10.0.0.0/8'], verifySource: true },
    rules: { pollHold: 30 },
  });
  const through = (forwarded: string | undefined, self: string, method = 'GET') =>
    ask(server, method, pollPath(self), [
      ...CURL,
      ...(forwarded === undefined ? [] : [`X-Forwarded-For: ${forwarded}`]),
    ]);
  assert.equal((await through('127.0.0.11', 'auto')).body, `${A}\n`);
  assert.equal(
    (await through('192.0.2.9, 127.0.0.11, 10.1.2.3', 'auto')).body,
    `${A}\n`,
    'the last that is no proxy',
  );
  assert.equal((await through('127.0.0.11', B)).status, 403);
  for (const nobody of [undefined, '', 'unknown', '127.0.0.11:4711, nonsense']) {
    const answer = await through(nobody, 'auto');
    assert.equal(answer.status, 400, `${nobody}: ${answer.body}`);
    assert.match(answer.body, /names no client in X-Forwarded-For/);
  }
  const liar = await ask(
    server,
    'GET',
    pollPath('auto'),
    [...CURL, `X-Forwarded-For: 127.0.0.11`],
    '',
    '127.0.0.77',
  );
  assert.ok(liar.body.includes('127.0.0.77'), 'a client’s own header says nothing');
});

test('reads need a token when there is one for them', async (t) => {
  const server = await guarded(t);
  await ask(server, 'POST', `/nacos/other?self=${B}&token=${RIGHT}`);
  const expected: Record<string, Partial<Record<Caller, number>>> = {
    '/api/v1/clusters': { right: 200, 'a reader’s': 200, 'this cluster’s': 200, 'another cluster’s': 200 },
    '/api/v1/clusters/nacos/serverlist': {
      right: 200,
      'a reader’s': 200,
      'this cluster’s': 200,
      'another cluster’s': 403,
    },
    '/api/v1/clusters/nacos/serverlist/events': {
      right: 200,
      'a reader’s': 200,
      'this cluster’s': 200,
      'another cluster’s': 403,
    },
    '/api/v1/clusters/nacos/serverlist/members/127.0.0.11:8848?settled=true': {
      right: 200,
      'a reader’s': 200,
      'this cluster’s': 200,
      'another cluster’s': 403,
    },
    '/api/v1/events': { right: 200, 'a reader’s': 200, 'this cluster’s': 200, 'another cluster’s': 200 },
    '/api/v1/server': { right: 200, 'a reader’s': 200, 'this cluster’s': 200, 'another cluster’s': 200 },
    '/metrics': { right: 200, 'a reader’s': 200, 'this cluster’s': 403, 'another cluster’s': 403 },
    '/': { right: 200, 'a reader’s': 200, 'this cluster’s': 200, 'another cluster’s': 200 },
    '/openapi.json': { 'no token': 200, wrong: 200, 'rotated out': 200, right: 200 },
    '/api': { 'no token': 200, wrong: 200 },
    '/healthz': { 'no token': 200, wrong: 200 },
    '/readyz': { 'no token': 200, wrong: 200 },
  };
  // Each from an address of its own, since who is refused too often hears less.
  let from = 0;
  for (const [path, statuses] of Object.entries(expected)) {
    for (const [caller, token] of Object.entries(CALLERS) as [Caller, string | undefined][]) {
      const wanted = statuses[caller] ?? (statuses['no token'] === 200 ? 200 : 401);
      for (const headers of [bearer(token), basic(token)]) {
        const answer = await ask(server, 'GET', path, [...JSON_CLIENT, ...headers], '', `127.0.1.${++from}`);
        assert.equal(answer.status, wanted, `${path}, ${caller}: ${answer.body.slice(0, 200)}`);
        if (token !== undefined) assert.ok(!answer.bytes.includes(token));
      }
    }
  }
  const names = async (token: string) => {
    const { clusters } = await getJson<{ clusters: { cluster: string }[] }>(
      server,
      '/api/v1/clusters',
      bearer(token),
    );
    return clusters.map(({ cluster }) => cluster);
  };
  assert.deepEqual(await names(READER), ['other', 'serverlist']);
  assert.deepEqual(await names(SCOPED), ['serverlist'], 'a cluster’s token shows no other');
  const { events } = await getJson<{ events: { cluster: string }[] }>(
    server,
    '/api/v1/events',
    bearer(ELSEWHERE),
  );
  assert.deepEqual([...new Set(events.map(({ cluster }) => cluster))], ['other'], 'nor what happened in one');
  const unknown = await ask(server, 'GET', '/api/v1/clusters/no/such', JSON_CLIENT);
  const known = await ask(server, 'GET', '/api/v1/clusters/nacos/serverlist', JSON_CLIENT);
  assert.equal(unknown.status, known.status, 'without a token nobody learns which clusters there are');
});

test('a browser is asked for a token by its own dialog, but not when a program’s bearer token was wrong', async (t) => {
  const server = await guarded(t);
  const plain = await ask(server, 'GET', '/api/v1/clusters', JSON_CLIENT);
  assert.equal(
    plain.headers.get('www-authenticate'),
    'Basic realm="nacos-address-server", charset="UTF-8", Bearer realm="nacos-address-server"',
  );
  const program = await ask(server, 'GET', '/api/v1/clusters', [...JSON_CLIENT, ...bearer(WRONG)]);
  assert.equal(
    program.headers.get('www-authenticate'),
    'Bearer realm="nacos-address-server", error="invalid_token"',
  );
});

test('requests without a valid token are refused more shortly when they come too often; a valid one always passes', async (t) => {
  const server = await guarded(t);
  const statuses = new Map<number, number>();
  for (let i = 0; i < 60; i++) {
    const { status } = await ask(server, 'POST', withToken(pollPath(B), WRONG), CURL);
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  }
  assert.deepEqual([...statuses.keys()], [401, 429]);
  assert.ok(statuses.get(401)! >= 20 && statuses.get(429)! >= 20, JSON.stringify([...statuses]));
  const refused = await ask(server, 'POST', withToken(pollPath(B), WRONG), CURL);
  assert.match(
    refused.body,
    /^too many requests that are refused come from 127\.0\.0\.1; ask again later\n$/,
  );
  assert.match(refused.headers.get('retry-after') ?? '', /^[12]$/);
  const node = await ask(server, 'GET', withToken(pollPath(B), WRONG), NACOS);
  assert.deepEqual([node.status, node.complete], [302, false], 'never completed to a Nacos');
  assert.equal((await ask(server, 'GET', pollPath(A), NACOS)).status, 200, 'who is listed gets the list');
  assert.equal((await ask(server, 'GET', withToken(pollPath(A), RIGHT), NACOS)).status, 200);
  assert.equal((await ask(server, 'POST', withToken(pollPath(B), RIGHT), CURL)).status, 200);
  const elsewhere = await ask(server, 'POST', withToken(pollPath(B), WRONG), CURL, '', '127.0.0.99');
  assert.equal(elsewhere.status, 401, 'each address counts for itself');
});

test('changes are limited for each address, polls and heartbeats of members and of those who wait are not', async (t) => {
  const server = await startServer(t, {
    access: { writeRateLimit: 1, now: () => 0 },
    rules: { pollHold: 30 },
  });
  await bootstrapCluster(t, server, [A]);
  const put = (i: number) => ask(server, 'POST', `/nacos/v1/as/nodes?cluster=c${i}&ips=127.0.0.${i + 1}`);
  let done = 0;
  while ((await put(done)).status === 200) done++;
  assert.ok(done >= 8 && done < 15, `${done} at once`);
  for (const [method, path] of [
    ['POST', '/nacos/v1/as/nodes?ips=127.0.0.77'],
    ['DELETE', '/nacos/v1/as/nodes?ips=127.0.0.11'],
    ['POST', pollPath(B)],
    ['GET', pollPath(B)],
    ['DELETE', pollPath(B)],
    ['DELETE', '/api/v1/clusters/nacos/serverlist/members/127.0.0.11:8848'],
    ['POST', '/api/v1/clusters/nacos/serverlist/recover'],
    ['POST', '/api/v1/clusters/nacos/serverlist/adopt'],
  ] as const) {
    const answer = await ask(server, method, path);
    assert.equal(answer.status, 429, `${method} ${path}: ${answer.body}`);
    assert.match(
      answer.body,
      /too many changes come from 127\.0\.0\.1 \(WRITE_RATE_LIMIT\); ask again later/,
    );
  }
  assert.equal((await ask(server, 'GET', pollPath(B), NACOS)).complete, false);
  for (let i = 0; i < 20; i++) {
    assert.equal((await ask(server, 'GET', pollPath(A), NACOS)).status, 200);
    assert.equal((await ask(server, 'POST', pollPath(A))).status, 200);
  }
  const other = await ask(server, 'POST', pollPath(B), CURL, '', '127.0.0.99');
  assert.equal(other.status, 200, 'each address counts for itself');
});
