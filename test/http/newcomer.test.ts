import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { parseTokens } from '../../src/http/access/token.js';
import type { ClusterHealth } from '../../src/doctor/health.js';
import { startServer, type TestServer, type TestServerOptions } from '../support/server.js';

/** A server that believes whoever 127.0.0.1 names: without such a header the caller is this machine itself. */
const start = (t: TestContext, access: TestServerOptions['access'] = {}): Promise<TestServer> =>
  startServer(t, { access: { trustedProxies: ['127.0.0.1/32'], ...access }, rules: { pollHold: 0 } });

const from = (client: string): Record<string, string> => ({
  'x-forwarded-for': client,
  'user-agent': 'curl/8',
});
const REMOTE = from('10.9.9.9');
const LOCAL = from('127.0.0.9');

describe('a member’s address', () => {
  for (const self of ['127.0.0.11:8848', '[::1]:8848', 'localhost:8848', '0x7f000001:8848']) {
    it(`is not ${self} for a caller on another machine`, async (t) => {
      const { url, service } = await start(t);
      const ask = (method: string): Promise<Response> =>
        fetch(`${url}/nacos/serverlist?self=${self}`, { method, headers: REMOTE });
      for (const method of ['GET', 'POST']) {
        const answer = await ask(method);
        assert.ok([403, 409].includes(answer.status), `${method} ${answer.status}`);
        assert.match(await answer.text(), /loopback|use 127\.0\.0\.1:8848/);
      }
      const put = await fetch(`${url}/nacos/v1/as/nodes?ips=${self}`, { method: 'POST', headers: REMOTE });
      assert.ok([400, 403].includes(put.status), String(put.status));
      assert.equal(service.find('nacos/serverlist')?.cluster.members.size ?? 0, 0);
    });
  }

  it('may be loopback for a caller on this machine, and that one stays listed whoever asks then', async (t) => {
    const { url } = await start(t);
    const poll = (headers: Record<string, string>): Promise<Response> =>
      fetch(`${url}/nacos/serverlist?self=127.0.0.11:8848`, { headers });
    assert.equal((await poll(LOCAL)).status, 200);
    assert.equal((await poll(REMOTE)).status, 200, 'R2');
  });

  it('is not link-local for anybody, nor another spelling', async (t) => {
    const { url } = await start(t);
    for (const self of ['169.254.169.254:80', '[fe80::1]:8848', '224.0.0.1:8848', '[::ffff:10.0.0.5]:8848']) {
      const answer = await fetch(`${url}/nacos/serverlist?self=${self}`, { headers: LOCAL });
      assert.equal(answer.status, 409, self);
      const put = await fetch(`${url}/nacos/v1/as/nodes?ips=${self}`, { method: 'POST', headers: LOCAL });
      assert.equal(put.status, 400, self);
    }
  });
});

describe('why a member cannot be read', () => {
  const TOKEN = 'a-token-0123456789';

  async function healthFor(server: TestServer, headers: Record<string, string>): Promise<ClusterHealth> {
    const answer = await fetch(`${server.url}/api/v1/clusters/nacos/serverlist/health?fresh=true`, {
      headers,
    });
    assert.equal(answer.status, 200);
    return (await answer.json()) as ClusterHealth;
  }

  it('is told to this machine and to who has a token, and reads alike to all others', async (t) => {
    const server = await start(t, { changeTokens: { tokens: parseTokens(TOKEN), file: undefined } });
    const self = `127.0.0.1:${server.port}`;
    const silent = '127.0.0.1:2222';
    for (const address of [self, silent]) {
      const query = `self=${address}&token=${TOKEN}&expect=2`;
      await fetch(`${server.url}/nacos/serverlist?${query}`, { method: 'POST', headers: LOCAL });
    }
    for (const headers of [LOCAL, { ...REMOTE, authorization: `Bearer ${TOKEN}` }]) {
      const { nodes } = await healthFor(server, headers);
      assert.deepEqual(
        nodes.map(({ reason }) => reason),
        [
          'it answers 404 to the paths of Nacos 1.4 to 3 below the context paths /nacos, /',
          `it does not answer (connect ECONNREFUSED ${silent})`,
        ],
      );
    }
    const { nodes, findings, summary } = await healthFor(server, REMOTE);
    const [one, other] = nodes;
    assert.equal(one?.reason, other?.reason);
    assert.match(one?.reason ?? '', /the reason is shown only with a token/);
    const said = JSON.stringify([nodes, findings, summary]);
    assert.doesNotMatch(said, /ECONNREFUSED|it answers|within/);
    const again = await healthFor(server, REMOTE);
    assert.ok((again.readMs ?? 0) >= 0);
  });
});
