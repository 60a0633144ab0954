import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { readConf } from '../../src/agent/member-list.js';
import type { ClusterView } from '../../src/registry/view.js';
import type { ServerProcess } from '../support/process.js';
import { addressesOf } from './beliefs.js';
import { assertRunning, type HistoryEvent } from './cluster.js';
import { Networks } from './networks.js';
import { agentLogOf, clusterConfOf, get, textOf, type NacosNode } from './node.js';
import { nacosTest } from './suite.js';
import { patiently } from './patience.js';

/** For how long the west is cut off at least, in milliseconds: longer than a lease (15 s), shorter than an eviction takes (60 s). */
const CUT = 20_000;

const EAST = 1;
const WEST = 2;

nacosTest(
  'two networks that only a router joins, one registry, agents around the nodes',
  { lacking: Networks.lacking() },
  async (cluster, scenario) => {
    const networks = Networks.make(2);
    cluster.atEnd(() => networks.remove());
    let server: ServerProcess;
    const nodes: NacosNode[] = [];
    const api = async <T>(path: string): Promise<T> => {
      const url = `http://${networks.routerAddress}:${server.port}/api/v1/clusters/nacos/serverlist${path}`;
      return JSON.parse(await get(networks.in(0), url)) as T;
    };
    const viewOf = (): Promise<ClusterView> => api('');

    /** As any failure should say it. */
    const told = async (run: () => Promise<unknown>): Promise<void> => {
      await run().catch((error: unknown) => {
        const agents = nodes.map(
          ({ address, home }) => `--- agent of ${address}:\n${textOf(agentLogOf(home))}`,
        );
        throw new Error([(error as Error).message, ...agents, server.stdout()].join('\n'), { cause: error });
      });
    };

    await scenario('two nodes in the east and one in the west bootstrap one cluster', () =>
      told(async () => {
        server = await cluster.startServer({
          through: networks.in(0),
          args: ['--host', networks.routerAddress],
        });
        const servers = [{ url: `http://${networks.routerAddress}:${server.port}` }];
        for (const [network, port] of [
          [EAST, 8848],
          [EAST, 8868],
          [WEST, 8888],
        ] as const) {
          const place = { host: networks.hostAddress(network), through: networks.in(network) };
          nodes.push(await cluster.startNode({ lookup: 'agent', servers, port, network: place }));
        }
        await cluster.agree(nodes);
        assertLists(nodes);
        const { members } = await viewOf();
        assert.deepEqual(members.map(({ address }) => address).sort(), addressesOf(nodes));
      }),
    );

    await scenario(`the west is cut off for ${CUT / 1_000} s: nobody is dropped anywhere`, () =>
      told(async () => {
        const west = nodes[2]!;
        const before = await viewOf();
        const until = performance.now() + CUT;
        let seenSilent = false;
        let seenDown = false;
        networks.setLink(WEST, 'down');
        await patiently(
          'the registry does not hear the west, the east does not reach it, and the cut is over',
          async () => {
            await assertKept(nodes);
            const { members, revision } = await viewOf();
            assert.equal(revision, before.revision, 'the list is the same all along');
            seenSilent ||= members.find(({ address }) => address === west.address)?.state === 'silent';
            seenDown ||= (await nodes[0]!.view()).some(
              ({ address, state }) => address === west.address && state !== 'UP',
            );
            return performance.now() > until && seenSilent && seenDown;
          },
          500,
        );
        networks.setLink(WEST, 'up');
        await patiently(
          'the registry hears all, and all have the list',
          async () => {
            await assertKept(nodes);
            const { state, members, revision } = await viewOf();
            assert.equal(revision, before.revision);
            return state === 'whole' && members.every((member) => member.state === 'live' && member.upToDate);
          },
          500,
        );
        await cluster.agree(nodes);
        assertLists(nodes);
        const { events } = await api<{ events: HistoryEvent[] }>('/events?limit=1000');
        const types = events.map(({ type }) => type);
        assert.equal(types.filter((type) => type === 'bootstrapped').length, 1, types.join());
        for (const type of ['evicted', 'left', 'replaced', 'rebootstrapped'] as const) {
          assert.ok(!types.includes(type), types.join());
        }
      }),
    );
  },
);

/** Each node's cluster.conf is the whole list. */
function assertLists(nodes: readonly NacosNode[]): void {
  for (const { address, home } of nodes) {
    const read = readConf(readFileSync(clusterConfOf(home), 'utf8'));
    assert.ok(read.ok, address);
    // Nacos truncates the file before it writes it; two-writers.test.ts has that moment.
    if (read.value.length === 0) continue;
    assert.deepEqual([...read.value].sort(), addressesOf(nodes), `cluster.conf of ${address}`);
  }
}

/** Nobody lacks in any node's list or view, or among the voters in anybody's copy of a group. */
async function assertKept(nodes: readonly NacosNode[]): Promise<void> {
  assertLists(nodes);
  assertRunning(nodes);
  const voters = nodes.map(({ voter }) => voter).sort();
  for (const node of nodes) {
    const view = await node.view();
    assert.deepEqual(
      view.map(({ address }) => address).sort(),
      addressesOf(nodes),
      `as ${node.address} has it`,
    );
    // A copy has no voters yet when the node heard of the leader while it was starting the group (NacosStateMachine.allPeers).
    for (const [name, { raftGroupMember = voters }] of Object.entries(await node.groups())) {
      assert.deepEqual([...raftGroupMember].sort(), voters, `${name} as ${node.address} has it`);
    }
  }
}
