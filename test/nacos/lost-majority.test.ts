import assert from 'node:assert/strict';
import { runCli } from '../support/cli.js';
import type { ServerProcess } from '../support/process.js';
import { addressesOf, groupsOf, mostLeadingFirst } from './beliefs.js';
import { listOf, viewOf } from './cluster.js';
import { repair } from './doctor.js';
import type { NacosNode } from './node.js';
import { readInstance, writeInstance } from './persistent-data.js';
import { nacosTest } from './suite.js';
import { patiently } from './patience.js';

nacosTest(
  'a lost majority: recover, and the doctor’s repair, end in a whole cluster with its data, without a restart',
  { can: ['raft views', 'resetPeers'] },
  async (cluster, scenario, t) => {
    let server: ServerProcess;
    let nodes: NacosNode[] = [];
    const query = (address: string): string => cluster.query(address, 2);
    const startNew = (): Promise<NacosNode> => cluster.startNode({ lookupPort: server.port, query });

    const isLost = (): Promise<true> =>
      patiently('the majority is lost', async () => (await viewOf(server)).state === 'quorum-lost', 50);

    const recover = async (survivor: NacosNode): Promise<void> => {
      const recovered = await runCli(t, ['recover', 'nacos/serverlist', '--yes', '--server', server.url]);
      assert.deepEqual([recovered.status, recovered.err], [0, '']);
      assert.match(recovered.out, /doctor nacos\/serverlist --repair/);
      // Two blank nodes beside one survivor would be a majority without its data.
      assert.deepEqual(await listOf(server), [survivor.address]);
    };

    /** Repairs with the command once: it waits for its plan by itself. Resolves with the seconds that the repair took. */
    const repairOnce = async (survivor: NacosNode): Promise<string> => {
      const { status, plan, events, health } = await repair(t, server, '--yes');
      assert.equal(plan.refused, undefined);
      assert.equal(events.at(-1)?.type, 'repaired', events.at(-1)?.reason);
      assert.deepEqual(
        plan.steps.map(({ command, node, group, value }) => [command, node, group, value]),
        [['resetPeers', survivor.address, undefined, survivor.voter]],
      );
      // Those that waited come in now, one by one, and the first may just be starting.
      assert.deepEqual([status, health?.findings.filter(({ code }) => code === 'no-leader')], [0, []]);
      const [first, last] = [events[0]!, events.at(-1)!];
      return ((Date.parse(last.time) - Date.parse(first.time)) / 1_000).toFixed(1);
    };

    const becomeWhole = async (): Promise<void> => {
      await cluster.agree(nodes);
      assert.deepEqual(await listOf(server), addressesOf(nodes));
      for (const node of nodes) {
        await patiently(`${node.port} has the data`, () => readInstance(node, 'kept'), 500);
      }
    };

    await scenario('two nodes bootstrap a cluster', async () => {
      server = await cluster.startServer();
      nodes = await cluster.startNodes(2, { lookupPort: server.port, query });
      await cluster.agree(nodes);
      await writeInstance(nodes[0]!, 'kept');
    });

    await scenario('a leader that had begun to remove the other when it lost it', async () => {
      const [survivor, lost] = mostLeadingFirst(nodes, await groupsOf(nodes)) as [NacosNode, NacosNode];
      const led = [...(await groupsOf(nodes))].flatMap(([name, { leader }]) =>
        leader === survivor.voter ? [name] : [],
      );
      await lost.end('SIGKILL');
      // As Nacos itself does when it sees the recovered list before it has given up leading.
      const { voter } = lost;
      const answers = await Promise.all(
        led.map((groupId) => survivor.tellRaft({ command: 'removePeer', value: voter, groupId })),
      );
      for (const answer of answers) assert.match(answer, /"code":500/, 'it waits for one that is gone');
      await isLost();
      await recover(survivor);
      t.diagnostic(`${led.length} groups had begun; repaired in ${await repairOnce(survivor)} s`);
      nodes = [survivor, await startNew()];
      await becomeWhole();
    });

    await scenario('one is killed while two others wait', async () => {
      const [survivor, lost] = nodes as [NacosNode, NacosNode];
      await lost.end('SIGKILL');
      await isLost();
      const fresh = [await startNew(), await startNew()];
      await patiently('both wait', async () => (await viewOf(server)).waiting.length === 2);
      const early = await repair(t, server, '--yes');
      assert.match(early.plan.refused ?? '', /no majority of the list is live.*recover/);
      await recover(survivor);
      t.diagnostic(`repaired in ${await repairOnce(survivor)} s`);
      nodes = [survivor, ...fresh];
      await becomeWhole();
    });
  },
);
