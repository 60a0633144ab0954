import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { RegistryClient } from '../../src/agent/registry-client.js';
import { eventually, NEVER } from '../support/eventually.js';
import { startServer } from '../support/server.js';

const SELF = '127.0.0.11:8848';

interface BlackHole {
  readonly url: URL;
  /** How many connections it has taken. */
  taken(): number;
}

/** Takes connections and never says a word, as a machine behind a cut network seems to. */
async function blackHole(t: TestContext): Promise<BlackHole> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => sockets.add(socket.on('error', () => undefined)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  return { url, taken: () => sockets.size };
}

const clientOf = (...servers: readonly URL[]): RegistryClient =>
  new RegistryClient({ servers, cluster: 'nacos/serverlist', self: SELF, token: () => undefined });

const forEver = new AbortController().signal;

describe('the agent’s client', { concurrency: 4, timeout: 2 * NEVER }, () => {
  it('gives up a server that does not answer, whatever the garbage collector does', async (t) => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const client = clientOf((await blackHole(t)).url);
    const collecting = setInterval(collect, 100);
    t.after(() => clearInterval(collecting));
    const value = await client.beat({ revision: 0, wait: 5_000 }, forEver);
    assert.equal(value.type, 'unavailable');
    assert.match(value.type === 'unavailable' ? value.reason : '', /does not answer within 3 s$/);
  });

  it('asks the next within a lease, and asks a server to wait only when it has just answered', async (t) => {
    const server = await startServer(t);
    const silent = [await blackHole(t), await blackHole(t)];
    const client = clientOf(...silent.map(({ url }) => url), new URL(`${server.url}/`));
    const value = await client.beat({ revision: 0, wait: 5_000 }, forEver);
    assert.deepEqual([value.type, value.type === 'list' && value.isHeld], ['list', false]);
    const taken = silent.map((one) => one.taken());
    const started = performance.now();
    const again = await client.beat({ revision: 1, wait: 500 }, forEver);
    assert.deepEqual([again.type, again.type === 'list' && again.isHeld], ['list', true]);
    assert.ok(performance.now() - started >= 490, 'it holds');
    assert.deepEqual(
      silent.map((one) => one.taken()),
      taken,
      'it is the first to be asked',
    );
  });

  it('says a leave everywhere before it waits for the others', async (t) => {
    const server = await startServer(t);
    const client = clientOf((await blackHole(t)).url, new URL(`${server.url}/`));
    await client.beat({ revision: 0, wait: 0 }, forEver);
    const other = clientOf((await blackHole(t)).url, new URL(`${server.url}/`));
    const value = await other.leave(1_000, forEver);
    assert.equal(value.left, true, value.said);
    assert.equal(server.service.find('nacos/serverlist')?.cluster.members.size, 0);
  });

  it('ends early when it is told to', async (t) => {
    const hole = await blackHole(t);
    const client = clientOf(hole.url);
    const controller = new AbortController();
    const beat = client.beat({ revision: 0, wait: 0 }, controller.signal);
    await eventually('it has connected', () => hole.taken() === 1);
    controller.abort();
    const value = await beat;
    assert.equal(value.type, 'unavailable');
    assert.doesNotMatch(value.type === 'unavailable' ? value.reason : '', /does not answer/);
  });
});
