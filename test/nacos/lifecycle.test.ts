import assert from 'node:assert/strict';
import type { ServerProcess } from '../support/process.js';
import { addressesOf, groupsOf, mostLeadingFirst } from './beliefs.js';
import { CLIENTS, missingClient, register } from './clients/clients.js';
import { assertRunning, eventsOf, leave, listOf, viewOf } from './cluster.js';
import { examine } from './doctor.js';
import type { NacosNode } from './node.js';
import { nacosTest } from './suite.js';
import { patiently } from './patience.js';

nacosTest(
  'bootstrapping, restarts of the address server, all nodes lost, a leave',
  {},
  async (cluster, scenario, t) => {
    let server: ServerProcess;
    let nodes: NacosNode[] = [];

    await scenario(
      'three nodes that start at once bootstrap one cluster in which all are voters',
      async () => {
        server = await cluster.startServer();
        nodes = await cluster.startNodes(3, { lookupPort: server.port });
        await cluster.agree(nodes);
        const groups = await groupsOf(nodes);
        assert.ok(groups.size > 0 || !cluster.traits.can.has('raft views'));
        const voters = nodes.map(({ voter }) => voter).sort();
        for (const [name, group] of groups) assert.deepEqual(group.voters, voters, name);
        const events = await eventsOf(server);
        assert.equal(events.filter(({ type }) => type === 'bootstrapped').length, 1);
        assert.equal((await viewOf(server)).epoch, 1);
      },
    );

    await scenario('the doctor finds nothing wrong, and says where it cannot judge Raft', async () => {
      // While groups are getting their leaders a look may miss one; where nodes show their groups, doctor.test.ts waits for all.
      const { status, unknown } = await patiently('it finds nothing', async () => {
        const health = await examine(t, server);
        return health.findings.length === 0 && health;
      });
      // A 1.4.x that polls shows its groups after an election, until the next poll; of them the doctor says one thing, later
      // of their lack another.
      const blind = cluster.traits.can.has('raft views') ? [] : [/Nacos 1\.4/];
      assert.deepEqual([status, unknown.length], [0, blind.length], unknown.join('\n'));
      for (const [i, sentence] of blind.entries()) assert.match(unknown[i]!, sentence);
      assert.deepEqual(cluster.alarmsOf(server), []);
    });

    await scenario(
      'SDK clients find the nodes by endpoint, register and read',
      async () => {
        const isOld = !cluster.traits.can.has('text lists');
        const fitting = CLIENTS.filter(({ speaksToOld }) => speaksToOld || !isOld);
        for (const client of fitting) {
          const missing = missingClient(client);
          assert.equal(missing, undefined);
          const name = `${client.type}-${client.version}`;
          // They append `?namespace=` to whatever the list is called.
          const list = 'serverlist?view=live';
          const home = cluster.folder(name);
          const said = await register(client, { port: server.port, service: name, list, home });
          assert.match(said, /^FOUND 10\.9\.8\.7$/m, `${name}: ${said}`);
        }
        assert.deepEqual(await listOf(server), addressesOf(nodes), 'none of them is a member');
      },
      cluster.traits.can.has('v1 API') ? undefined : 'its API is closed to clients without a login',
    );

    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      await scenario(`the address server ends by ${signal} and starts again: no member is lost`, async () => {
        const before = await viewOf(server);
        server.child.kill(signal);
        assert.equal(await server.exited, signal === 'SIGTERM' ? 0 : 'SIGKILL');
        server = await cluster.startServer({ port: server.port });
        const first = await viewOf(server);
        assert.deepEqual(
          first.members.map(({ address }) => address),
          before.members.map(({ address }) => address),
        );
        assert.equal(first.revision, before.revision);
        // Each has polled the restarted server, several times over.
        const since = performance.now();
        await patiently(
          'all members have renewed',
          async () => {
            const { members, revision } = await viewOf(server);
            assert.equal(revision, before.revision);
            assertRunning(nodes);
            const renewed = members.every(
              ({ state, silentMs = Infinity }) => state === 'live' && silentMs < 6_000,
            );
            return renewed && performance.now() - since > 12_000;
          },
          250,
        );
        assert.deepEqual(await listOf(server), addressesOf(nodes));
        await cluster.agree(nodes);
      });
    }

    await scenario(
      'all nodes are killed at once, and three new addresses bootstrap the cluster again',
      async () => {
        const killed = nodes;
        await Promise.all(killed.map((node) => node.end('SIGKILL')));
        nodes = await cluster.startNodes(3, { lookupPort: server.port });
        await cluster.agree(nodes);
        const view = await viewOf(server);
        assert.equal(view.epoch, 2);
        assert.deepEqual(await listOf(server), addressesOf(nodes));
        const events = await eventsOf(server);
        assert.equal(events.filter(({ type }) => type === 'rebootstrapped').length, 1);
        assert.deepEqual(cluster.harmIn(events, ['evicted']), []);
      },
    );

    await scenario(
      'a leave that waits answers when the others have the list; the rest are all voters',
      async () => {
        // The hard case: it leads, and the others, bootstrapped together, poll together, just before the answer.
        const [leaver, ...rest] = mostLeadingFirst(nodes, await groupsOf(nodes));
        const { status, text } = await leave(server, leaver.address, '15s');
        assert.equal(status, 200, text);
        const { members, revision } = await viewOf(server);
        assert.deepEqual(members.map(({ address }) => address).sort(), addressesOf(rest));
        for (const { address, deliveredRevision: delivered } of members)
          assert.ok(delivered >= revision, address);
        // The server has looked: where the nodes show their groups, that is what `wait` waits for. Sent is not enough:
        // whoever stops before Raft has worked on it may stay a phantom voter.
        for (const [name, { voters }] of await groupsOf(nodes)) {
          assert.ok(!voters.includes(leaver.voter), `${name} has it as a voter no more`);
        }
        assert.ok(leaver.isRunning);
        await leaver.end('SIGTERM');
        nodes = rest;
        await cluster.agree(nodes);
        assert.deepEqual(await listOf(server), addressesOf(nodes));
      },
    );
  },
);
