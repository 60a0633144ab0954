import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { runCli } from '../support/cli.js';

describe('the commands’ variables', { concurrency: 2 }, () => {
  it('are this program’s own: what TOKEN and SERVER hold is sent to nobody', async (t) => {
    const sent: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      sent.push(request.headers.authorization);
      response.writeHead(401, { 'content-type': 'application/json' }).end('{"detail":"a token is needed"}');
    }).listen(0, '127.0.0.1');
    t.after(() => server.close().closeAllConnections());
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const others = { TOKEN: 'ghp-somebody-elses-0123', SERVER: 'http://127.0.0.1:1' };
    const { status, err } = await runCli(t, ['members'], { ADDRESS_SERVER_URL: url, ...others });
    assert.equal(status, 1);
    assert.deepEqual(sent, [undefined]);
    assert.match(err, /ADDRESS_SERVER_TOKEN, or with --token; the variable TOKEN is no longer read, use/);
    await runCli(t, ['members'], {
      ADDRESS_SERVER_URL: url,
      ADDRESS_SERVER_TOKEN: 'right-0123456789',
      ...others,
    });
    assert.equal(sent[1], 'Bearer right-0123456789');
  });

  it('say where SERVER has gone when nobody answers at the default', async (t) => {
    const { status, err } = await runCli(t, ['members'], { SERVER: 'http://10.0.0.5:8080' });
    assert.equal(status, 1);
    assert.match(err, /127\.0\.0\.1:8080 .*; the variable SERVER is no longer read, use ADDRESS_SERVER_URL/);
  });
});
