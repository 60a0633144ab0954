import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { readConf } from '../../src/agent/member-list.js';
import type { ClusterView } from '../../src/registry/view.js';
import { eventually } from '../support/eventually.js';
import { startServerProcess, type ServerProcess } from '../support/process.js';
import { groupsOf, START_LIMIT, type HistoryEvent } from './cluster.js';
import { Networks } from './networks.js';
import { endWithThisProcess } from '../support/processes.js';
import { get, RoutedNode } from './routed-node.js';
import { nacosTest } from './suite.js';

/** How long the west is cut off, in milliseconds: longer than a lease (15 s), shorter than an eviction takes (60 s). */
const CUT = 20_000;

const EAST = 1;
const WEST = 2;

nacosTest(
  'Nacos 2.5.1 in two networks that only a router joins, one registry, agents around the nodes',
  async (cluster, scenario, t) => {
    const networks = Networks.make(2);
    cluster.atEnd(() => networks.remove());
    let server: ServerProcess;
    const nodes: RoutedNode[] = [];
    const api = async <T>(path: string): Promise<T> => {
      const url = `http://${networks.routerAddress}:${server.port}/api/v1/clusters/nacos/serverlist${path}`;
      return JSON.parse(await get(networks.in(0), url)) as T;
    };
    const viewOf = (): Promise<ClusterView> => api('');

    /** As any failure should say it. */
    const told = async (run: () => Promise<unknown>): Promise<void> => {
      await run().catch((error: unknown) => {
        const agents = nodes.map(({ address, agent }) => `--- agent of ${address}:\n${agent.stderr()}`);
        throw new Error([(error as Error).message, ...agents, server.stdout()].join('\n'), { cause: error });
      });
    };

    await scenario('two nodes in the east and one in the west found one cluster', () =>
      told(async () => {
        server = await startServerProcess(t, {
          file: `${cluster.folder('registry')}/registry.db`,
          through: networks.in(0),
          args: ['--host', networks.routerAddress],
        });
        endWithThisProcess(server.child);
        for (const [network, port] of [
          [EAST, 8848],
          [EAST, 8868],
          [WEST, 8848],
        ] as const) {
          nodes.push(
            new RoutedNode(t, {
              host: networks.hostAddress(network),
              port,
              home: cluster.folder(`node-${network}-${port}`),
              through: networks.in(network),
              server: `http://${networks.routerAddress}:${server.port}`,
            }),
          );
        }
        await agree(nodes, START_LIMIT);
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
        let looks = 0;
        networks.setLink(WEST, 'down');
        await eventually(
          'the cut is over',
          async () => {
            await assertKept(nodes);
            const { members, revision } = await viewOf();
            assert.equal(revision, before.revision, 'the list is the same all along');
            seenSilent ||= members.find(({ address }) => address === west.address)?.state === 'silent';
            seenDown ||= (await nodes[0]!.view()).some(
              ({ address, state }) => address === west.address && state !== 'UP',
            );
            looks++;
            return performance.now() > until;
          },
          CUT + 30_000,
          500,
        );
        networks.setLink(WEST, 'up');
        // Without that nothing was cut.
        assert.ok(seenSilent, 'the registry did not hear the west');
        assert.ok(seenDown, 'the east did not reach the west');
        assert.ok(looks >= 5, `${looks} looks`);
        await eventually(
          'the registry hears all, and all have the list',
          async () => {
            await assertKept(nodes);
            const { state, members, revision } = await viewOf();
            assert.equal(revision, before.revision);
            return state === 'whole' && members.every((member) => member.state === 'live' && member.current);
          },
          60_000,
          500,
        );
        await agree(nodes, 60_000);
        assertLists(nodes);
        const { events } = await api<{ events: HistoryEvent[] }>('/events?limit=1000');
        const types = events.map(({ type }) => type);
        assert.equal(types.filter((type) => type === 'founded').length, 1, types.join());
        for (const type of ['evicted', 'left', 'replaced', 'refounded'] as const) {
          assert.ok(!types.includes(type), types.join());
        }
      }),
    );
  },
  Networks.lacking(),
);

function addressesOf(nodes: readonly RoutedNode[]): string[] {
  return nodes.map(({ address }) => address).sort();
}

/** Each node's cluster.conf is the whole list. */
function assertLists(nodes: readonly RoutedNode[]): void {
  for (const { address, clusterConf } of nodes) {
    const read = readConf(readFileSync(clusterConf, 'utf8'));
    assert.ok(read.ok, address);
    // Nacos truncates the file before it writes it; two-writers.test.ts has that moment.
    if (read.value.length === 0) continue;
    assert.deepEqual([...read.value].sort(), addressesOf(nodes), `cluster.conf of ${address}`);
  }
}

/** Nobody lacks in any node's list or view, or among the voters in anybody's copy of a group. */
async function assertKept(nodes: readonly RoutedNode[]): Promise<void> {
  assertLists(nodes);
  const voters = nodes.map(({ voter }) => voter).sort();
  for (const node of nodes) {
    assert.ok(node.isRunning, `the agent of ${node.address} ended`);
    const view = await node.view();
    assert.deepEqual(
      view.map(({ address }) => address).sort(),
      addressesOf(nodes),
      `as ${node.address} has it`,
    );
    for (const [name, { raftGroupMember = [] }] of Object.entries(await node.groups())) {
      assert.deepEqual([...raftGroupMember].sort(), voters, `${name} as ${node.address} has it`);
    }
  }
}

/** Waits until every node sees all up, and each group has one leader for all and exactly these voters. */
async function agree(nodes: readonly RoutedNode[], limit: number): Promise<void> {
  let last: string | undefined;
  await eventually(
    'the nodes agree',
    async () => {
      for (const { address, isRunning } of nodes) assert.ok(isRunning, `the agent of ${address} ended`);
      last = await disagreement(nodes).catch((error: unknown) => (error as Error).message);
      return last === undefined;
    },
    limit,
    1_000,
  ).catch((error: unknown) => {
    throw new Error(`${(error as Error).message}; at last: ${last}`);
  });
}

async function disagreement(nodes: readonly RoutedNode[]): Promise<string | undefined> {
  const wanted = addressesOf(nodes)
    .map((address) => `${address} UP`)
    .join();
  for (const node of nodes) {
    const seen = (await node.view())
      .map(({ address, state }) => `${address} ${state}`)
      .sort()
      .join();
    if (seen !== wanted) return `${node.address} sees ${seen}`;
  }
  const copies = await Promise.all(nodes.map((node) => node.groups()));
  const names = new Set(copies.flatMap((copy) => Object.keys(copy)));
  if (names.size === 0) return 'no Raft group has met a leader';
  const groups = await groupsOf(nodes);
  const voters = nodes
    .map(({ voter }) => voter)
    .sort()
    .join();
  for (const name of names) {
    const group = groups.get(name);
    if (!group) return `${name} has no leader`;
    if (group.voters.join() !== voters) return `${name} has the voters ${group.voters.join()}`;
    const named = copies.map((copy) => copy[name]?.leader);
    if (named.some((leader) => leader !== group.leader)) return `${name} is led by ${named.join()}`;
  }
  return undefined;
}
