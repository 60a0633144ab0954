import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { RegistryClient } from '../../src/agent/registry-client.js';
import { ClientError } from '../../src/cli/client-error.js';
import { Client } from '../../src/cli/client.js';

/** Answers everything without end, as fast as it is read. */
async function endless(t: TestContext, status: number, type: string) {
  let sent = 0;
  const chunk = Buffer.alloc(64 << 10, 'x');
  const go = (response: ServerResponse): void => {
    while (!response.destroyed) {
      sent += chunk.length;
      if (!response.write(chunk)) return void response.once('drain', () => go(response));
    }
  };
  const server = createServer((_request, response) => {
    response.writeHead(status, { 'content-type': type, 'address-server-revision': '1' });
    go(response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close().closeAllConnections());
  const { port } = server.address() as AddressInfo;
  return { url: new URL(`http://127.0.0.1:${port}/`), sent: () => sent };
}

test(
  'the commands read an endless answer no further than what may be one',
  { timeout: 600_000 },
  async (t) => {
    // They give up by the size alone, however long a slow machine takes for that.
    t.mock.method(AbortSignal, 'timeout', () => new AbortController().signal);
    for (const status of [200, 503]) {
      const server = await endless(t, status, 'application/json');
      const client = new Client(server.url, undefined);
      const isTold = (error: unknown): boolean =>
        error instanceof ClientError &&
        /answers without end: its answer is larger than 16 MB/.test(error.message);
      await assert.rejects(client.getJson('/api/v1/clusters'), isTold);
      await assert.rejects(client.postForm('/nacos/v1/as/nodes', {}), isTold);
      assert.ok(server.sent() < 128 << 20, `${server.sent()} bytes were sent`);
    }
  },
);

test('so does the agent', async (t) => {
  const server = await endless(t, 200, 'text/plain');
  const speaker = {
    servers: [server.url],
    cluster: 'nacos/serverlist',
    self: '10.0.0.1:8848',
    token: () => undefined,
  };
  const answer = await new RegistryClient(speaker).beat(
    { revision: 0, wait: 60_000 },
    new AbortController().signal,
  );
  assert.equal(answer.type, 'unavailable');
  assert.match(
    answer.type === 'unavailable' ? answer.reason : '',
    /sent far too much: its answer is larger than 1 MB/,
  );
  assert.ok(server.sent() < 32 << 20, `${server.sent()} bytes were sent`);
});
