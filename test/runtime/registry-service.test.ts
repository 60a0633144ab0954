import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { eventually, NEVER } from '../support/eventually.js';
import { startServer, type TestServer } from '../support/server.js';
import { openPoll } from '../support/nacos-client.js';

const A = '127.0.0.1:8848';
const B = '127.0.0.2:8848';
const C = '127.0.0.3:8848';

async function bootstrapped(t: TestContext): Promise<TestServer> {
  // However long a slow machine takes to send three polls, all wait together.
  const server = await startServer(t, { rules: { pollHold: NEVER } });
  await poll(server, [A, B, C]);
  assert.deepEqual(await list(server), [A, B, C]);
  return server;
}

/** These members poll at once. */
async function poll({ url }: TestServer, members: readonly string[]): Promise<void> {
  await Promise.all(
    members.map(async (self) => {
      const response = await fetch(`${url}/nacos/serverlist?self=${self}&expect=3`);
      await response.text();
    }),
  );
}

async function list({ url }: TestServer): Promise<string[]> {
  const response = await fetch(`${url}/nacos/serverlist`);
  return (await response.text()).trim().split('\n').sort();
}

/** Time passes in which these members poll every 5 s. */
async function pass(server: TestServer, ms: number, members: readonly string[]): Promise<void> {
  for (let left = ms; left > 0; left -= 5_000) {
    await poll(server, members);
    await server.pass(Math.min(5_000, left));
  }
}

async function events({ url }: TestServer): Promise<string[]> {
  const response = await fetch(`${url}/api/v1/events?limit=1000&after=0`);
  const body = (await response.json()) as { events: { type: string; address?: string }[] };
  return body.events.map(({ type, address }) => (address === undefined ? type : `${type} ${address}`));
}

describe('the running registry', () => {
  it('evicts over real time what the rules evict', async (t) => {
    const server = await bootstrapped(t);
    await pass(server, 85_000, [A, B]);
    assert.deepEqual(await list(server), [A, B]);
    assert.ok((await events(server)).includes(`evicted ${C}`));
  });

  it('keeps a silent member whose port answers', async (t) => {
    const server = await bootstrapped(t);
    server.probe.answers.set(C, 'open');
    await pass(server, 300_000, [A, B]);
    assert.deepEqual(await list(server), [A, B, C]);
    assert.ok((await events(server)).includes(`silent ${C}`));
  });

  it('does not count its own pause as silence, and evicts nobody for two TTLs after it (R8)', async (t) => {
    const server = await bootstrapped(t);
    await pass(server, 55_000, [A, B]);
    server.time.pass(600_000);
    await server.service.tick();
    await pass(server, 25_000, [A, B]);
    assert.deepEqual(await list(server), [A, B, C], 'C was silent for over 60 s, but this is the grace');
    await pass(server, 15_000, [A, B]);
    assert.deepEqual(await list(server), [A, B]);
  });

  it('serves the stored list at once after a restart, and evicts nobody for two TTLs (R8)', async (t) => {
    const first = await bootstrapped(t);
    await pass(first, 55_000, [A, B]);
    await first.stop();
    const second = await startServer(t, { file: first.file });
    assert.deepEqual(await list(second), [A, B, C]);
    await pass(second, 25_000, [A, B]);
    assert.deepEqual(await list(second), [A, B, C]);
    await pass(second, 35_000, [A, B]);
    assert.deepEqual(await list(second), [A, B]);
  });

  it('probes at once when a member’s poll connection ends, and shows it as down (R10)', async (t) => {
    const server = await bootstrapped(t);
    const connection = await openPoll(t, server.port, `/nacos/serverlist?self=${C}`);
    assert.match(connection.received(), /^HTTP\/1\.1 200 OK/);
    server.probe.answers.set(C, 'refused');
    connection.socket.destroy();
    await eventually('C is down', async () => (await events(server)).includes(`down ${C}`));
    assert.deepEqual(await list(server), [A, B, C], 'the list stays');
    server.probe.answers.delete(C);
    await poll(server, [C]);
    await server.pass(1_000);
    assert.ok((await events(server)).includes(`returned ${C}`));
  });

  it('takes the end of a live member’s connection for nothing', async (t) => {
    const server = await bootstrapped(t);
    server.probe.answers.set(C, 'open');
    const connection = await openPoll(t, server.port, `/nacos/serverlist?self=${C}`);
    connection.socket.destroy();
    await server.pass(2_000);
    assert.deepEqual(
      (await events(server)).filter((event) => event.startsWith('down')),
      [],
    );
  });
});
