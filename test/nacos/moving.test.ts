import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { runCli, type Ran } from '../support/cli.js';
import { ask, JSON_CLIENT } from '../support/raw.js';
import type { ServerProcess } from '../support/process.js';
import { addressesOf, groupsOf, mostLeadingFirst } from './beliefs.js';
import { eventsOf, listOf, viewOf } from './cluster.js';
import { clusterConfOf, type NacosNode } from './node.js';
import { writeInstance } from './persistent-data.js';
import { nacosTest } from './suite.js';
import { haveInstance } from './unsafe-lists.js';
import { patiently } from './patience.js';

/* docs/moving.md, step by step, for those who have a cluster.conf. */

nacosTest(
  'from a cluster.conf to this server without a restart of the whole cluster, and back',
  {},
  async (cluster, scenario, t) => {
    let server: ServerProcess;
    let nodes: NacosNode[] = [];
    const sharesInstances = cluster.traits.can.has('shared instances');

    const run = (...args: string[]): Promise<Ran> => runCli(t, [...args, '--server', server.url]);
    const sourceOf = async (node: NacosNode): Promise<string | undefined> =>
      (await viewOf(server)).members.find(({ address }) => address === node.address)?.source;
    /** As a readiness probe asks. */
    const settledStatus = async ({ address }: NacosNode): Promise<number> => {
      const path = `/api/v1/clusters/nacos/serverlist/members/${address}?settled=true`;
      return (await ask(server, 'GET', path, JSON_CLIENT)).status;
    };

    await scenario('three nodes with a hand-written cluster.conf form a cluster', async () => {
      const ports = [await cluster.takePort(), await cluster.takePort(), await cluster.takePort()];
      const members = ports.map((port) => `127.0.0.1:${port}`);
      for (const port of ports) {
        nodes.push(await cluster.startNode({ lookup: 'file', port, members }));
      }
      await cluster.agree(nodes);
      if (sharesInstances) await writeInstance(nodes[0]!, 'kept');
    });

    await scenario('its cluster.conf, as Nacos has written it since, is imported', async () => {
      server = await cluster.startServer();
      const file = clusterConfOf(nodes[0]!.home);
      const { status, out, err } = await run('import', file, '--yes');
      assert.equal(status, 0, `${err}\n${readFileSync(file, 'utf8')}`);
      assert.match(out, /nacos\/serverlist has revision 1 now, and all 3 of /);
      assert.deepEqual(await listOf(server), addressesOf(nodes));
    });

    await scenario(
      'each node is restarted with the address server, and the nodes agree after each',
      async () => {
        for (const [i, node] of nodes.entries()) {
          nodes[i] = await cluster.restartNode(node, {
            lookupPort: server.port,
            query: (address) => cluster.query(address, 0),
          });
          await cluster.agree(nodes);
          assert.equal(await settledStatus(node), 200);
          const early = await run('import', '--adopt', '--dry-run', '--json');
          const { adopted } = JSON.parse(early.out) as { adopted: string[] };
          assert.deepEqual(adopted.sort(), addressesOf(nodes.slice(0, i + 1)), 'those that have moved');
        }
        const { revision, epoch } = await viewOf(server);
        assert.deepEqual([revision, epoch], [1, 1], 'the list was the same all the time');
        if (sharesInstances) await haveInstance(nodes, 'kept');
      },
    );

    await scenario('the adoption gives each of them a lease', async () => {
      const { status, out } = await run('import', '--adopt', '--yes');
      assert.equal(status, 0, out);
      for (const node of nodes) {
        await patiently('it is seen to poll', async () => (await sourceOf(node)) === 'poll', 250);
      }
      assert.equal((await viewOf(server)).revision, 1);
      const types = (await eventsOf(server)).map(({ type }) => type);
      assert.deepEqual(
        types.filter((type) => type !== 'silent' && type !== 'down' && type !== 'returned'),
        ['bootstrapped', 'adopted', 'adopted', 'adopted'],
      );
    });

    await scenario('one goes back to its cluster.conf, and the nodes agree', async () => {
      const [back, ...rest] = nodes as [NacosNode, ...NacosNode[]];
      const members = await listOf(server);
      const { status, err } = await put(members);
      assert.equal(status, 200, err);
      const again = await cluster.restartNode(back, { lookup: 'file', members });
      nodes = [again, ...rest];
      await cluster.agree(nodes);
      assert.equal(await sourceOf(again), 'static', 'it polls no more, and nobody takes it off');
      assert.deepEqual(await listOf(server), addressesOf(nodes));
      // And forth again.
      nodes[0] = await cluster.restartNode(again, { lookupPort: server.port });
      await cluster.agree(nodes);
      assert.equal((await run('import', '--adopt', '--yes')).status, 0);
    });

    await scenario('one that is killed is evicted as any other', async () => {
      const [killed, ...rest] = mostLeadingFirst(nodes, await groupsOf(nodes));
      await patiently('all are steady again', async () => {
        const { members } = await viewOf(server);
        return members.every(({ state, settled }) => state === 'live' && settled);
      });
      await killed.end('SIGKILL');
      await patiently(
        'it is evicted',
        async () =>
          (await eventsOf(server)).some(
            ({ type, address }) => type === 'evicted' && address === killed.address,
          ),
        500,
      );
      nodes = rest;
      await cluster.agree(nodes);
      assert.deepEqual(await listOf(server), addressesOf(nodes));
    });

    /** As the guide says it for the way back: static again, so that nobody is evicted meanwhile. */
    async function put(members: readonly string[]): Promise<{ status: number; err: string }> {
      const answer = await ask(server, 'POST', `/nacos/v1/as/nodes?ips=${members.join(',')}`);
      return { status: answer.status, err: answer.body };
    }
  },
);
