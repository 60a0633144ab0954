import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { pollPath } from '../support/nodes.js';
import { ask, CURL, NACOS } from '../support/raw.js';
import { startServer, type TestServer } from '../support/server.js';

const OFFICIAL = '/nacos/v1/as/nodes';

/** Every door through which a member comes in. */
const DOORS = {
  'a poll': (server: TestServer, self: string) => ask(server, 'GET', pollPath(self), CURL),
  'a heartbeat': (server: TestServer, self: string) => ask(server, 'POST', pollPath(self), CURL),
  'the official API': (server: TestServer, self: string) =>
    ask(server, 'POST', `${OFFICIAL}?ips=${self}`, CURL),
} as const;

const listed = (server: TestServer): string[] => [
  ...(server.service.find('nacos/serverlist')?.cluster.members.keys() ?? []),
];

describe('a name with a final dot', () => {
  const NAME = 'nacos-0.nacos-headless.default.svc.cluster.local.:8848';
  for (const [door, come] of Object.entries(DOORS)) {
    test(`comes in by ${door} as it is written`, async (t) => {
      const server = await startServer(t, { rules: { pollHold: 0 } });
      const answer = await come(server, NAME);
      assert.equal(answer.status, 200, answer.body);
      assert.equal((await ask(server, 'GET', '/nacos/serverlist', NACOS)).body, `${NAME}\n`);
    });

    for (const [one, other] of [
      [NAME, NAME.replace('.:', ':')],
      [NAME.replace('.:', ':'), NAME],
      [NAME, NAME.replace('nacos-0', 'Nacos-0')],
    ] as const) {
      test(`${one} keeps ${other} out, by ${door}`, async (t) => {
        const server = await startServer(t, { rules: { pollHold: 0 } });
        await DOORS['the official API'](server, one);
        const answer = await come(server, other);
        assert.ok([400, 409].includes(answer.status), answer.body);
        assert.match(answer.body, /another spelling|differs/);
        assert.deepEqual(listed(server), [one]);
      });
    }
  }

  test('is found in the API, and leaves', async (t) => {
    const server = await startServer(t, { rules: { pollHold: 0 } });
    await DOORS['the official API'](server, NAME);
    const path = `/api/v1/clusters/nacos/serverlist/members/${NAME}`;
    assert.equal((await ask(server, 'GET', path, CURL)).status, 200);
    assert.equal((await ask(server, 'DELETE', `${OFFICIAL}?ips=${NAME}`, CURL)).status, 200);
    assert.deepEqual(listed(server), []);
  });
});

describe('a variable without its value', () => {
  for (const [raw, sentence] of [
    ['$(POD_IP):8848', /holds \$\(POD_IP\) itself/],
    ['${POD_IP}:8848', /holds \$\{POD_IP\} itself/],
    ['%24%7BPOD_IP%7D:8848', /holds \$\{POD_IP\} itself/],
    ['$POD_IP:8848', /holds \$POD_IP itself/],
    ['%7B%7B%20.ip%20%7D%7D:8848', /holds \{\{ \.ip \}\} itself/],
    [':8848', /has no host, as when its variable is empty/],
    ['null:8848', /has the host null/],
  ] as const) {
    for (const [door, come] of Object.entries(DOORS)) {
      test(`is told of: ${raw} by ${door}`, async (t) => {
        const server = await startServer(t, { rules: { pollHold: 0 } });
        const answer = await come(server, raw);
        assert.ok([400, 409].includes(answer.status), answer.body);
        assert.match(answer.body, sentence);
        assert.deepEqual(listed(server), []);
      });
    }
  }

  for (const [query, sentence] of [
    ['self=%POD_IP%:8848', /self="%POD_IP%:8848" holds %POD_IP% itself/],
    ['self=10.0.0.5:8848&id=$(POD_NAME)', /id="\$\(POD_NAME\)" holds \$\(POD_NAME\) itself/],
    ['self=10.0.0.5:8848&id=%H', /id="%H" holds %H itself, .*systemd/],
    ['self=10.0.0.5:8848&expect=${REPLICAS}', /expect="\$\{REPLICAS\}" holds \$\{REPLICAS\} itself/],
    ['self=', /self="" is empty, as a variable is that nobody set/],
  ] as const) {
    test(`is told of in ${query}`, async (t) => {
      const server = await startServer(t, { rules: { pollHold: 0 } });
      const path = `/nacos/serverlist?${query}`;
      const person = await ask(server, 'GET', path, CURL);
      assert.equal(person.status, 400);
      assert.match(person.body, sentence);
      const node = await ask(server, 'GET', path, NACOS);
      assert.ok(!node.complete, 'a node must try again');
      assert.match(node.body, sentence);
    });
  }

  test('is told of in the path', async (t) => {
    const server = await startServer(t);
    const answer = await ask(server, 'GET', '/nacos/$(CLUSTER)?self=10.0.0.5:8848', CURL);
    assert.match(answer.body, /cluster="\$\(CLUSTER\)" holds \$\(CLUSTER\) itself/);
  });
});

describe('IPv6 without brackets', () => {
  const from = (client: string): string[] => [...CURL, `X-Forwarded-For: ${client}`];
  const start = (t: Parameters<typeof startServer>[0]): Promise<TestServer> =>
    startServer(t, { access: { trustedProxies: ['127.0.0.1/32'] }, rules: { pollHold: 0 } });

  for (const method of ['GET', 'POST']) {
    for (const [client, address] of [
      ['fd00::5', '[fd00::5]:8848'],
      ['fd00:0:0:0:0:0:0:5', '[fd00::5]:8848'],
      ['fd00::5:8848', '[fd00::5:8848]:8848'],
    ] as const) {
      test(`is ${address} when the ${method} comes from ${client}`, async (t) => {
        const server = await start(t);
        const answer = await ask(server, method, pollPath('fd00::5:8848'), from(client));
        assert.equal(answer.body, `${address}\n`);
        assert.deepEqual(listed(server), [address]);
        const again = await ask(server, 'GET', pollPath('fd00::5:8848'), from(client));
        assert.equal(again.body, `${address}\n`, 'on the hot path, too');
      });
    }
  }

  test('is refused, with what it may be, when it comes from elsewhere', async (t) => {
    const server = await start(t);
    for (const method of ['GET', 'POST', 'DELETE']) {
      const answer = await ask(server, method, pollPath('fd00::5:8848'), from('10.0.0.9'));
      assert.equal(answer.status, 400);
      assert.match(
        answer.body,
        /self="fd00::5:8848" is IPv6 without brackets, and may be \[fd00::5\]:8848 or /,
      );
    }
    const put = await ask(server, 'POST', `${OFFICIAL}?ips=fd00::5:8848`, from('127.0.0.9'));
    assert.match(put.body, /^illegal ip: fd00::5:8848; fd00::5:8848 is IPv6 without brackets, and may be /);
    assert.deepEqual(listed(server), []);
  });

  test('needs nobody’s word where it can be read in one way only', async (t) => {
    const server = await start(t);
    for (const [self, address] of [
      ['fd00:0:0:0:0:0:0:5:8848', '[fd00:0:0:0:0:0:0:5]:8848'],
      ['fd00::5', '[fd00::5]:8848'],
    ] as const) {
      const answer = await ask(server, 'POST', `/nacos/${self.length}?self=${self}`, CURL);
      assert.equal(answer.body, `${address}\n`);
    }
  });
});
