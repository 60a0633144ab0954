import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { RegistryClient } from '../../src/agent/registry-client.js';
import { startServer } from '../support/server.js';

const SELF = '127.0.0.11:8848';

/** Takes connections and never says a word, as a machine behind a cut network seems to. */
async function blackHole(t: TestContext): Promise<URL> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => sockets.add(socket.on('error', () => undefined)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
}

const clientOf = (...servers: readonly URL[]): RegistryClient =>
  new RegistryClient({ servers, cluster: 'nacos/serverlist', self: SELF, token: () => undefined });

const forEver = new AbortController().signal;

async function timed<T>(task: Promise<T>): Promise<{ value: T; ms: number }> {
  const started = performance.now();
  const value = await task;
  return { value, ms: performance.now() - started };
}

describe('the agent’s client', { concurrency: 4 }, () => {
  it('gives up a server that does not answer, whatever the garbage collector does', async (t) => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const client = clientOf(await blackHole(t));
    const collecting = setInterval(collect, 100);
    t.after(() => clearInterval(collecting));
    const { value, ms } = await timed(client.beat({ has: 0, wait: 5_000 }, forEver));
    assert.equal(value.type, 'unavailable');
    assert.match(value.type === 'unavailable' ? value.reason : '', /does not answer within 3 s$/);
    assert.ok(ms < 4_500, `${ms} ms`);
  });

  it('asks the next within a lease, and asks a server to wait only when it has just answered', async (t) => {
    const server = await startServer(t);
    const client = clientOf(await blackHole(t), await blackHole(t), new URL(`${server.url}/`));
    const { value, ms } = await timed(client.beat({ has: 0, wait: 5_000 }, forEver));
    assert.deepEqual([value.type, value.type === 'list' && value.isHeld], ['list', false]);
    assert.ok(ms < 8_000, `${ms} ms`);
    const again = await timed(client.beat({ has: 1, wait: 500 }, forEver));
    assert.deepEqual([again.value.type, again.value.type === 'list' && again.value.isHeld], ['list', true]);
    assert.ok(again.ms >= 490 && again.ms < 2_500, 'it is the first to be asked, and holds');
  });

  it('says a leave everywhere before it waits for the others', async (t) => {
    const server = await startServer(t);
    const client = clientOf(await blackHole(t), new URL(`${server.url}/`));
    await client.beat({ has: 0, wait: 0 }, forEver);
    const other = clientOf(await blackHole(t), new URL(`${server.url}/`));
    const { value, ms } = await timed(other.leave(1_000, forEver));
    assert.equal(value.left, true, value.said);
    assert.ok(ms < 6_000, `${ms} ms`);
    assert.equal(server.service.find('nacos/serverlist')?.cluster.members.size, 0);
  });

  it('ends early when it is told to', async (t) => {
    const client = clientOf(await blackHole(t));
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 100);
    const { value, ms } = await timed(client.beat({ has: 0, wait: 0 }, controller.signal));
    assert.deepEqual([value.type, ms < 1_500], ['unavailable', true]);
  });
});
