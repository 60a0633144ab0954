import assert from 'node:assert/strict';
import { addressesOf, assertRunning, listOf, selfAndExpect } from './cluster.js';
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
    assert.deepEqual(await listOf(server), addressesOf(nodes));
  });
});
