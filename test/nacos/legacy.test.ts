import assert from 'node:assert/strict';
import { eventually } from '../support/eventually.js';
import type { ServerProcess } from '../support/process.js';
import { addressesOf, assertRunning, listOf, selfAndExpect } from './cluster.js';
import { examine } from './doctor.js';
import { nacosTest } from './suite.js';

nacosTest('Nacos 1.4.2', async (cluster, scenario, t) => {
  let server: ServerProcess;

  await scenario('three nodes that poll with format=json found a cluster', async () => {
    server = await cluster.startServer();
    const nodes = await cluster.startNodes(3, {
      version: '1.4.2',
      lookupPort: server.port,
      query: (address) => `${selfAndExpect(address)}&format=json`,
    });
    await cluster.agree(nodes);
    assertRunning(nodes);
    assert.deepEqual(await listOf(server), addressesOf(nodes));
  });

  await scenario('the doctor finds nothing wrong, and says that it cannot judge Raft', async () => {
    // A node forgets at each poll what it has told of itself, so until the first one after an election it may show groups.
    const unknown = await eventually(
      'no node shows its Raft groups any more',
      async () => {
        const { status, findings, unknown } = await examine(t, server);
        assert.deepEqual([status, findings], [0, []]);
        return unknown.some((sentence) => sentence.startsWith('the nodes show no Raft groups')) && unknown;
      },
      30_000,
      500,
    );
    assert.equal(unknown.length, 1);
  });
});
