import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, it, type TestContext } from 'node:test';
import type { ClusterHealth } from '../../src/doctor/health.js';
import { pino } from 'pino';
import { eventually } from '../support/eventually.js';
import { examinerOf } from '../support/examiner.js';
import { startServer, type TestServer } from '../support/server.js';

/** Nodes that answer as 2.5.1 does, all with the same groups; commands are noted, and answered as the test says. */
class Nodes {
  readonly addresses: string[] = [];
  readonly commands: unknown[] = [];
  groups: Record<string, { leader: string; term: number; raftGroupMember: readonly string[] }> = {};
  command: unknown = { code: 200, message: null, data: null };
  /** What an answer waits for when it is made already. */
  held: Promise<void> | undefined;
  asked = 0;

  static async start(t: TestContext, count: number): Promise<Nodes> {
    const nodes = new Nodes();
    for (let i = 0; i < count; i++) {
      const server = createServer((request, response) => {
        void text(request).then((body) => {
          if (request.url?.endsWith('/self')) return response.writeHead(404).end();
          if (request.method === 'POST') nodes.commands.push(JSON.parse(body));
          const answer = JSON.stringify(request.method === 'POST' ? nodes.command : nodes.view);
          nodes.asked++;
          void Promise.resolve(nodes.held).then(() => response.end(answer));
        });
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      t.after(() => {
        server.closeAllConnections();
        server.close();
      });
      nodes.addresses.push(`127.0.0.1:${(server.address() as AddressInfo).port}`);
    }
    nodes.groups = { one: { leader: nodes.voters[0]!, term: 1, raftGroupMember: nodes.voters } };
    return nodes;
  }

  get voters(): string[] {
    return this.addresses.map((address) => address.replace(/\d+$/, (port) => String(Number(port) - 1_000)));
  }

  get view(): unknown {
    const extendInfo = { version: '2.5.1', raftMetaData: { metaDataMap: this.groups } };
    return { code: 200, data: this.addresses.map((address) => ({ address, state: 'UP', extendInfo })) };
  }
}

async function begin(t: TestContext, count = 3): Promise<{ server: TestServer; nodes: Nodes }> {
  const nodes = await Nodes.start(t, count);
  const server = await startServer(t);
  for (const self of nodes.addresses)
    await fetch(`${server.url}/nacos/serverlist?self=${self}&expect=${count}`, { method: 'POST' });
  return { server, nodes };
}

const path = '/api/v1/clusters/nacos/serverlist';
const look = async ({ url }: TestServer): Promise<ClusterHealth> =>
  (await (await fetch(`${url}${path}/health?fresh=true`)).json()) as ClusterHealth;
const codes = ({ findings }: ClusterHealth): string[] => findings.map(({ code }) => code);

describe('the examiner', () => {
  it('says since when, and whether that is longer than is normal', async (t) => {
    const { server, nodes } = await begin(t);
    const before = (await (await fetch(`${server.url}${path}/health`)).json()) as ClusterHealth;
    assert.deepEqual([before.state, before.readMs], ['unknown', undefined]);
    assert.equal((await look(server)).state, 'healthy');
    nodes.groups.one = { ...nodes.groups.one!, raftGroupMember: nodes.voters.slice(0, 2) };
    assert.deepEqual([(await look(server)).state, codes(await look(server))], ['transient', ['no-voter']]);
    server.time.pass(59_000);
    assert.equal((await look(server)).findings[0]?.persistent, false);
    server.time.pass(1_000);
    const { state, findings } = await look(server);
    assert.deepEqual([state, findings[0]?.persistent, findings[0]?.sinceMs], ['unhealthy', true, 60_000]);
    const summary = (await (await fetch(`${server.url}${path}`)).json()) as { raftProblems?: number };
    assert.equal(summary.raftProblems, 1);
    nodes.groups.one = { ...nodes.groups.one, raftGroupMember: nodes.voters };
    assert.equal((await look(server)).state, 'healthy');
  });

  it('looks anew for those who ask while a look is under way, once for all of them', async (t) => {
    const { server, nodes } = await begin(t);
    const entry = server.service.find('nacos/serverlist')!;
    const examiner = examinerOf(server.service, pino({ level: 'silent' }), server.time.monotonic);
    let release = (): void => undefined;
    nodes.held = new Promise((resolve) => (release = resolve));
    const early = examiner.examine(entry);
    await eventually('the nodes have answered', () => nodes.asked === 3);
    nodes.groups.one = { ...nodes.groups.one!, raftGroupMember: nodes.voters.slice(0, 2) };
    const late = [examiner.examine(entry), examiner.examine(entry)];
    release();
    const found = (await Promise.all([early, ...late])).map(({ diagnosis }) =>
      diagnosis.findings.map(({ code }) => code),
    );
    assert.deepEqual(found, [[], ['no-voter'], ['no-voter']]);
    assert.equal(nodes.asked, 6);
  });

  it('has it proven that nobody leads a group, and believes the proof when there is a leader elsewhere', async (t) => {
    const { server, nodes } = await begin(t);
    nodes.groups.one = { ...nodes.groups.one!, leader: '127.0.0.9:7848' };
    nodes.command = { code: 500, message: 'Fail to get leader of group one, Unknown leader', data: null };
    assert.deepEqual(codes(await look(server)), ['no-leader']);
    assert.deepEqual(nodes.commands, [], 'an election may be under way');
    server.time.pass(10_000);
    const { findings } = await look(server);
    assert.deepEqual(nodes.commands, [{ command: 'removePeer', value: '127.0.0.1:1', groupId: 'one' }]);
    assert.match(
      findings[0]?.sentence ?? '',
      /asked to do what only a leader can, says: it answers code 500: Fail to get leader/,
    );
    await look(server);
    assert.equal(nodes.commands.length, 1, 'not at every look');
    nodes.command = { code: 200, message: null, data: null };
    server.time.pass(15_000);
    const led = await look(server);
    assert.deepEqual([led.state, codes(led)], ['unknown', []]);
    assert.match(led.unknown.join(), /one has a leader, but no member that can be read claims to be it/);
  });

  it('says nothing of a node that lies of others: only what a leader says of its own group counts', async (t) => {
    const { server, nodes } = await begin(t);
    const [first, second] = nodes.voters as [string, string];
    // A stale copy: it was the leader at an earlier term, and has voters that are gone.
    nodes.groups.one = { leader: second, term: 4, raftGroupMember: nodes.voters };
    nodes.groups.two = { leader: first, term: 1, raftGroupMember: nodes.voters };
    assert.deepEqual(codes(await look(server)), []);
  });

  it('answers a leave with `wait` when Raft has let go, and says of which groups it is a voter still', async (t) => {
    const { server, nodes } = await begin(t);
    const [, , gone] = nodes.addresses as [string, string, string];
    await look(server);
    const leave = async (wait: string): Promise<{ status: number; text: string }> => {
      const response = await fetch(`${server.url}/nacos/serverlist?self=${gone}&wait=${wait}`, {
        method: 'DELETE',
      });
      return { status: response.status, text: await response.text() };
    };
    const known = async (): Promise<void> => {
      await eventually('it waits', () => server.service.find('nacos/serverlist')!.isWatched);
      for (const self of nodes.addresses.slice(0, 2)) {
        await fetch(`${server.url}/nacos/serverlist?self=${self}&revision=2`, { method: 'POST' });
      }
      // The others have the list, and time enough has passed.
      await server.pass(5_000);
      await look(server);
    };
    const early = leave('2s');
    await known();
    const { status, text } = await early;
    assert.equal(status, 202);
    assert.match(text, /revision 2; still a voter of one\n$/);
    const late = leave('20s');
    await known();
    nodes.groups.one = { ...nodes.groups.one!, raftGroupMember: nodes.voters.slice(0, 2) };
    await server.pass(1_000);
    await look(server);
    const done = await late;
    assert.deepEqual(
      [done.status, done.text],
      [200, `${gone} left nacos/serverlist, revision 2; every live member has the list\n`],
    );
  });
});
