import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { runCli } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { bootstrapCluster } from '../support/nodes.js';
import { startServerProcess } from '../support/process.js';
import { startServer } from '../support/server.js';
import { tempFolder } from '../support/temp.js';

const [A, B] = ['10.0.0.11:8848', '10.0.0.12:8848'] as const;
const CLUSTER = 'nacos/serverlist';

/** This machine as another would see it; undefined when it is in no network. */
const ELSEWHERE = Object.values(networkInterfaces())
  .flatMap((all) => all ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;

describe('a server without a token', () => {
  it('tells the commands of others what to do', async (t) => {
    // Behind a proxy that names nobody, whoever asks is not here.
    const server = await startServer(t, { access: { trustedProxies: ['127.0.0.1/32'] } });
    await bootstrapCluster(t, server, [A, B]);
    for (const args of [
      ['leave', A, '--wait', '0s'],
      ['recover', CLUSTER, '--yes'],
      ['recover', CLUSTER, '--repaired'],
      ['import', '--adopt', CLUSTER, '--yes'],
      ['delete', CLUSTER, '--yes'],
    ]) {
      const { status, out, err } = await runCli(t, [...args, '--server', server.url]);
      assert.deepEqual([status, out], [1, ''], `${args.join(' ')}: ${err}`);
      assert.match(
        err,
        /answers 403: without a token only the server's own machine may do that.*; set AUTH_TOKEN on the server and send it, or AUTH_MODE=open .*nothing was changed\n$/,
      );
    }
  });

  it(
    'knows its own machine by the connection',
    { skip: ELSEWHERE === undefined && 'this machine is in no network' },
    async (t) => {
      const start = (env: Record<string, string> = {}) =>
        startServerProcess(t, {
          file: join(tempFolder(t), 'r.db'),
          args: ['--host', '0.0.0.0'],
          env: { POLL_HOLD: '0s', ...env },
        });
      const server = await start();
      const open = await start({ AUTH_MODE: 'open' });
      await eventually('one says so', () => /there is no token \(AUTH_TOKEN\)/.test(server.stdout()));
      await eventually('so does the other', () =>
        /AUTH_MODE=open: every caller that reaches this port may change lists/.test(open.stdout()),
      );
      for (const [{ port }, wanted] of [
        [server, 403],
        [open, 200],
      ] as const) {
        const say = async (method: string, host: string, path: string) => {
          const answer = await fetch(`http://${host}:${port}${path}`, {
            method,
            headers: { 'user-agent': 'curl/8' },
          });
          await answer.text();
          return answer.status;
        };
        const list = '/nacos/serverlist?self=';
        assert.equal(await say('POST', '127.0.0.1', `${list}10.1.1.1:8848`), 200);
        assert.equal(await say('GET', ELSEWHERE!, `${list}${ELSEWHERE}:8848`), 200, 'a first registration');
        assert.equal(await say('DELETE', ELSEWHERE!, `${list}10.1.1.1:8848`), wanted);
        assert.equal(await say('POST', ELSEWHERE!, '/nacos/v1/as/nodes?ips=10.1.1.2'), wanted);
        assert.equal(await say('DELETE', ELSEWHERE!, `${list}${ELSEWHERE}:8848`), 200, 'its own leave');
        assert.equal(await say('POST', '127.0.0.1', '/nacos/v1/as/nodes?ips=10.1.1.2'), 200);
      }
    },
  );

  it(
    'does not take a loopback address for its own that a proxy elsewhere names',
    { skip: ELSEWHERE === undefined && 'this machine is in no network' },
    async (t) => {
      const { port } = await startServerProcess(t, {
        file: join(tempFolder(t), 'r.db'),
        args: ['--host', '0.0.0.0'],
        env: { TRUSTED_PROXIES: `${ELSEWHERE},127.0.0.1` },
      });
      const put = async (host: string): Promise<number> => {
        const url = `http://${host}:${port}/nacos/v1/as/nodes?ips=10.1.1.2`;
        return (await fetch(url, { method: 'POST', headers: { 'x-forwarded-for': '127.0.0.9' } })).status;
      };
      assert.deepEqual([await put(ELSEWHERE!), await put('127.0.0.1')], [403, 200]);
    },
  );
});
