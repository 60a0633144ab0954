import assert from 'node:assert/strict';
import { join } from 'node:path';
import { groupsOf } from './beliefs.js';
import { LISTS } from './cluster.js';
import { examine } from './doctor.js';
import { nacosTest } from './suite.js';
import { allLed } from './unsafe-lists.js';
import { patiently } from './patience.js';

/** Each with the list that a node with it asks for by itself. */
const PATHS = { '/': LISTS['/nacos'], '/foo': LISTS['/foo'] } as const;

nacosTest('context paths other than /nacos', { can: ['raft views'] }, async (cluster, scenario, t) => {
  for (const [contextPath, list] of Object.entries(PATHS)) {
    await scenario(
      `${contextPath}: the nodes' own URL is the list ${list}, and the doctor reads them`,
      async () => {
        const file = join(cluster.folder(`at${contextPath.replace('/', '-')}`), 'registry.db');
        const server = await cluster.startServer({ file });
        const query = (address: string): string => cluster.query(address, 2);
        const nodes = await cluster.startNodes(2, { lookupPort: server.port, contextPath, query });
        await cluster.agree(nodes);
        await allLed(nodes);
        const all = [...(await groupsOf(nodes)).keys()].sort();
        const { health } = await patiently('the doctor finds nothing', async () => {
          const health = await examine(t, server, list);
          return health.findings.length === 0 && { health };
        });
        assert.deepEqual([health.state, health.unknown, health.groups], ['healthy', [], all]);
        for (const { version, voterIn } of health.nodes) {
          assert.deepEqual([version, voterIn], [cluster.version, all]);
        }
        await Promise.all(nodes.map((node) => node.end('SIGKILL')));
      },
    );
  }
});
