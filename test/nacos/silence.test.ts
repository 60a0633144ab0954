import assert from 'node:assert/strict';
import type { ServerProcess } from '../support/process.js';
import { groupsOf } from './beliefs.js';
import { assertRunning, viewOf } from './cluster.js';
import type { NacosNode } from './node.js';
import type { TcpProxy } from '../support/tcp-proxy.js';
import { nacosTest } from './suite.js';
import { patiently } from './patience.js';

nacosTest('a false silence, and a member by heartbeat', {}, async (cluster, scenario) => {
  let server: ServerProcess;
  let proxy: TcpProxy;
  let nodes: NacosNode[] = [];

  await scenario(
    'three nodes bootstrap a cluster, one of them through a network that can be blocked',
    async () => {
      server = await cluster.startServer();
      proxy = await cluster.proxyTo(server);
      const cut = await cluster.startNode({ lookupPort: proxy.port });
      nodes = [cut, ...(await cluster.startNodes(2, { lookupPort: server.port }))];
      await cluster.agree(nodes);
    },
  );

  await scenario(
    'a live node whose polls are blocked for longer than evict-after stays a voter',
    async () => {
      const [cut] = nodes as [NacosNode];
      const before = await viewOf(server);
      const memberOf = async () => {
        const view = await viewOf(server);
        assert.equal(view.revision, before.revision, 'the list is the same all along');
        const member = view.members.find(({ address }) => address === cut.address);
        assert.ok(member, 'it stays listed');
        return member;
      };
      proxy.silence();
      await patiently('it is silent', async () => (await memberOf()).state === 'silent', 250);
      await patiently(
        'it is silent for longer than evict-after, and then some',
        async () => {
          for (const [name, { voters }] of await groupsOf(nodes)) {
            assert.deepEqual(voters, nodes.map(({ voter }) => voter).sort(), name);
          }
          return ((await memberOf()).silentMs ?? 0) > 70_000;
        },
        1_000,
      );
      assert.equal((await memberOf()).state, 'silent');
      await cluster.agree(nodes);
      await proxy.restore();
      await patiently('it is live again', async () => (await memberOf()).state === 'live', 250);
      assertRunning(nodes);
      await cluster.agree(nodes);
    },
  );

  await scenario('a node whose own poll carries no self is registered by POST until it is up', async () => {
    const port = await cluster.takePort();
    const address = `127.0.0.1:${port}`;
    const post = async (): Promise<boolean> => {
      const url = `${server.url}/nacos/serverlist?self=${address}&expect=3`;
      const response = await fetch(url, { method: 'POST' });
      assert.ok(response.status === 200 || response.status === 202, `${response.status}`);
      if (response.status === 202) return false;
      assert.ok((await response.text()).split('\n').includes(address));
      return true;
    };
    await patiently('it is listed', post, 1_000);
    const started = await cluster.startNode({
      port,
      lookupPort: server.port,
      query: () => cluster.formatQuery.join(),
    });
    nodes = [...nodes, started];
    // Until its port is open nothing else keeps it on the list.
    const isUp = async (): Promise<boolean> => (await post()) && (await started.isReady());
    await patiently('it is up', isUp, 2_000);
    await cluster.agree(nodes);
    // Its open port is what keeps it alive from now on, for longer than a lease: which list it has is presumed a
    // TTL later, and 20 s after that it has settled.
    // Of one view: on a slow machine any member may be silent for a moment.
    const member = await patiently(
      'it has settled in a whole cluster',
      async () => {
        const { members, state } = await viewOf(server);
        const found = members.find((one) => one.address === address);
        return state === 'whole' && found?.settled === true && found;
      },
      1_000,
    );
    assert.deepEqual([member.state, member.source], ['live', 'heartbeat']);
    await cluster.agree(nodes);
  });
});
