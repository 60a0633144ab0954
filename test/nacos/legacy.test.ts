import assert from 'node:assert/strict';
import { eventually } from '../support/eventually.js';
import { addressesOf, assertRunning, listOf, selfAndExpect } from './cluster.js';
import { readInstance, writeInstance } from './persistent-data.js';
import { nacosTest } from './suite.js';

nacosTest('Nacos 1.4.2', async (cluster, scenario) => {
  await scenario('three nodes that poll with format=json found a cluster', async () => {
    const server = await cluster.startServer();
    const nodes = await cluster.startNodes(3, {
      version: '1.4.2',
      lookupPort: server.port,
      query: (address) => `${selfAndExpect(address)}&format=json`,
    });
    await cluster.agree(nodes);
    assertRunning(nodes);
    // 1.4.2 tells nobody its voters; what is written to one of them and read from all shows that they are one.
    await writeInstance(nodes[0]!, 'shared');
    for (const node of nodes) {
      await eventually(`${node.port} has the data`, () => readInstance(node, 'shared'), 20_000, 500);
    }
    assert.deepEqual(await listOf(server), addressesOf(nodes));
  });
});
