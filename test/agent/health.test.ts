import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { failureToAnswer } from '../../src/agent/health.js';

test('a Nacos that answers is none that hangs, however busy the agent itself was', async (t) => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', () => socket.end('HTTP/1.1 200 OK\r\n\r\n'));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const look = failureToAnswer(`127.0.0.1:${(server.address() as AddressInfo).port}`, 300);
  await new Promise((resolve) => process.nextTick(resolve));
  const until = performance.now() + 1_500;
  while (performance.now() < until);
  assert.equal(await look, undefined);
});
