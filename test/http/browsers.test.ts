import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KnownHosts } from '../../src/http/access/known-hosts.js';
import { bootstrapCluster, pollPath } from '../support/nodes.js';
import { ask, CURL, JSON_CLIENT, NACOS } from '../support/raw.js';
import { startServer, type TestServer } from '../support/server.js';

const A = '127.0.0.11:8848';
const B = '127.0.0.12:8848';

const HOST = 'Host: 10.0.0.1:8080';
const MOZILLA = 'User-Agent: Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0';
const CUSTOM = 'User-Agent: Java/17.0.15';

/** What browsers send with an `<img>`, a link or a fetch of another site, on plain http and to this machine. */
const BROWSERS: readonly (readonly string[])[] = [
  [HOST, MOZILLA, 'Accept: image/avif,image/webp,*/*'],
  [HOST, 'User-Agent: Opera/9.80 (X11) Presto/2.12'],
  [HOST, 'user-agent:MOZILLA/5.0'],
  [HOST, CUSTOM, 'Referer: http://evil.example/page'],
  [HOST, CUSTOM, 'Accept-Language: de,en;q=0.5'],
  [HOST, CUSTOM, 'Accept-Language: *'],
  [HOST, CUSTOM, 'Accept-Language:'],
  [HOST, CUSTOM, 'Sec-Fetch-Mode: no-cors', 'Sec-Fetch-Dest: image'],
  [HOST, CUSTOM, 'Sec-Fetch-Mode: navigate'],
  [HOST, CUSTOM, 'Sec-Fetch-Site: none'],
  [HOST, CUSTOM, 'Upgrade-Insecure-Requests: 1'],
  [HOST, MOZILLA, 'Sec-Fetch-Site: same-origin', 'Origin: http://10.0.0.1:8080'],
];

/** What the programs send that may be members, or speak for some. */
const PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  'Nacos 2 and 3': NACOS,
  'Nacos 1.4': [...NACOS, 'Accept-Encoding: gzip'],
  'a Nacos that says so': [HOST, 'User-Agent: Nacos-Server:v2.3.2', 'Client-Version: 2.3.2'],
  'the Java client': [HOST, 'User-Agent: Nacos-Java-Client:v2.3.2', 'Accept-Encoding: gzip,deflate,sdch'],
  'npm nacos': [HOST, 'User-Agent: Nacos-Node-v2.6.3', 'Accept: */*'],
  curl: CURL,
  wget: [HOST, 'User-Agent: Wget/1.21.4', 'Accept: */*', 'Accept-Encoding: identity'],
  'Node’s fetch': [HOST, 'User-Agent: node', 'Accept: */*', 'Accept-Language: *', 'Sec-Fetch-Mode: cors'],
  'Java’s HttpClient': [HOST, 'Connection: Upgrade, HTTP2-Settings', 'User-Agent: Java-http-client/17.0.15'],
  Python: JSON_CLIENT,
  Go: [HOST, 'User-Agent: Go-http-client/1.1', 'Accept-Encoding: gzip'],
  'what names itself nothing': [HOST],
};

/** Spellings of a poll. Whatever the server reads of them, a browser's does nothing. */
const SPELLINGS = [
  `?self=${B}`,
  `?x=1?&self=${B}`,
  `?x=1#&self=${B}`,
  `?&&self=${B}`,
  `?x&self=${encodeURIComponent(B)}`,
  '?self=auto',
  `?self=${B}&self=${B}`,
  `?x=1;self=${B}`,
  `?SELF=${B}`,
  `?%73elf=${B}`,
  `%3Fself=${B}`,
  `%23?self=${B}`,
  `?self=${B}%00`,
  `?self=${B}#`,
  `/?self=${B}`,
  `?self=${B}&id=nacos-0&expect=9`,
];

function listed(server: TestServer): string[] {
  return [...server.service.entries].flatMap(({ cluster }) => [
    ...cluster.members.keys(),
    ...[...cluster.waiting.keys()].map((address) => `${address} waits`),
  ]);
}

for (const [i, headers] of BROWSERS.entries()) {
  test(`a browser is no member (${headers.slice(1).join(', ')})`, async (t) => {
    const server = await startServer(t, { rules: { pollHold: 30 } });
    await bootstrapCluster(t, server, [A]);
    await server.pass(1_000);
    for (const path of ['/nacos/serverlist', `http://10.0.0.1:8080/nacos/serverlist`, '//nacos/serverlist']) {
      for (const spelling of SPELLINGS) {
        for (const method of ['GET', 'HEAD', 'OPTIONS']) await ask(server, method, path + spelling, headers);
      }
    }
    await ask(server, 'GET', pollPath(A), headers);
    await ask(server, 'GET', `/nacos/new-${i}?self=${B}`, headers);
    assert.deepEqual(listed(server), [A]);
    const { lease } = server.service.find('nacos/serverlist')!.cluster.members.get(A)!;
    assert.equal(server.service.now - lease.heardAt, 1_000, 'and nobody was heard');
    const answer = await ask(server, 'GET', pollPath(B), headers);
    assert.deepEqual([answer.status, answer.body], [200, `${A}\n`], 'it is a look at the list');
  });
}

for (const [name, headers] of Object.entries(PROGRAMS)) {
  test(`${name} may be a member`, async (t) => {
    const server = await startServer(t, { rules: { pollHold: 30 } });
    // Behind the front door first, where a new member is decided on; then through it.
    for (let i = 0; i < 2; i++) {
      await ask(server, 'GET', pollPath(A), headers);
      assert.deepEqual(listed(server), [A]);
    }
    await server.pass(1_000);
    await ask(server, 'GET', `/nacos/serverlist?x=1?&self=${A}`, headers);
    const { lease } = server.service.find('nacos/serverlist')!.cluster.members.get(A)!;
    assert.equal(server.service.now - lease.heardAt, 0);
  });
}

test('a page of another site registers nobody, however it writes that', async (t) => {
  const server = await startServer(t, { rules: { pollHold: 30 } });
  await bootstrapCluster(t, server, [A]);
  for (const spelling of SPELLINGS) {
    for (const from of ['Sec-Fetch-Site: cross-site', 'Origin: http://evil.example']) {
      await ask(server, 'GET', `/nacos/serverlist${spelling}`, [HOST, CUSTOM, from]);
      // A heartbeat with the bodies that a form may send, to which no browser asks first.
      for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
        const more = [HOST, CUSTOM, from, `Content-Type: ${type}`];
        await ask(server, 'POST', `/nacos/serverlist${spelling}`, more, `self=${B}`);
        await ask(server, 'POST', '/nacos/v1/as/nodes', more, 'ips=10.0.0.9');
      }
    }
  }
  assert.deepEqual(listed(server), [A]);
});

/** Paths of the operators' side, reads and changes. */
const OPERATORS: readonly (readonly [method: string, path: string])[] = [
  ['GET', '/'],
  ['GET', '/api'],
  ['GET', '/openapi.json'],
  ['GET', '/metrics'],
  ['GET', '/api/v1/clusters'],
  ['GET', '/api/v1/server'],
  ['GET', '/api/v1/stream'],
  ['HEAD', '/api/v1/clusters'],
  ['GET', '/api/v1/clusters/nacos/serverlist/health?fresh=true'],
  ['POST', '/api/v1/clusters/nacos/serverlist/adopt'],
  ['DELETE', `/api/v1/clusters/nacos/serverlist/members/${A}`],
  ['POST', '/nacos/v1/as/nodes?ips=127.0.0.21'],
  ['POST', pollPath(B)],
  ['DELETE', pollPath(A)],
];

/** What a page sends whose own name leads here; on plain http a browser adds nothing that tells. */
const REBOUND = (host: string) => [`Host: ${host}`, MOZILLA, `Referer: http://${host}/`];

test('a browser reads and changes nothing by a name that may be another site’s', async (t) => {
  const server = await startServer(t, { rules: { pollHold: 30 } });
  await bootstrapCluster(t, server, [A]);
  for (const host of [
    'evil.example',
    'evil.example:8080',
    '10.0.0.1.evil.example',
    'localhost.evil.example',
  ]) {
    for (const [method, path] of OPERATORS) {
      const origin = method === 'POST' || method === 'DELETE' ? [`Origin: http://${host}`] : [];
      const answer = await ask(server, method, path, [...REBOUND(host), ...origin]);
      assert.equal(answer.status, 403, `${method} ${path}: ${answer.body}`);
      if (method !== 'HEAD') assert.match(answer.body, /may be the name of another site; .* ALLOWED_HOSTS/);
    }
    for (const path of ['/nacos/serverlist', '/healthz', '/readyz']) {
      assert.equal((await ask(server, 'GET', path, REBOUND(host))).status, 200, path);
    }
  }
  assert.deepEqual(listed(server), [A]);
});

test('programs may call the server as they like', async (t) => {
  const server = await startServer(t, { rules: { pollHold: 30 } });
  for (const headers of [
    ['Host: nacos.example.org', 'User-Agent: curl/8.5.0', 'Accept: */*'],
    ['Host: nacos.example.org', 'User-Agent: node', 'Accept-Language: *', 'Sec-Fetch-Mode: cors'],
  ]) {
    assert.equal((await ask(server, 'GET', '/api/v1/clusters', headers)).status, 200);
    assert.equal((await ask(server, 'POST', '/nacos/v1/as/nodes?ips=127.0.0.21', headers)).status, 200);
  }
});

test('ALLOWED_HOSTS: which names are known', async (t) => {
  const known = KnownHosts.parse('nacos.example.org *.ops.example.org').and(['Box-7.lan', 'nacos.corp']);
  for (const host of [
    undefined,
    '10.0.0.1',
    '10.0.0.1:8080',
    '[fd00::1]',
    '[::1]:8080',
    'localhost',
    'LOCALHOST:8080',
    'a.localhost',
    'address-server',
    'box-7.lan:8080',
    'nacos.corp',
    'nas.local',
    'nacos.internal.',
    'address-server.nacos.svc',
    'address-server.nacos.svc.cluster.local:8080',
    'nacos.example.org',
    'NACOS.example.org.:8080',
    'a.b.ops.example.org',
  ])
    assert.ok(known.includes(host), host);
  for (const host of [
    '',
    'evil.example',
    'xnacos.example.org',
    'nacos.example.org.evil.example',
    'ops.example.org',
    'evil.example:10.0.0.1',
    'evil.example@10.0.0.1',
    '10.0.0.1, evil.example',
    '10.0.0.1.evil.example',
    '[evil.example]',
    'svc.evil.example',
  ])
    assert.ok(!known.includes(host), host);
  assert.ok(KnownHosts.parse('*').includes('evil.example'));
  for (const text of [
    'http://nacos.example.org',
    'nacos.example.org:8080',
    'a..b',
    '*.',
    ',',
    '*example.org',
  ])
    assert.throws(() => KnownHosts.parse(text), /entry|has no entry/, text);
  const server = await startServer(t, { access: { allowedHosts: known } });
  const answer = await ask(server, 'GET', '/api/v1/clusters', REBOUND('nacos.example.org:8080'));
  assert.equal(answer.status, 200);
});
