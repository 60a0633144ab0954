import assert from 'node:assert/strict';
import { join } from 'node:path';
import { addressesOf } from './beliefs.js';
import { assertRunning, listOf } from './cluster.js';
import type { NacosNode } from './node.js';
import { nacosTest } from './suite.js';
import { TinyDisk } from '../support/tiny-disk.js';
import { patiently } from './patience.js';

nacosTest('answers that are no list', {}, async (cluster, scenario) => {
  await scenario('a node with a self that is no address gives up, and never serves alone', async () => {
    const server = await cluster.startServer();
    const node = await cluster.startNode({
      lookupPort: server.port,
      query: () => 'self=http://x&expect=3',
      retry: 5,
    });
    await patiently('it gives up', () => givenUp(node), 100);
    if (node.traits.can.has('exit without a list')) assert.notEqual(await node.exited, 0);
    assert.match(node.log(400), /address-server|jmenv|serverlist/i);
    assert.match(node.logged(), /nacos-address-server says: self="http:\|\|x" /);
    const { clusters } = (await (await fetch(`${server.url}/api/v1/clusters`)).json()) as {
      clusters: unknown[];
    };
    assert.deepEqual(clusters, []);
  });

  const ofTwo = (address: string): string => cluster.query(address, 2);
  const disk = TinyDisk.mount(cluster.folder('disk'));
  if (disk instanceof TinyDisk) cluster.atEnd(() => disk.unmount());
  const noDisk = typeof disk === 'string' ? disk : undefined;
  await scenario(
    'a node that starts while the store is out keeps trying, and joins when it is back',
    async () => {
      assert.ok(disk instanceof TinyDisk);
      const server = await cluster.startServer({ file: join(disk.folder, 'registry.db') });
      // Two, not one: an initial member alone was seen not to name the leader of one group after a second had joined.
      const initialMembers = await cluster.startNodes(2, { lookupPort: server.port, query: ofTwo });
      await cluster.agree(initialMembers);

      disk.fill();
      const degraded = async (): Promise<boolean> => {
        const { status } = (await (await fetch(`${server.url}/readyz`)).json()) as { status: string };
        return status === 'degraded';
      };
      await patiently('the server notices', degraded);
      const proxy = await cluster.proxyTo(server);
      const joiner = await cluster.startNode({ lookupPort: proxy.port, query: ofTwo });
      // Nacos's own patience are five tries.
      await patiently(
        'it has tried more often than Nacos would by itself',
        async () => {
          assertRunning([...initialMembers, joiner]);
          assert.equal(await joiner.serves(), false, 'it has not started alone');
          return proxy.connections >= 8;
        },
        200,
      );
      assert.ok(await degraded());
      assert.match(joiner.logged(), /nacos-address-server says: the store is unavailable/);
      assert.deepEqual(await listOf(server), addressesOf(initialMembers));
      await cluster.agree(initialMembers);

      disk.makeRoom();
      await cluster.agree([...initialMembers, joiner]);
      assert.deepEqual(await listOf(server), addressesOf([...initialMembers, joiner]));
    },
    noDisk,
  );
});

/** Whether it has ended, or else says that it will not start; meanwhile it must not serve. */
async function givenUp(node: NacosNode): Promise<boolean> {
  assert.equal(await node.serves(), false, 'it has not started alone');
  const { can } = node.traits;
  return can.has('exit without a list') ? !node.isRunning : node.log(1_000).includes('Nacos failed to start');
}
