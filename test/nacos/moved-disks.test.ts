import assert from 'node:assert/strict';
import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { ServerProcess } from '../support/process.js';
import { eventsOf, type Cluster } from './cluster.js';
import { examine, repair } from './doctor.js';
import type { NacosNode } from './node.js';
import { writeInstance } from './persistent-data.js';
import { patiently } from './patience.js';
import { nacosTest } from './suite.js';
import { allLed, haveInstance, haveJoined } from './unsafe-lists.js';

/** Starts nodes that have ended at new addresses with their old disks, which a server that knows nobody lets bootstrap a list. */
async function move(
  cluster: Cluster,
  nodes: readonly NacosNode[],
  server: ServerProcess,
): Promise<NacosNode[]> {
  const moved: NacosNode[] = [];
  for (const { home } of nodes) {
    const port = await cluster.takePort();
    const to = cluster.homeOf(port);
    mkdirSync(to, { recursive: true });
    renameSync(join(home, 'data'), join(to, 'data'));
    const query = (address: string): string => cluster.query(address, nodes.length);
    moved.push(await cluster.startNode({ lookupPort: server.port, port, query }));
  }
  for (const node of moved) await patiently(`${node.port} is ready`, () => node.isReady(), 500);
  return moved;
}

nacosTest(
  'a cluster that moved to new addresses with its old disks',
  { can: ['resetPeers', 'command answers', 'shared instances'] },
  async (cluster, scenario, t) => {
    let server: ServerProcess;
    let nodes: NacosNode[] = [];

    const anotherServer = (name: string): Promise<ServerProcess> =>
      cluster.startServer({ file: join(cluster.folder(name), 'registry.db') });

    await scenario('three nodes, of which one stops before the last write', async () => {
      server = await cluster.startServer();
      nodes = await cluster.startNodes(3, { lookupPort: server.port });
      await cluster.agree(nodes);
      await haveJoined(nodes);
      const [first, ...others] = nodes as [NacosNode, ...NacosNode[]];
      await writeInstance(first, 'kept');
      await haveInstance(nodes, 'kept');
      await first.end('SIGTERM');
      await writeInstance(others[0]!, 'late');
      await haveInstance(others, 'late');
      await Promise.all(others.map((node) => node.end('SIGTERM')));
    });

    await scenario(
      'all are back elsewhere: no group has a leader, and the plan cannot tell who has most',
      async () => {
        server = await anotherServer('moved');
        nodes = await move(cluster, nodes, server);
        const { plan } = await patiently(
          'it is proven that nobody leads',
          async () => {
            const { findings } = await examine(t, server);
            assert.deepEqual(
              findings.map(({ code }) => code),
              ['no-leader'],
            );
            const planned = await repair(t, server, '--dry-run');
            return planned.plan.refused === undefined && planned;
          },
          1_000,
        );
        // Who came first leads the list.
        const first = nodes.find(({ address }) => address === plan.steps[0]?.node)!;
        const others = nodes.filter((node) => node !== first);
        const all = nodes.map(({ voter }) => voter).sort();
        assert.deepEqual(
          plan.steps.map(({ command, value, group, isAwaited }) => [command, value, group, isAwaited]),
          [
            ['resetPeers', first.voter, undefined, undefined],
            ['restRaftCluster', all.join(), undefined, true],
          ],
        );
        const [dataLossRisks = ''] = plan.dataLossRisks;
        assert.match(
          dataLossRisks,
          /cannot be told which node has the most data.*name the one that was stopped last with --survivor/,
        );
        for (const { address } of others) assert.ok(dataLossRisks.includes(address), dataLossRisks);
      },
    );

    await scenario(
      'the repair keeps the data of the node that was stopped last, and all are voters',
      async () => {
        const survivor = nodes[1]!;
        const { status, plan, events, health } = await repair(
          t,
          server,
          '--yes',
          '--survivor',
          survivor.address,
        );
        assert.equal(events.at(-1)?.type, 'repaired', events.at(-1)?.reason);
        assert.deepEqual([status, health?.findings, plan.steps[0]?.node], [0, [], survivor.address]);
        await allLed(nodes);
        await cluster.agree(nodes);
        for (const service of ['kept', 'late']) await haveInstance(nodes, service);
        await writeInstance(nodes[0]!, 'after');
        await haveInstance(nodes, 'after');
        t.diagnostic(`repaired in ${await tookOf(server)} s`);
      },
    );

    await scenario('they move again, and one stays away', async () => {
      await haveJoined(nodes);
      await Promise.all(nodes.map((node) => node.end('SIGTERM')));
      server = await anotherServer('moved-again');
      nodes = await move(cluster, nodes.slice(1), server);
      const { status, events, health } = await patiently(
        'it is proven that nobody leads',
        async () => {
          const repaired = await repair(t, server, '--yes');
          return repaired.plan.refused === undefined && repaired;
        },
        1_000,
      );
      assert.equal(events.at(-1)?.type, 'repaired', events.at(-1)?.reason);
      assert.deepEqual([status, health?.findings], [0, []]);
      await allLed(nodes);
      await cluster.agree(nodes);
      for (const service of ['kept', 'late', 'after']) await haveInstance(nodes, service);
      t.diagnostic(`repaired in ${await tookOf(server)} s`);
    });
  },
);

/** Seconds that the repair of a server's history took. */
async function tookOf(server: ServerProcess): Promise<string> {
  const events = await eventsOf(server);
  const at = (type: string): number =>
    Date.parse(events.findLast((event) => event.type === type)?.time ?? '');
  return ((at('repaired') - at('repairing')) / 1_000).toFixed(1);
}
