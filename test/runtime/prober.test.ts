import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { pino } from 'pino';
import type { ClusterView } from '../../src/registry/view.js';
import { eventually, NEVER } from '../support/eventually.js';
import { openPoll } from '../support/nacos-client.js';
import { startServer, type TestServer } from '../support/server.js';

const A = '10.0.0.1:8848';
const B = '10.0.0.2:8848';
const C = '10.0.0.3:8848';

interface Line {
  readonly msg: string;
  readonly reason?: string;
  readonly address?: string;
}

async function bootstrapped(
  t: TestContext,
  cluster = 'serverlist',
  members = [A, B, C],
): Promise<{ server: TestServer; lines: Line[]; poll: (some: readonly string[]) => Promise<void> }> {
  const lines: Line[] = [];
  const log = pino({ level: 'info' }, { write: (line) => lines.push(JSON.parse(line) as Line) });
  const server = await startServer(t, { log, rules: { pollHold: NEVER } });
  const poll = pollAs(server, cluster, members.length);
  await poll(members);
  await poll(members);
  return { server, lines, poll };
}

const pollAs =
  ({ url }: TestServer, cluster: string, expect: number) =>
  async (some: readonly string[]): Promise<void> => {
    await Promise.all(
      some.map(async (self) => (await fetch(`${url}/nacos/${cluster}?self=${self}&expect=${expect}`)).text()),
    );
  };

const list = async ({ url }: TestServer, cluster = 'serverlist'): Promise<string[]> =>
  (await (await fetch(`${url}/nacos/${cluster}`)).text()).trim().split('\n').sort();

/** Time passes in which these members poll every 5 s. */
async function pass(
  server: TestServer,
  ms: number,
  poll: (some: readonly string[]) => Promise<void>,
  members: readonly string[],
): Promise<void> {
  for (let left = ms; left > 0; left -= 5_000) {
    await poll(members);
    await server.pass(5_000);
  }
}

const SAID = 'a member cannot be probed from here; while that lasts it stays listed';

describe('probes', () => {
  it('of a server that reaches nobody evict nobody, and say so once', async (t) => {
    const { server, lines, poll } = await bootstrapped(t);
    for (const address of [A, B, C]) server.probe.answers.set(address, 'unreachable');
    await pass(server, 600_000, poll, [A, B]);
    assert.deepEqual(await list(server), [A, B, C]);
    const said = lines.filter(({ msg }) => msg === SAID);
    assert.equal(said.length, 1);
    assert.match(said[0]!.reason!, /this server may reach nobody$/);
    server.probe.answers.delete(A);
    await pass(server, 10_000, poll, [A, B]);
    assert.deepEqual(await list(server), [A, B]);
    assert.ok(lines.some(({ msg }) => msg === 'its members can be probed again'));
  });

  it('behind a firewall that refuses all evict nobody, nor show anybody as down', async (t) => {
    const { server, lines, poll } = await bootstrapped(t);
    for (const address of [A, B, C]) server.probe.answers.set(address, 'refused');
    await pass(server, 300_000, poll, [A, B]);
    assert.deepEqual(await list(server), [A, B, C]);
    assert.ok(!lines.some(({ msg }) => msg === 'down'));
    server.probe.answers.delete(B);
    await pass(server, 60_000, poll, [A, B]);
    assert.deepEqual(await list(server), [A, B]);
  });

  it('of a cluster that dies as a whole show all of it as down: nobody was heard since', async (t) => {
    const { server, lines, poll } = await bootstrapped(t);
    for (const address of [A, B, C]) server.probe.answers.set(address, 'refused');
    const connections = await Promise.all(
      [A, B, C].map((self) => openPoll(t, server.port, `/nacos/serverlist?self=${self}&expect=3`)),
    );
    for (const { socket } of connections) socket.destroy();
    const isDown = (): number => lines.filter(({ msg }) => msg === 'down').length;
    await eventually(
      'all are down',
      async () => {
        await server.pass(250);
        return isDown() === 3;
      },
      20_000,
    );
    await poll([A]);
    await server.pass(120_000);
    assert.deepEqual(await list(server), [A, B, C]);
  });

  it('that cannot be tried evict nobody', async (t) => {
    const { server, lines, poll } = await bootstrapped(t);
    const unknown = 'nacos-2.test cannot be reached by its name: its look-up failed (EAI_AGAIN)';
    server.probe.answers.set(C, { unknown });
    await pass(server, 600_000, poll, [A, B]);
    assert.deepEqual(await list(server), [A, B, C]);
    assert.deepEqual(
      lines.filter(({ msg }) => msg === SAID).map(({ address, reason }) => [address, reason]),
      [[C, unknown]],
    );
    const view = (await (
      await fetch(`${server.url}/api/v1/clusters/nacos/serverlist`)
    ).json()) as ClusterView;
    assert.deepEqual(
      view.members.map((member) => member.unprobed),
      [undefined, undefined, unknown],
    );
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    const times = Number(/probes_total\{outcome="unknown"\} (\d+)/.exec(metrics)?.[1]);
    assert.ok(times > 100 && times <= 600_000 / 3_000, `tried every 3 s, not all the time: ${times}`);
  });

  it('of clusters whose hosts hang leave those of another their turn, and their own', async (t) => {
    const { server, poll } = await bootstrapped(t);
    const { service, probe } = server;
    const asked = new Set<string>();
    const ends: (() => void)[] = [];
    let most = 0;
    const answer = probe.probe.bind(probe);
    probe.probe = (address) => {
      if (!address.startsWith('10.9.')) return answer(address);
      asked.add(address);
      return new Promise((resolve) => {
        most = Math.max(
          most,
          ends.push(() => resolve('unreachable')),
        );
      });
    };
    const { signal } = new AbortController();
    for (const address of hosts) {
      const key = { product: 'nacos', name: `other-${address.split('.')[2]}` };
      const request = { address, source: 'heartbeat', expect: 60, openedAt: service.monotonic } as const;
      for (let i = 0; i < 2; i++) await service.poll(key, request, 0, signal);
    }
    for (let second = 0; second < 100; second++) {
      if (second % 5 === 0) await poll([A, B]);
      await server.pass(1_000);
      // What is asked is asked for two seconds.
      if (second % 2 === 0) for (const end of ends.splice(0)) end();
      await new Promise(setImmediate);
    }
    assert.deepEqual(await list(server), [A, B], 'C was probed, and evicted');
    assert.ok(most >= 50 && most <= 200, `${most} at once, with their controls`);
    assert.equal(asked.size, hosts.length, 'nobody waits for ever');
    for (const end of ends) end();
  });
});

/** Of six clusters, each of which wants more probes than one may have. */
const hosts = Array.from({ length: 360 }, (_, i) => `10.9.${Math.floor(i / 60)}.${(i % 60) + 1}:8848`);
